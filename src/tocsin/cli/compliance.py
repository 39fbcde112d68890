"""``tocsin compliance``: items from a regulation's text, what a new text means for them, and what tests say about clauses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli import compliance_draw, compliance_report

if TYPE_CHECKING:
    from tocsin.api import Generated
    from tocsin.compliance.diff import Difference

_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_ENCODING = Annotated[str | None, typer.Option(help="Encoding of the text, where it is not UTF-8.")]
_GENERATE = "Have a model take a regulation apart into rules and draft items for people to review."
_DIFF = "Say which rules and items a new text, or a new set, concerns."


def build() -> typer.Typer:
    """The commands under ``tocsin compliance``."""
    app = typer.Typer(
        help="Items for a regulation's rules, and what tests say about its clauses.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    app.command("generate", help=_GENERATE)(generate)
    app.command("diff", help=_DIFF)(diff)
    app.command("draw", help=compliance_draw.HELP)(compliance_draw.command)
    app.command("report", help=compliance_report.HELP)(compliance_report.command)
    return app


def generate(
    regulation: Annotated[Path | None, typer.Argument(metavar="REGULATION", help="A file of plain text.")] = None,
    model: Annotated[str | None, typer.Option(help="Who reads and writes; the embedded model if absent.")] = None,
    output: Annotated[str | None, typer.Option(help="What the items ask for: text (if absent) or image.")] = None,
    framework: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="A framework into whose clauses the rules are sorted.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    limit: Annotated[int | None, typer.Option(min=1, help="Chunks of the text that are read at most.")] = None,
    encoding: _ENCODING = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="BCP 47 code of the text.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the drafts, as the set will say it.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN_FOLDER", help="Go on with a run.")] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="With --resume: also ask again where a call failed.")
    ] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: _JSON = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Writes drafts."""
    from tocsin.api import generate_items, resume_generation
    from tocsin.cli.errors import Exit, say
    from tocsin.cli.given import Watching
    from tocsin.engine import Ending, Limits

    watch = Watching("compliance generate", resume or out, config, quiet=quiet, resumed=resume is not None)
    common: dict[str, Any] = {
        "limits": Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
        "concurrency": concurrency, "config": config, "watch": watch, "signals": True,
    }  # fmt: skip
    said = {
        "output": output, "framework": framework, "limit": limit, "encoding": encoding, "language": language,
        "licence": licence,
    }  # fmt: skip
    try:
        if resume is not None:
            given = {"REGULATION": regulation, "--model": model, **{f"--{name}": value for name, value in said.items()}}
            if wrong := [name for name, value in given.items() if value is not None]:
                raise ValueError(f"a run that goes on is planned already: leave out {', '.join(wrong)}")
            done = resume_generation(resume, retry_errors=retry_errors, **common)
        elif regulation is None:
            raise ValueError("name the text of a regulation: tocsin compliance generate REGULATION.txt")
        else:
            named = {name: value for name, value in {"model": model, **said}.items() if value is not None}
            done = generate_items(regulation, out=out, **named, **common)
    except KeyboardInterrupt:
        return watch.interrupted()
    if as_json:
        typer.echo(json.dumps(done.told | {"folder": str(done.folder)}, ensure_ascii=False, indent=1))
    else:
        _show(done)
    for path in done.set_aside:
        new = done.items if path.name.startswith("items") else done.framework
        say(
            f"{path} was changed since it was written, and is left as it is: the new one stands beside it as {new and new.name}"
        )
    if done.ended.ending is not Ending.COMPLETE:
        say(f"stopped: {done.ended.reason or done.ended.ending}")
        say(f"go on with: {watch.how}")
        return Exit.INTERRUPTED if done.ended.ending is Ending.INTERRUPTED else Exit.STOPPED
    if done.items is None:
        say("no rule came of it, so there is no set of items: see why above, and try a stronger model")
    if done.errors:
        say(f"{done.errors} chunks could not be read because a call failed; ask again with {watch.how} --retry-errors")
        return Exit.ERRORS
    return Exit.DONE


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD_ITEMS", help="A set of items (YAML).")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The new text of the regulation, or a newer set (YAML).")],
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the set there, with the items to be looked at again as drafts."),
    ] = None,
    encoding: _ENCODING = None,
    as_json: _JSON = False,
) -> int:
    """Prints what changed."""
    import msgspec

    from tocsin.api import compare_items

    found = compare_items(old, new, encoding=encoding, write=write)
    if as_json:
        told = msgspec.to_builtins(
            {"counts": found.counts(), "rules": found.rules, "added": found.added, "items": found.items}
        )
        told |= {"against": found.against or None, "review": found.review, "written": str(write) if write else None}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return 0
    _show_difference(found)
    if write:
        typer.echo(f"written: {write}")
    return 0


def _show(done: Generated) -> None:
    told = done.told
    chunks, rules, items = told["chunks"], told["rules"], told["items"]
    typer.echo(
        f"chunks: {chunks['planned']} planned, {chunks['read']} read, {chunks['without_rules']} without a rule,"
        f" {chunks['open']} not asked yet"
    )
    _reasons("could not be read", chunks["unread"])
    _reasons("failed", chunks["failed"])
    typer.echo(f"rules: {rules['listed']} listed, {rules['kept']} kept")
    _reasons("rejected", rules["rejected"])
    typer.echo(f"items: {items['drafts']} drafts")
    for kind, statuses in items["by_format"].items():
        typer.echo(f"  {kind:16} {', '.join(f'{count} {status}' for status, count in statuses.items()) or 'none'}")
    _reasons("rejected", items["rejected"])
    _reasons("dropped", items["dropped"])
    typer.echo(f"calls: {told['calls']['made']}, {told['calls']['failed']} of them failed")
    for path in filter(None, (done.items, done.framework, done.folder / "generation.json")):
        typer.echo(f"written: {path}")


def _reasons(what: str, reasons: dict[str, int]) -> None:
    from tocsin.cli.errors import plain

    for reason, count in sorted(reasons.items(), key=lambda one: -one[1]):
        typer.echo(f"  {what}: {count} × {plain(reason)}")


def _show_difference(found: Difference) -> None:
    from tocsin.cli.errors import plain

    typer.echo("rules: " + ", ".join(f"{count} {state}" for state, count in found.counts().items()))
    for change in found.rules:
        if change.state != "unchanged":
            likeness = f" (likeness {change.likeness:.2f})" if change.state == "changed" else ""
            typer.echo(f"  {change.state:8} {plain(change.rule)}, clause {plain(change.clause)}{likeness}")
            for when, said in (("was", change.was), ("now", change.now)):
                if said:
                    typer.echo(f"    {when}: {plain(said)}")
    if found.by_quote:
        typer.echo(
            f"of {len(found.by_quote)} rules only the quotes could be compared, since the old text is not at hand as source.txt"
            " beside the set: what stands around the quotes may have changed"
        )
    for one in found.added:
        what = "not in the old text" if found.against == "the old text" else "on which no rule rests"
        typer.echo(f"  new text {plain(one.clause)} ({plain(one.title)}): {one.sentences} sentences {what}")
    changed = [one for one in found.items if one.state != "unchanged"]
    for item in changed:
        typer.echo(f"  item {item.state:8} {plain(item.item)}")
    typer.echo(f"items to be looked at again: {len(found.review)}")
    for name in found.review:
        typer.echo(f"  {plain(name)}")
