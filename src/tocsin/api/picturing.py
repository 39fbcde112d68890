"""Having the pictures made that a benchmark describes and does not come with, in a run of its own.

See docs/reference/cli.md, ``tocsin compliance draw``.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from tocsin import attacks
from tocsin.api.conduct import Conduct, Watcher, carry_on, check_prices, check_said, reopened, run_name
from tocsin.api.run import run_loop
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.vision.report_compliance import DRAWABLE, descriptions_of
from tocsin.datasets import DatasetError, Row, RowError, data_folder, locate
from tocsin.datasets.pictures import plain
from tocsin.engine import Ended, Ending, Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.plan import DIRECT, Chosen, Drawing, choose, plan
from tocsin.evaluations.suite import BenchmarkEntry, Suite, changed_suite, parse_suite
from tocsin.journal import (
    Images,
    Journal,
    JournalError,
    RunFolder,
    check_manifest,
    open_journal,
    read_manifest,
)
from tocsin.journal.folder import PICTURES
from tocsin.judges import Judge
from tocsin.models import ModelConfig, open_caller, read_config
from tocsin.models.pictures import PictureError, as_png
from tocsin.protocols import Asker, Attempt
from tocsin.types import Answer, Case, ErrorKind, Outcome, Verdict

SUITE = "name: draw\ntitle: Pictures for items\nseed: 260110527\n"


class Counted(msgspec.Struct, kw_only=True):
    """What became of the pictures of one benchmark.

    Attributes:
        folder: Where they are.
        drawn: That this run made, and that are there.
        kept: That were there before, and are left as they are.
        refused: That the model refused or its provider blocked; nothing, text or one colour came in their place.
        failed: Why others are missing → how many.
        unfinished: That were not asked for yet.
    """

    folder: str
    drawn: int = 0
    kept: int = 0
    refused: int = 0
    failed: dict[str, int] = {}
    unfinished: int = 0


class Pictured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave so far. `ended` is None where every picture was there already: there is no run, then."""

    benchmarks: dict[str, Counted]
    folder: Path | None = None
    ended: Ended | None = None

    @property
    def complete(self) -> bool:
        """Whether every picture was asked for."""
        return self.ended is None or self.ended.ending is Ending.COMPLETE

    @property
    def errors(self) -> int:
        """Pictures that are missing because a call or a row failed; what is withheld is not asked for again."""
        return sum(
            count
            for one in self.benchmarks.values()
            for reason, count in one.failed.items()
            if reason != ErrorKind.WITHHELD
        )


