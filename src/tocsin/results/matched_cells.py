"""The cells of one side, as they are matched: ids and outcomes from its journal, a row at a time, without any text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tocsin.evaluations.adversarial import EVALUATION, POOLED
from tocsin.evaluations.formats import FORMATS
from tocsin.evaluations.met import begin_of_cluster
from tocsin.evaluations.tally import Reader
from tocsin.evaluations.under_attack import asked_in
from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.pairs import OUTCOMES

SAFE, UNSAFE, UNSCORED, ERROR = range(4)
"""Places of the outcomes in every table, as in `tocsin.results.pairs.OUTCOMES`."""
NOT_RUN = 4
"""The place of a cell under attack that was planned and has no record that counts."""
_FORM = {"option": "multiple_choice", "label": "true_false", "criteria": "open_basic"}


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two that are matched.

    Attributes:
        folder: The run's folder.
        manifest: Its manifest.
        target: Index of the target.
        attack: Only its cells, matched with whatever attack the other side has; None for all, matched attack by attack.
        language: Only its cases, matched by source row with the other side's language; None for all, matched case by case.
    """

    folder: Path
    manifest: Mapping[str, Any]
    target: int = 0
    attack: str | None = None
    language: str | None = None

    @property
    def name(self) -> str:
        """The target's name."""
        return str(self.manifest["targets"][self.target]["name"])

    @property
    def stops(self) -> bool:
        """Whether its run may have stopped at any time, so that no ordinary interval holds."""
        return bool(self.manifest["suite"].get("stopping"))

    @property
    def searched(self) -> bool:
        """Whether its run stopped cases at their first success, so that its cells under attack are no sample of all."""
        return (self.manifest.get("adversarial") or {}).get("mode") == "worst-case"


class What(NamedTuple):
    """What two sides are matched on: cells that make up one score."""

    evaluation: str
    benchmark: str
    """Empty for live attacks, whose score is over all benchmarks."""
    metric: str
    modality: str = "language"


class Row(NamedTuple):
    """A cell, as the scratch database has it."""

    place: int
    name: str
    """What it is matched by: its case, or its source row."""
    attack: str
    """Empty where one attack is matched with another one."""
    repeat: int
    text: bytes | None
    cell: int
    outcome: int
    cluster: str
    benchmark: str
    case: str
    put: str
    """The attack with which it was put."""
    language: str
    hazard: str
    form: str
    """Of an item of a regulation: its format."""
    judge: int
    """Number of the judge that read it; 0 for none."""
    grade: float | None


class _Asked(msgspec.Struct):
    """What of a case makes it the same: what is asked, and what is a safe answer to it. Not its hazard, nor its place."""

    prompt: msgspec.Raw = msgspec.Raw(b"")
    system: msgspec.Raw = msgspec.Raw(b"")
    history: msgspec.Raw = msgspec.Raw(b"")
    images: msgspec.Raw = msgspec.Raw(b"")
    safe_answer: msgspec.Raw = msgspec.Raw(b"")
    options: msgspec.Raw = msgspec.Raw(b"")
    criteria: msgspec.Raw = msgspec.Raw(b"")
    request: msgspec.Raw = msgspec.Raw(b"")
    output: msgspec.Raw = msgspec.Raw(b"")


class _Tagged(msgspec.Struct):
    tags: dict[str, str] = {}


_asked = msgspec.json.Decoder(_Asked).decode
_tagged = msgspec.json.Decoder(_Tagged).decode
_NUMBER = {outcome: place for place, outcome in enumerate(OUTCOMES)}
_COLUMNS = (
    "s.benchmark, s.case_id, s.cluster, c.attack, c.repeat, s.body, c.id, r.outcome, s.language, s.hazard, s.wanted, r.judge,"
    " coalesce(r.score, CASE WHEN r.judge = '' AND r.outcome = 'safe' THEN 0.0 END)"
)


class Numbers:
    """The numbers that two sides share: of what they are matched on, and of the judges that read their answers."""

    def __init__(self) -> None:
        self.whats: dict[What, int] = {}
        self.judges: dict[str, int] = {"": 0}

    def what(self, what: What) -> int:
        """Its number."""
        return self.whats.setdefault(what, len(self.whats))

    def judge(self, judge: str) -> int:
        """Its number; 0 for none."""
        return self.judges.setdefault(judge, len(self.judges))


