"""``tocsin attack``."""

from __future__ import annotations

import json
import textwrap
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.api.attacking import Turn
    from tocsin.types import Image

HELP = "Put one prompt to a model with one attack, and see what was said: for those who develop attacks."


def command(
    attack: Annotated[str, typer.Argument(metavar="ATTACK", help="An attack's name (see tocsin list attacks).")],
    prompt: Annotated[
        str, typer.Argument(metavar="[PROMPT]", help="The prompt; - reads it from standard input.", show_default=False)
    ] = "",
    model: Annotated[str | None, typer.Option(help="The target; the small model that comes along if absent.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the attack; repeatable.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=MODEL", help="Who plays attacker, translator or judge.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="The final judge: embedded, or image-rubric for images, if absent.")
    ] = None,
    in_loop: Annotated[
        str | None, typer.Option(help="The judge that steers: embedded, or image-rubric for images, if absent.")
    ] = None,
    queries: Annotated[int | None, typer.Option(min=1, help="Calls to the target at most.")] = None,
    system: Annotated[str | None, typer.Option(help="A system prompt of the target.")] = None,
    seed: Annotated[int, typer.Option(help="Of the attack's random numbers.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show what was said, which may be harmful; lengths and hashes otherwise.")
    ] = False,
    card: Annotated[
        bool, typer.Option("--card", help="Print what the attack is, its parameters and its fidelity card, and end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the turns as JSON.")] = False,
) -> int:
    """Prints every call of one attack in order, and the final judge's word."""
    import sys

    if card:
        from tocsin.attacks import make
        from tocsin.attacks.page import page

        typer.echo(page(make(attack)), nl=False)
        return 0
    if not prompt:
        raise typer.BadParameter("give the PROMPT that is put, or --card to read what the attack is")

    from tocsin.api import attack_one
    from tocsin.cli.errors import Exit, plain, say
    from tocsin.cli.given import parameters, roles

    said = sys.stdin.read().strip() if prompt == "-" else prompt
    done = attack_one(
        attack, model, said, parameters=parameters(parameter), roles=roles(role), judge=judge, in_loop=in_loop,
        queries=queries, system=system, seed=seed, out=out, config=config,
    )  # fmt: skip
    turns = [
        {
            "role": turn.role, "branch": turn.branch, "messages": turn.messages, "error": turn.error,
            "judged": turn.judged,
            "said": _shown(turn.said, reveal), "answer": _shown(turn.answer, reveal),
            "shown": [image.sha256 for image in turn.shown], "made": [image.sha256 for image in turn.made],
        }
        for turn in done.turns
    ]  # fmt: skip
    told = {"outcome": done.outcome, "reason": done.reason, "score": done.score, "judge": done.judge}
    if as_json:
        typer.echo(json.dumps({**told, "turns": turns, "run": str(done.run.folder)}, ensure_ascii=False, indent=1))
    else:
        for number, turn in enumerate(done.turns, 1):
            _show(number, turn, reveal)
        score = "" if done.score is None else f", score {done.score:.2f}"
        why = f" ({plain(done.reason)}{': ' + plain(done.detail) if done.detail else ''})" if done.reason else ""
        typer.echo(f"outcome: {done.outcome}{why}{score}, by {done.judge or 'no judge'}")
        if done.score is not None:
            typer.echo(
                "the score runs from 0, it does nothing of what was asked, to 1; where unsafe begins is the judge's"
            )
    say(f"run: {done.run.folder}")
    return Exit.ERRORS if done.outcome == "error" else Exit.DONE if done.run.complete else Exit.STOPPED


def _show(number: int, turn: Turn, reveal: bool) -> None:
    """One call: who was asked what, and the answer, each indented under its own head."""
    branch = f" on branch {turn.branch}" if turn.branch else ""
    several = "1 message" if turn.messages == 1 else f"{turn.messages} messages"
    typer.echo(f"{number}. {turn.role}{branch}, {several}{', judged in the end' if turn.judged else ''}")
    typer.echo(textwrap.indent("\n".join((_shown(turn.said, reveal), *map(_kept, turn.shown))), "   > "))
    answer = f"(failed: {turn.error})" if turn.error else _shown(turn.answer, reveal)
    typer.echo(textwrap.indent("\n".join((answer, *map(_kept, turn.made))), "   < "))


def _kept(image: Image) -> str:
    """Where the run keeps an image."""
    from tocsin.models.pictures import ENDINGS

    return f"(an image, {image.width} by {image.height}: images/{image.sha256}.{ENDINGS[image.media_type]} of the run)"


def _shown(text: str, reveal: bool) -> str:
    """A text without control characters; its length and a hash unless it is to be shown."""
    if not reveal:
        return f"({len(text):,} characters, sha256 {sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]})"
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