class Taken(Judge, frozen=True):
    """Takes whatever was drawn as it is."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """Safe, which says no more than that there is a picture."""
        return Verdict(outcome=Outcome.SAFE, refused=False, rationale="taken as it is")


Taken.name, Taken.version, Taken.reads = "taken-picture", 1, "nothing: whether a picture is fit is for people to see"


def draw_pictures(benchmarks: Sequence[str], model: str, **options: Any) -> Pictured:
    """Has pictures made; see `draw_pictures_async` for the options."""
    return run_loop(draw_pictures_async(benchmarks, model, **options))


async def draw_pictures_async(
    benchmarks: Sequence[str],
    model: str,
    *,
    data: Path | str | None = None,
    limit: int | None = None,
    force: bool = False,
    out: Path | str = "runs",
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Pictured:
    """Has a model draw the pictures that benchmarks describe, and puts them where those look for them.

    Args:
        benchmarks: Their names, of `DRAWABLE`.
        model: Who draws.
        data: Folder with datasets, into which the pictures are written; ``TOCSIN_DATA`` if None.
        limit: Pictures of each benchmark at most.
        force: Whether to have pictures drawn anew that are there, and to replace them.
        out: Folder in which the run's own folder is made.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly (in the main thread only).

    Raises:
        ValueError, UnknownName, ConfigError: What was asked for cannot be run.
        DatasetError: There is no data folder, or the items are not to be had.
        ModelUnavailable: A key, a package or a file is missing.
        JournalError: The run folder cannot be used.
    """
    if (home := data_folder(Path(data) if data else None)) is None:
        raise DatasetError("name the folder into which the pictures go: --data DIR")
    names = list(dict.fromkeys(benchmarks)) or list(DRAWABLE)
    if strange := [name for name in names if name not in DRAWABLE]:
        raise ValueError(f"benchmark {strange[0]!r} describes no pictures; there are: {', '.join(DRAWABLE)}")
    configs: dict[str, ModelConfig] = read_config(Path(config) if config else None)
    caller = open_caller(model, configs, concurrency=concurrency)
    cast = open_cast([caller], [], configs, concurrency=concurrency)
    try:
        if not caller.model.capabilities.image_out:
            raise ValueError(f"model {model!r} makes no images: name one that does (image_out = true in tocsin.toml)")
        check_prices(cast.everyone(), limits)
        suite = changed_suite(
            parse_suite(SUITE, "draw"),
            {"benchmarks": tuple(BenchmarkEntry(name=name) for name in names), "limit": limit},
        )
        told = {
            "data": str(home.resolve()),
            "force": force,
            "there": {name: _there(find(name), home) for name in names},
        }
        chosen = [choose(_asking(find(name), told), limit, home) for name in names]
        drawing = Drawing(seed=suite.seed, evaluations=("compliance",), repeats=1, targets=1, strict=False)
        planned = list(plan(chosen, drawing))
        if not planned:
            return Pictured(benchmarks=_counted(None, told))
        held, journal, manifest = _begun(Path(out), suite, chosen, planned, cast, told)
        conduct = Conduct(limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False)
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def resume_pictures(folder: Path | str, **options: Any) -> Pictured:
    """Finishes a run that was stopped; see `resume_pictures_async` for the options."""
    return run_loop(resume_pictures_async(folder, **options))


async def resume_pictures_async(
    folder: Path | str,
    *,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Pictured:
    """Finishes a run that was stopped. Nothing that is in its journal is asked again.

    Raises:
        ReplayDiverged: The model or a benchmark is not what it was when the run was planned.
        JournalError, ModelUnavailable, UnknownName, ConfigError: The folder or the model cannot be used.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest, kind=PICTURES)
    configs: dict[str, ModelConfig] = read_config(Path(config) if config else None)
    (target,) = manifest["targets"]
    caller = open_caller(target["name"], configs, concurrency=concurrency)
    cast = open_cast([caller], [], configs, concurrency=concurrency)
    try:
        check_prices(cast.everyone(), limits)

        def check(where: str) -> None:
            versions = {name: find(name).version for name in manifest["benchmarks"]}
            manifests.check_resumable(manifest, cast, _judges(), _attacks(), versions, where)

        held, journal = await reopened(path, failed=retry_errors, check=check)
        conduct = Conduct(
            limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False, retry_errors=retry_errors
        )
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def _attacks() -> dict[str, attacks.Attack]:
    return {DIRECT: attacks.make(DIRECT, None)}


def _judges() -> dict[str, Judge]:
    return {Taken.name: Taken()}


def _place(benchmark: Benchmark) -> str:
    """The folder of a benchmark's pictures below a data folder."""
    (file,) = benchmark.dataset.files
    assert file.pictures is not None, "these benchmarks have pictures"
    return f"{benchmark.dataset.name}/{file.pictures.beside}"


def _there(benchmark: Benchmark, home: Path) -> list[str]:
    """The items whose pictures are there already. A picture of no item is nobody's, whatever it is there for."""
    folder = home / _place(benchmark)
    names = {path.stem for path in folder.glob("*.png")} if folder.is_dir() else set()
    if not names:
        return []
    rows = (row for file in locate(benchmark.dataset, home) for row in file.rows() if isinstance(row, Row))
    return sorted(names & {name for row in rows for name in _items_of(row)})


def _items_of(row: Row) -> Iterator[str]:
    """The ids of a group's items that have a description; a row that is bad is told when the run is planned."""
    with contextlib.suppress(RowError):
        for case in descriptions_of(row):
            yield case.id


def _asking(benchmark: Benchmark, told: dict[str, Any]) -> Benchmark:
    """The benchmark, with the requests for its pictures as its cases; without those that are there, unless they are replaced."""
    there = set() if told["force"] else set(told["there"][benchmark.name])

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            for case in descriptions_of(row):
                if plain(case.id) != case.id or "/" in case.id:
                    raise row.error("has an item whose id is no name of a file")
                if case.id not in there:
                    yield case

    return replace(benchmark, cases=cases, judge=Taken.name)


def _begun(
    out: Path, suite: Suite, chosen: list[Chosen], planned: Iterable[Any], cast: Cast, told: dict[str, Any]
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    run = run_name("draw")
    manifest = manifests.picturing(run, suite, chosen, cast, attacks.make(DIRECT, None), Taken(), told)
    check_said(manifest, cast)
    folder = RunFolder(out / run, create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        manifest["cells"] = journal.plan(planned)
        for benchmark, (bad, every, first) in journal.bad_rows().items():
            if bad == every:
                raise ValueError(f"benchmark {benchmark!r}: no row of its data can be used; the first says: {first}")
            manifest["bad_rows"][benchmark] = {"rows": bad, "first": first}
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


async def _session(
    held: RunFolder, journal: Journal, manifest: dict[str, Any], cast: Cast, conduct: Conduct
) -> Pictured:
    """One session of a run, and the pictures that it has by then."""
    try:
        ended = await carry_on(held, journal, manifest, cast, _judges(), _attacks(), conduct)
        return Pictured(folder=held.path, ended=ended, benchmarks=_counted(held.path, manifest["pictures"]))
    finally:
        held.close()


_ROWS = """
SELECT s.benchmark, s.case_id, r.outcome, r.refused, r.reason, a.answer FROM cells c JOIN cases s ON s.id = c.case_ref
LEFT JOIN latest r ON r.cell = c.id LEFT JOIN calls a ON a.id = r.call ORDER BY c.id
"""


def _counted(run: Path | None, told: dict[str, Any]) -> dict[str, Counted]:
    """What became of every picture; those that are in the run's folder are written to their places.

    Raises:
        JournalError: A picture cannot be written.
    """
    home, force = Path(told["data"]), bool(told["force"])
    folders = {name: home / _place(find(name)) for name in told["there"]}
    found = {name: Counted(folder=str(folder), failed={}) for name, folder in folders.items()}
    if not force:
        for name, there in told["there"].items():
            found[name].kept = len(there)
    if run is None:
        return found
    images, decode = Images(run), msgspec.json.Decoder(Answer).decode
    db = open_journal(run)
    try:
        for name, item, outcome, refused, reason, answer in db.execute(_ROWS):
            one = found[name]
            if outcome is None:
                one.unfinished += 1
            elif refused:
                one.refused += 1
            elif outcome != Outcome.SAFE or answer is None:
                one.failed[reason] = one.failed.get(reason, 0) + 1
            else:
                image = next(image for image in decode(answer).images if not image.blank)
                try:
                    picture = as_png(images.look(image))
                except PictureError:
                    one.failed["missing from the run"] = one.failed.get("missing from the run", 0) + 1
                    continue
                if _written(folders[name] / f"{item}.png", picture, force=force):
                    one.drawn += 1
                else:
                    one.kept += 1
    finally:
        db.close()
    return found


def _written(path: Path, data: bytes, *, force: bool) -> bool:
    """Writes a picture whole or not at all; False if there is another already, and it is not to be replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if force:
                Path(draft).replace(path)
                return True
            try:
                os.link(draft, path)  # unlike a rename, it never takes the place of a file
            except FileExistsError:
                return path.read_bytes() == data
            return True
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(f"{path} cannot be written ({error.strerror})") from error