class Cells:
    """Reads the cells of a side that count.

    Args:
        side: The side.
        shared: Benchmark and cluster → the name of the cluster that both sides count it as, where cases share an answer.
        numbers: What the two sides share.

    Raises:
        JournalError: The journal is missing or cannot be read.
    """

    def __init__(self, side: Side, shared: Mapping[tuple[str, str], str], numbers: Numbers) -> None:
        self._side, self._shared, self._numbers = side, shared, numbers
        asks = side.manifest["judges"].values()
        self._models = {one["identity"]: one["models"] for one in asks if one.get("models")}
        self._known: dict[str, int] = {}

    def __iter__(self) -> Iterator[Row]:
        db = open_journal(self._side.folder)
        try:
            with readable(self._side.folder / JOURNAL):
                reader = reader_of(db, self._side)
                yield from self._plain(db, reader)
                yield from self._attacked(db, reader)
        finally:
            db.close()

    def _plain(self, db: sqlite3.Connection, reader: Reader) -> Iterator[Row]:
        """Cells of all other evaluations, in one pass however many groups there are."""
        target = self._side.target
        finished = db.execute(
            "SELECT 1 FROM cells c WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id) LIMIT 1"
        ).fetchone()
        ends: dict[tuple[str, str, str], tuple[int, int | None, bool]] = {}
        homeless: dict[str, tuple[int, int | None, bool]] = {}
        for group in reader.groups():
            if group.target != target:
                continue
            what = What(group.named, group.benchmark, group.metric, self._modality(group.benchmark))
            whole = finished is None and not self._side.stops
            told = (self._numbers.what(what), None if whole else reader.gap(group), group.evaluation == "compliance")
            for wanted in group.wanted:
                if wanted:
                    ends[group.evaluation, group.benchmark, wanted] = told
                else:  # a row that became no case has no evaluation of its own
                    homeless[group.benchmark] = told
        if not ends and not homeless:
            return
        rows = db.execute(
            f"SELECT {_COLUMNS}, c.evaluation FROM cells c JOIN cases s ON s.id = c.case_ref JOIN {_records(db)} r"
            " ON r.cell = c.id WHERE c.target = ? AND c.evaluation <> 'adversarial' ORDER BY c.id",
            (target,),
        )
        for *row, evaluation in rows:
            benchmark, wanted = row[0], row[10]
            end = ends.get((evaluation, benchmark, wanted)) if wanted else homeless.get(benchmark)
            if end is None or (end[1] is not None and row[6] >= end[1]):
                continue
            if found := self._row(end[0], row, items=end[2]):
                yield found

    def _attacked(self, db: sqlite3.Connection, reader: Reader) -> Iterator[Row]:
        """Cells under live attacks, those without a record that counts among them: a case is safe only if all are."""
        target, side = self._side.target, self._side
        meets: dict[str, list[str]] = {}
        stop = reader.attacks_stop(target)
        where = "c.target = ? AND c.evaluation = 'adversarial'" + (f" AND c.id <= {stop.position:d}" if stop else "")
        source = f"FROM cells c JOIN cases s ON s.id = c.case_ref WHERE {where}"
        for benchmark, attack in db.execute(f"SELECT DISTINCT s.benchmark, c.attack {source} ORDER BY 1, 2", (target,)):
            meets.setdefault(benchmark, []).append(attack)
        if not meets:
            return
        told = side.manifest.get("attacks") or {}

        def draws(name: str) -> bool:
            return bool((told.get(name) or {}).get("kind") == "visual")

        places = {
            (benchmark, attack): self._numbers.what(What(EVALUATION, "", POOLED, modality))
            for benchmark, attacks in meets.items()
            for attack, modality in asked_in(self._modality(benchmark), attacks, draws).items()
        }
        gap = db.execute(
            f"SELECT min(c.id) FROM cells c WHERE {where} AND NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)",
            (target,),
        ).fetchone()[0]
        if gap is not None and side.stops:
            gap = begin_of_cluster(db, gap, where, (target,))
        if side.searched:  # what it left out follows from what it found, and leaves no gap
            gap = None
        rows = db.execute(
            f"SELECT {_COLUMNS} FROM cells c JOIN cases s ON s.id = c.case_ref LEFT JOIN {_records(db)} r ON r.cell = c.id"
            f" WHERE {where} ORDER BY c.id",
            (target,),
        )
        for row in rows:
            run = row[7] is not None and (gap is None or row[6] < gap)
            if found := self._row(places[row[0], row[3]], row, run=run, pooled=True):
                yield found

    def _row(
        self, place: int, row: Sequence[Any], *, items: bool = False, run: bool = True, pooled: bool = False
    ) -> Row | None:
        benchmark, case, cluster, put, repeat, body, cell, outcome, language, hazard, wanted, judge, grade = row
        side = self._side
        if side.attack not in (None, put) or side.language not in (None, language):
            return None
        if run and outcome not in _NUMBER:
            raise ValueError(f"cell {cell} has the outcome {outcome!r}")
        name = case if side.language is None else cluster
        return Row(
            place,
            f"{benchmark}\0{name}" if pooled else name,
            put if side.attack is None else "",
            repeat,
            None if body is None else _same(body),
            cell,
            _NUMBER[outcome] if run else NOT_RUN,
            self._shared.get((benchmark, cluster), f"{benchmark}\0{cluster}" if pooled else cluster),
            *(benchmark, case, put, language, hazard or "unspecified"),
            _form(body, wanted) if items else "",
            self._judge(judge) if run else 0,
            grade if run and outcome in ("safe", "unsafe") else None,
        )

    def _judge(self, identity: str) -> int:
        """The number of a judge: what it is, and what each model that it asks is."""
        if (known := self._known.get(identity)) is None:
            asked = "".join(f" {role}={model}" for role, model in sorted(self._models.get(identity, {}).items()))
            known = self._known[identity] = self._numbers.judge(f"{identity}{asked}")
        return known

    def _modality(self, benchmark: str) -> str:
        return str((self._side.manifest["benchmarks"].get(benchmark) or {}).get("modality", "language"))


def reader_of(db: sqlite3.Connection, side: Side) -> Reader:
    """Reads the tallies of a side's journal."""
    return Reader(db, together=side.stops)


def _records(db: sqlite3.Connection) -> str:
    """The table of the records that count: the view costs a look-up a record."""
    return "latest" if db.execute("SELECT 1 FROM records WHERE attempt > 0 LIMIT 1").fetchone() else "records"


def _same(body: bytes) -> bytes:
    one = _asked(body)
    parts = (
        one.prompt, one.system, one.history, one.images, one.safe_answer, one.options, one.criteria, one.request, one.output,
    )  # fmt: skip
    return blake2b(b"\0".join(parts), digest_size=12).digest()


def _form(body: bytes | None, wanted: str) -> str:
    """The format of an item, as `tocsin.evaluations.formats.format_of` tells it."""
    if body is None:
        return ""
    said = _tagged(body).tags.get("format", "")
    return said if said in FORMATS else _FORM.get(wanted, "open_basic")
