"""What the endpoints of the labelling page share: fields of forms, answers that lead on, and the run's journal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse

from tocsin.evaluations import run_labels
from tocsin.evaluations.run_labels import Labels
from tocsin.journal import open_journal

_DIGITS = 18


class Trouble(Exception):
    """What was asked for cannot be done; the message is for the person who asked."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def draw_of(folder: Path) -> Labels:
    """The draw of a run.

    Raises:
        Trouble: There is none.
    """
    labels = run_labels.read_labels(folder)
    if labels is None:
        raise Trouble(404, "no answers of this run were drawn for labelling")
    return labels


def number(form: dict[str, str], field: str, least: int, most: int) -> int:
    """A whole number that a form holds.

    Raises:
        Trouble: It is none, or none from `least` to `most`.
    """
    found = digits(form.get(field, ""))
    if found is None or not least <= found <= most:
        raise Trouble(400, f"{field} is a whole number from {least:,} to {most:,}")
    return found


def digits(said: str) -> int | None:
    """A number that is written in digits; None if it is not, or is too long to be one of ours."""
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _DIGITS else None


def two(figure: float) -> str:
    """A figure with two decimals and a true minus."""
    return f"{figure:.2f}".replace("-", "\u2212")


def see(request: Request, path: str, **query: str) -> RedirectResponse:
    """On to another page of the same run."""
    return RedirectResponse(
        f"/label/{request.path_params['run']}{path}{f'?{urlencode(query)}' if query else ''}", status_code=303
    )


@contextmanager
def journal(folder: Path) -> Iterator[Connection]:
    """The run's journal, for reading."""
    db = open_journal(folder)
    try:
        yield db
    finally:
        db.close()
