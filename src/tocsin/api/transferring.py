"""Putting what succeeded on one model to others; see `tocsin.evaluations.transfer`."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from tocsin.api.conduct import Conduct, Watcher, attacks_of, check_prices, check_said, run_name, session
from tocsin.api.run import Run, run_loop
from tocsin.engine import Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations import transfer as transfers
from tocsin.evaluations.assessment import make_judges
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.suite import Suite, changed_suite
from tocsin.journal import Images, Journal, RunFolder, check_manifest, held_still, open_journal, read_manifest
from tocsin.journal.folder import MANIFEST
from tocsin.models import open_caller, read_config


def transfer(run: Path | str, *models: str, **options: Any) -> Run:
    """Puts what succeeded in a run to other models; see `transfer_async` for the options."""
    return run_loop(transfer_async(run, *models, **options))


async def transfer_async(
    run: Path | str,
    *models: str,
    source: str | None = None,
    out: Path | str | None = None,
    limits: Limits | None = None,
    concurrency: int | None = None,
    reuse: Sequence[Path | str] = (),
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
    report: bool = True,
) -> Run:
    """Puts every attack that succeeded on a model to other models, word for word, in a run of its own.

    The same judge decides. The run that is named is read and not changed; it may be unfinished.

    Args:
        run: The folder of a run with an adversarial evaluation.
        models: To whom it is put; the source itself shows how often a success comes again at all.
        source: On whom it succeeded; may be None where the run has one model.
        out: Folder in which the new run's folder is made; the one that holds the run if None.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        reuse: Folders of other runs whose answers may be used.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly (in the main thread only).
        report: Whether to write the report beside the summary.

    Raises:
        ValueError: There is no model to put it to, no such source, or nothing that succeeded on it.
        ConfigError, ModelUnavailable, UnknownName: A model or a judge cannot be had.
        ReplayDiverged: An attack is not what it was in the run.
        JournalError: The run cannot be read, or the new folder cannot be written.
    """
    if not models:
        raise ValueError("name a model to put it to: tocsin transfer RUN_FOLDER MODEL…")
    parent = Path(run)
    before = read_manifest(parent)
    check_manifest(parent, before)
    if not before.get("adversarial") or "transferred" in before:
        raise ValueError(f"{parent} has no attacks of its own: make a run with --attack first")
    names = [target["name"] for target in before["targets"]]
    if source is None and len(names) > 1:
        raise ValueError(f"{parent} has {len(names)} models: say with --from on whom it succeeded ({', '.join(names)})")
    source = names[0] if source is None else source
    if source not in names:
        raise ValueError(f"{parent} has no model {source!r}: there are {', '.join(names)}")
    if names.count(source) > 1:
        raise ValueError(
            f"{parent} names model {source!r} twice, so that nobody can tell on which of them it succeeded"
        )
    configs = read_config(Path(config) if config else None)
    suite = _suite(before)
    targets = [open_caller(name, configs, concurrency=concurrency) for name in models]
    cast = Cast(targets)
    conduct = Conduct(limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report)
    try:
        made = make_judges(suite, _judges(parent))
        cast = open_cast(targets, made.values(), configs, concurrency=concurrency)
        check_prices(cast.everyone(), limits)
        with held_still(parent):
            folder, journal, manifest = _begin(
                Path(out) if out else parent.parent,
                parent,
                before,
                suite,
                cast,
                list(made),
                names.index(source),
            )
        try:
            return await session(folder, journal, manifest, cast, made, conduct)
        finally:
            folder.close()
    finally:
        await cast.close()


def _judges(parent: Path) -> list[str]:
    """The final judges of the run's attacked answers."""
    db = open_journal(parent)
    try:
        rows = db.execute("SELECT DISTINCT judge FROM cells WHERE evaluation = 'adversarial' ORDER BY 1").fetchall()
    finally:
        db.close()
    return [name for (name,) in rows]


def _suite(before: dict[str, Any]) -> Suite:
    """The run's suite as the new run has it: every cell that is planned is run."""
    then = Suite.model_validate(before["suite"])
    attacked = then.adversarial.model_dump() if then.adversarial else {}
    return changed_suite(
        then,
        {
            "adversarial": {**attacked, "mode": "exhaustive"},
            "evaluations": ["adversarial"],
            "stopping": None,
            "repeats": 1,
        },
    )


def _begin(
    out: Path, parent: Path, before: dict[str, Any], suite: Suite, cast: Cast, judges: list[str], source: int
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its plan; leaves nothing behind if that fails."""
    attacks = {name: made for name, made in attacks_of(before).items() if name in before["adversarial"]["attacks"]}
    for name, made in attacks.items():
        manifests.check_same(f"attack {name!r}", before["attacks"][name]["identity"], made.identity, "1 (the first)")
    without = transfers.left_out(attacks)
    kept = {name: made for name, made in attacks.items() if name not in without}
    told = {
        "run": before["run"],
        "sha256": sha256((parent / MANIFEST).read_bytes()).hexdigest(),
        "source": before["targets"][source]["name"],
        "partial": before["status"] != "complete",
        "attacks": list(kept),
        "replayed": [name for name, made in kept.items() if transfers.replayed(made)],
        "left_out": [{"attack": name, "why": why} for name, why in without.items()],
    }
    known = {**before, "judges": {name: before["judges"][name] for name in judges}}
    manifest = manifests.transferred(run_name(f"{suite.name}-transfer"), known, suite, cast, told)
    manifest["attacks"] = {name: manifests.attack_told(made) for name, made in attacks_of(manifest).items()}
    check_said(manifest, cast)
    folder = RunFolder(out / manifest["run"], create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        journal.images.adopt_all(Images(parent))
        db = open_journal(parent)
        try:
            plan = transfers.planned(db, source, kept, len(cast.targets), suite.seed)
            manifest["cells"] = journal.plan(plan)
        finally:
            db.close()
        if not manifest["cells"]:
            raise ValueError(
                f"{parent}: no attack succeeded on {told['source']}, so there is nothing to put to another"
            )
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest
