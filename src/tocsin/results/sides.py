"""Which two sides are compared: two runs, or one run with two models, attacks or languages of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tocsin.journal import check_manifest, open_journal, read_manifest, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.matched_cells import Side

Pair = tuple[str, str] | None
_NAMED = 12


def sides(
    one: Path, other: Path, *, models: Pair = None, attacks: Pair = None, languages: Pair = None
) -> tuple[Side, Side]:
    """The two sides of a comparison.

    Args:
        one: The one run's folder.
        other: The other's; the same for two models, attacks or languages of one run.
        models: The target of each; needed where a run has several.
        attacks: The attack of each; all of them without.
        languages: The language of each; all of them without.

    Raises:
        JournalError: A folder is no run's.
        ValueError: It does not follow what is meant, a run has no such thing, or both sides are the same.
    """
    folders = one, other
    read = {folder: _manifest(folder) for folder in dict.fromkeys(folders)}
    made = []
    for number, folder in enumerate(folders):
        manifest = read[folder]
        target = _target(folder, manifest, models and models[number])
        attack, language = (pair and pair[number] for pair in (attacks, languages))
        if attack is not None:
            _checked(folder, target, "c.attack", "attack", attack)
        if language is not None:
            _checked(folder, target, "s.language", "language", language)
        made.append(Side(folder=folder, manifest=manifest, target=target, attack=attack, language=language))
    first, second = made
    apart = (first.target, first.attack, first.language) != (second.target, second.attack, second.language)
    if one.resolve() == other.resolve() and not apart:
        raise ValueError(
            f"{one}: both sides are {first.name} of one run; name two runs, or two models (--models X,Y), attacks"
            " (--attack X,Y) or languages (--language X,Y) of it"
        )
    return first, second


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder)
    check_manifest(folder, manifest)
    return manifest


def _target(folder: Path, manifest: Mapping[str, Any], wanted: str | None) -> int:
    names = [str(target["name"]) for target in manifest["targets"]]
    if wanted is None:
        if len(names) == 1:
            return 0
        raise ValueError(
            f"{folder} has {len(names)} models, and it is not said which is meant: --model NAME for both sides, or"
            f" --models X,Y for each. It has {_listed(names)}"
        )
    if wanted not in names:
        raise ValueError(f"{folder} has no model {wanted}; it has {_listed(names)}")
    return names.index(wanted)


def _checked(folder: Path, target: int, column: str, what: str, wanted: str) -> None:
    """Whether a run has cells of this attack, or in this language."""
    with closing(open_journal(folder)) as db, readable(folder / JOURNAL):
        rows = db.execute(
            f"SELECT DISTINCT {column} FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.target = ? AND {column} <> ''"
            " ORDER BY 1",
            (target,),
        )
        names = [str(name) for (name,) in rows]
    if wanted not in names:
        raise ValueError(f"{folder} has no {what} {wanted}; it has {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more or "none"
