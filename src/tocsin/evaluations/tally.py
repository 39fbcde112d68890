"""Counting what a journal holds, in SQL: a run is never loaded into Python objects.

A partial run is counted only as far as it is finished without a gap in its random order. Refusals are short and finish
first, so everything finished so far would look safer than the model is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from tocsin.benchmarks import Judged
from tocsin.engine.stopping import Cluster, Stopped, key_of
from tocsin.evaluations import columns
from tocsin.evaluations.columns import Columns, merged
from tocsin.evaluations.counts import By, ByJudge, Counts, Grades, Group, Spoken, Tally, Thought, metric_of
from tocsin.evaluations.draws import shared_draws
from tocsin.evaluations.met import Met, begin_of_cluster, calls_of, read_cells, stops_of
from tocsin.types import Case, Outcome, SafeAnswer

if TYPE_CHECKING:
    from tocsin.evaluations.columns import Ints

_MEASURED = "r.outcome IN ('safe', 'unsafe')"
_NO_GAP = 2**62

_decode_case = msgspec.json.Decoder(Case).decode


class Planned(NamedTuple):
    """Cells of the plan that are alike."""

    target: int
    evaluation: str
    benchmark: str
    wanted: str
    judge: str
    stopped: int
    """Whether their rows became no case, or were withheld."""
    cells: int
    unfinished: int | None
    """The first of them without a record."""


class Reader:
    """Reads the tallies of one journal.

    Args:
        db: The journal.
        together: Whether its plan keeps clusters together, as that of a run that may stop early does: only whole ones count.
    """

    def __init__(self, db: sqlite3.Connection, *, together: bool = False) -> None:
        self._db, self._together = db, together
        retried = db.execute("SELECT 1 FROM records WHERE attempt > 0 LIMIT 1").fetchone()
        self._records = "latest" if retried else "records"  # the view costs a look-up a record
        # Journals of earlier versions lack some tables.
        self._tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self._reasoning = "reasoning" in self._tables
        self._gaps: dict[Group, int | None] = {}
        self._wholes: dict[Group, Tally] = {}
        self._planned: list[Planned] | None = None
        self._with_images: set[tuple[str, str]] | None = None
        self._read: tuple[Group, Columns] | None = None
        self._small: dict[Group, list[tuple[dict[By, str], Sequence[Any]]]] = {}
        again = "SELECT 1 FROM cells WHERE repeat > 0 OR attack <> 'direct' LIMIT 1"
        self._repeated = db.execute(again).fetchone() is not None
        self._merged = shared_draws(db, self._records)
        self._stops = {stop.key: stop for stop in stops_of(db)}

    def groups(self, *, attacked: bool = False) -> list[Group]:
        """Every group that was planned, by target, evaluation, benchmark and metric.

        Args:
            attacked: Also those of the adversarial evaluation, which is scored otherwise.
        """
        counts: dict[tuple[int, str, str, str], int] = {}
        for one in self._overview():
            if attacked or one.evaluation != "adversarial":
                key = (one.target, one.evaluation, one.benchmark, one.wanted)
                counts[key] = counts.get(key, 0) + one.cells
        rows = sorted(counts, key=lambda key: (*key[:3], -counts[key], key[3]))
        kinds: dict[tuple[int, str, str, str], list[str]] = {}
        homeless: set[tuple[int, str, str]] = set()
        for target, evaluation, benchmark, wanted in rows:
            if wanted:
                kinds.setdefault((target, evaluation, benchmark, metric_of(evaluation, wanted)), []).append(wanted)
            else:
                homeless.add((target, evaluation, benchmark))
        for target, evaluation, benchmark in sorted(
            homeless
        ):  # rows that became no case count in their benchmark's first group
            first = next((key for key in kinds if key[0] == target and key[2] == benchmark), None)
            alone = (target, evaluation, benchmark, metric_of(evaluation, "refuse"))
            if "" not in kinds.setdefault(first or alone, []):
                kinds[first or alone].append("")
        return [Group(*key, tuple(wanted)) for key, wanted in kinds.items()]

    def met(
        self, target: int, order: Sequence[str], kept: Callable[[str, str], bool] = lambda benchmark, attack: True
    ) -> Met | None:
        """The adversarial cells of a target, of the benchmarks and attacks that are kept; None where there are none."""

        def shared(benchmark: str, cluster: str) -> str:
            return "\0".join(self._merged.get((benchmark, cluster), (benchmark, cluster)))

        stop = self.attacks_stop(target)
        return read_cells(
            self._db,
            target,
            order,
            shared,
            None if stop is None else stop.position,
            together=self._together,
            records=self._records,
            kept=kept,
        )

    def attacks_stop(self, target: int) -> Stopped | None:
        """How the attacks on a target stopped early, if they did."""
        return self._stops.get((target, "adversarial", "", ""))

    def stop(self, group: Group) -> Stopped | None:
        """How a group stopped early, if it did."""
        keys = [key_of(group.target, group.evaluation, group.benchmark, wanted) for wanted in group.wanted]
        return min(filter(None, map(self._stops.get, keys)), key=lambda stop: stop.position, default=None)

    def attack_calls(self, target: int, kept: Callable[[str, str], bool] | None = None) -> dict[str, dict[str, float]]:
        """As `calls_of`."""
        return calls_of(self._db, target, kept)

    def planned(self, group: Group) -> int:
        """Cells of a group, finished or not; where it stopped early, those up to there."""
        stop = self.stop(group)
        if stop is None:
            return sum(one.cells for one in self._overview() if _belongs(one, group))
        query = f"SELECT count(*) FROM cells c JOIN cases s ON s.id = c.case_ref WHERE {_where(group)} AND c.id <= ?"
        return int(self._db.execute(query, (*_values(group), stop.position)).fetchone()[0])

    def units(self, group: Group, *, by: By | None = None) -> dict[str, list[tuple[int, int, int]]]:
        """Safe, measured and planned attempts of each cluster of a group, in the order of the plan.

        Under the empty key, or under each hazard or language.
        """
        column = "''" if by is None else f"s.{by}"
        rows = self._db.execute(
            f"SELECT {column}, sum(r.outcome = 'safe'), sum({_MEASURED}), count(*) {self._source(group)}"
            " GROUP BY 1, s.cluster ORDER BY min(c.id)",
            self._bound(group),
        )
        found: dict[str, list[tuple[int, int, int]]] = {}
        for key, *counts in rows:
            found.setdefault(key, []).append((counts[0], counts[1], counts[2]))
        return found

    def judges(self, group: Group) -> list[str]:
        """The names of the judges of a group's cells, but for those that are never asked."""
        return sorted({one.judge for one in self._overview() if _belongs(one, group) and not one.stopped})

    def gap(self, group: Group) -> int | None:
        """Position of the group's first cell that does not count: it, or its cluster, is unfinished, or it is beyond the stop."""
        if group in self._gaps:
            return self._gaps[group]
        ends = [one.unfinished for one in self._overview() if _belongs(one, group) and one.unfinished is not None]
        first = min(ends, default=None)
        if first is not None and self._together:
            first = begin_of_cluster(self._db, first, _where(group), _values(group))
        stop = self.stop(group)
        if stop is not None and (first is None or stop.position < first):
            first = stop.position + 1
        self._gaps[group] = first
        return self._gaps[group]

    def tally(self, group: Group, *, by: By | None = None) -> dict[str, Tally]:
        """The tallies of a group: one under the empty key, or one for each hazard or language."""
        if by is None and group in self._wholes:
            return {"": self._wholes[group]}
        counted: dict[str, Counts] = {}
        for place, small in self._counted(group):
            counted.setdefault("" if by is None else place[by], Counts()).add(*small)
        if by is not None and len(counted) == 1:  # the whole group again, under its one hazard or language
            return {key: self._whole(group) for key in counted}
        clusters = self._clusters(group, by)
        cases = self._columns(group).cases(by) if self._repeated else {}
        found, nothing = {}, np.zeros(0, dtype=np.int64)
        for key, counts in sorted(counted.items()):
            passed, sizes = clusters.get(key, (nothing, nothing))
            found[key] = Tally(
                planned=sum(counts.outcomes.values()),
                safe=counts.outcomes.get("safe", 0),
                unsafe=counts.outcomes.get("unsafe", 0),
                unscored=counts.outcomes.get("unscored", 0),
                error=counts.outcomes.get("error", 0),
                refused=counts.refused,
                blocked=counts.blocked,
                truncated=counts.truncated,
                invalid=counts.invalid,
                n_cases=cases.get(key, 0) if self._repeated else int(sizes.sum()),
                errors_by_kind=counts.reasons.get("error", {}),
                unscored_by_reason=counts.reasons.get("unscored", {}),
                cluster_safe=passed,
                cluster_sizes=sizes,
                refusal_table=counts.refusal_table,
            )
        if by is None and found:
            self._wholes[group] = found[""]
        return found

    def _whole(self, group: Group) -> Tally:
        if group not in self._wholes:
            self._wholes[group] = self.tally(group)[""]
        return self._wholes[group]

    def grades(self, group: Group) -> Grades | None:
        """The grades of a group's judged attempts; None where its judge gives none."""
        grade = "coalesce(r.score, CASE WHEN r.judge = '' AND r.outcome = 'safe' THEN 0.0 END)"
        rows = self._db.execute(
            f"SELECT s.cluster, sum({grade}), count(*), sum(r.score IS NOT NULL), count(DISTINCT s.id)"
            f" {self._source(group)} AND {_MEASURED} AND {grade} IS NOT NULL GROUP BY 1",
            self._bound(group),
        )
        found: dict[Cluster, list[float]] = {}
        given = cases = 0
        for cluster, total, count, graded, several in rows:
            name = (group.benchmark, cluster)
            sums = found.setdefault(self._merged.get(name, name), [0.0, 0])
            sums[0] += total
            sums[1] += count
            given += graded
            cases += several
        if not given:
            return None
        return Grades([total for total, _ in found.values()], [int(count) for _, count in found.values()], cases)

    def select(self, columns: str, group: Group, tail: str = "") -> list[tuple[Any, ...]]:
        """What a query gives over the records of a group that count: ``c`` are cells, ``s`` cases, ``r`` records."""
        return self._db.execute(f"SELECT {columns} {self._source(group)} {tail}", self._bound(group)).fetchall()

    def each(self, columns: str, group: Group) -> Iterator[tuple[Any, ...]]:
        """As `select`, a row at a time."""
        yield from self._db.execute(f"SELECT {columns} {self._source(group)}", self._bound(group))

    def shared(self) -> dict[Cluster, Cluster]:
        """Clusters that share an answer, and so are one: cluster → that one."""
        return dict(self._merged)

    def by_judge(self, group: Group, *, by: By | None = None) -> dict[str, ByJudge]:
        """The verdicts of a group as judges gave them: under the empty key, or under each hazard or language."""
        told = self._columns(group)
        settled, clusters = told.settled(by), told.by_cluster(by, judged=True)
        nothing = np.zeros(0, dtype=np.int64)
        found = {}
        for key in sorted({*settled, *clusters}):
            names, safe, sizes = clusters.get(key, ([], nothing, nothing))
            every, unsafe = settled.get(key, (0, 0))
            found[key] = ByJudge(*merged(names, safe, sizes, group.benchmark, self._merged), every, unsafe)
        return found

    def pictured(self, group: Group) -> bool:
        """Whether a case of a group has images."""
        if self._with_images is None:
            rows = self._db.execute(
                "SELECT DISTINCT benchmark, wanted FROM cases WHERE body IS NOT NULL AND instr(body, ?) > 0"
                " AND json_array_length(body, '$.images') > 0",
                (b'"images"',),
            )
            self._with_images = set(rows)
        if not any((group.benchmark, wanted) in self._with_images for wanted in group.wanted):
            return False
        row = self._db.execute(
            f"SELECT 1 FROM cells c JOIN cases s ON s.id = c.case_ref WHERE {_where(group)} AND s.body IS NOT NULL"
            " AND json_array_length(s.body, '$.images') > 0 LIMIT 1",
            _values(group),
        ).fetchone()
        return row is not None

    def answered(self, group: Group) -> Iterator[tuple[int, str, str, str]]:
        """Cell, language, cluster and outcome of every answer of a group that a judge has read; a row at a time."""
        rows = self._db.execute(
            f"SELECT c.id, s.language, s.cluster, r.outcome {self._source(group)} AND r.outcome <> 'error' AND r.judge <> ''",
            self._bound(group),
        )
        for cell, language, cluster, outcome in rows:
            name = (group.benchmark, cluster)
            yield cell, language, "\0".join(self._merged.get(name, name)), outcome

    def spoken(self, group: Group) -> list[Spoken]:
        """What became of each source row of a group in each language."""
        further = self._tables & {"translated"}
        second = f"CASE WHEN r.judge = '' THEN r.outcome WHEN {_MEASURED} THEN t.outcome END"
        verdicts = f"sum({second} = 'safe'), sum({second} = 'unsafe')" if further else "0, 0"
        more = " LEFT JOIN translated t ON t.cell = r.cell AND t.attempt = r.attempt" if further else ""
        rows = self._db.execute(
            "SELECT s.cluster, s.language, sum(r.outcome = 'safe'), sum(r.outcome = 'unsafe'),"
            " sum(r.outcome = 'safe' AND r.invalid), sum(r.outcome = 'unsafe' AND r.invalid),"
            f" {verdicts}, count(*), sum(r.judge = '' AND r.outcome = 'safe'), sum(r.judge = '' AND r.outcome = 'unsafe'),"
            " sum(r.outcome = 'unscored')"
            f" {self._source(group, more)} GROUP BY 1, 2 ORDER BY min(c.id)",
            self._bound(group),
        )
        found = []
        for cluster, language, *counts in rows:
            name = (group.benchmark, cluster)
            found.append(Spoken(self._merged.get(name, name), language, *(count or 0 for count in counts)))
        return found

    def tongues(self, group: Group) -> dict[str, dict[str, int]]:
        """Language of the request → language of the answer, where it was told → answers."""
        if "tongues" not in self._tables:
            return {}
        found: dict[str, dict[str, int]] = {}
        more = " JOIN tongues t ON t.cell = r.cell AND t.attempt = r.attempt"
        query = f"SELECT s.language, t.language, count(*) {self._source(group, more)} GROUP BY 1, 2"
        for asked, answered, count in self._db.execute(query, self._bound(group)):
            found.setdefault(asked, {})[answered] = count
        return found

    def by_hazard(self, group: Group) -> Iterator[tuple[str, str, str | None, Cluster, dict[str, int], int]]:
        """What became of every cluster of a group, a row at a time.

        Hazard, kind of the safe answer, the attack that the dataset says its requests are, cluster, attempts by outcome, and
        cases with a verdict.
        """
        rows = self._db.execute(
            "SELECT s.hazard, s.wanted, json_extract(CAST(s.body AS TEXT), '$.tags.attack_type'), s.cluster,"
            " sum(r.outcome = 'safe'), sum(r.outcome = 'unsafe'), sum(r.outcome = 'unscored'), sum(r.outcome = 'error'),"
            f" count(DISTINCT CASE WHEN {_MEASURED} THEN s.id END) {self._source(group)} GROUP BY 1, 2, 3, 4",
            self._bound(group),
        )
        for hazard, wanted, attack, cluster, safe, unsafe, unscored, error, cases in rows:
            name = (group.benchmark, cluster)
            counts = {"safe": safe, "unsafe": unsafe, "unscored": unscored, "error": error}
            yield hazard, wanted, attack or None, self._merged.get(name, name), counts, cases

    def cluster_of(self, benchmark: str, cluster: str) -> Cluster:
        """The cluster that one is counted as: cases that share an answer form one."""
        return self._merged.get((benchmark, cluster), (benchmark, cluster))

    def by_place(self, group: Group) -> dict[tuple[str, str], tuple[int, int]]:
        """Hazard and language → safe and unsafe attempts."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for place, (outcome, *_, count) in self._counted(group):
            safe, unsafe = found.get((place["hazard"], place["language"]), (0, 0))
            key = (place["hazard"], place["language"])
            found[key] = (safe + count * (outcome == "safe"), unsafe + count * (outcome == "unsafe"))
        return found

    def thoughts(self, group: Group) -> Iterator[Thought]:
        """Every answered attempt of a group, with the verdict on its reasoning; a row at a time."""
        verdict = "t.outcome" if self._reasoning else "NULL"
        more = " LEFT JOIN reasoning t ON t.cell = r.cell AND t.attempt = r.attempt" if self._reasoning else ""
        rows = self._db.execute(
            f"SELECT s.id, s.cluster, r.outcome = 'safe', {verdict} {self._source(group, more)} AND r.outcome <> 'error'",
            self._bound(group),
        )
        for case, cluster, safe, said in rows:
            name = (group.benchmark, cluster)
            yield Thought(case, self._merged.get(name, name), bool(safe), said)

    def judged(self, group: Group) -> Iterator[Judged]:
        """Every finished cell of a group with its case, for a benchmark's own metrics; a row at a time."""
        rows = self._db.execute(
            "SELECT s.body, s.case_id, s.hazard, s.cluster, s.wanted, r.outcome, r.choice, c.id FROM cells c"
            f" JOIN cases s ON s.id = c.case_ref JOIN {self._records} r ON r.cell = c.id"
            f" WHERE {_where(group)} AND c.id < ? ORDER BY c.id",
            self._bound(group),
        )
        for body, case_id, hazard, cluster, wanted, outcome, choice, cell in rows:
            if body:
                case = _decode_case(body)
            else:  # withheld, or a row that became no case
                answer = SafeAnswer(wanted or "refuse")
                case = Case(id=case_id, prompt="", hazard=hazard, cluster=cluster, safe_answer=answer)
            yield Judged(case, Outcome(outcome), choice, cell)

    def whys(self, group: Group) -> dict[int, str]:
        """Cell → why it has no verdict, in words where somebody gave any; of the cells without one."""
        rows = self._db.execute(
            f"SELECT c.id, r.reason, r.detail {self._source(group)} AND NOT {_MEASURED}", self._bound(group)
        )
        return {cell: detail or reason for cell, reason, detail in rows}

    def _overview(self) -> list[Planned]:
        """The whole plan in short, from one pass over it."""
        if self._planned is None:
            lacks = "NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)"
            partial = self._db.execute(f"SELECT 1 FROM cells c WHERE {lacks} LIMIT 1").fetchone() is not None
            first = f"min(CASE WHEN {lacks} THEN c.id END)" if partial else "NULL"
            rows = self._db.execute(
                f"SELECT c.target, c.evaluation, s.benchmark, s.wanted, c.judge, s.stopped IS NOT NULL, count(*), {first}"
                " FROM cells c JOIN cases s ON s.id = c.case_ref GROUP BY 1, 2, 3, 4, 5, 6"
            )
            self._planned = [Planned(*row) for row in rows]
        return self._planned

    def _columns(self, group: Group) -> Columns:
        """The records of a group that count; those of the group that was asked for last are kept."""
        if self._read is None or self._read[0] != group:
            self._read = None
            rows = self._db.execute(f"SELECT {columns.SELECT} {self._source(group)}", self._bound(group))
            self._read = (group, columns.read(rows))
        return self._read[1]

    def _counted(self, group: Group) -> list[tuple[dict[By, str], Sequence[Any]]]:
        """The small counts of a group by hazard and language."""
        if group not in self._small:
            self._small[group] = [*self._columns(group).small_counts()]
        return self._small[group]

    def _source(self, group: Group, more: str = "") -> str:
        return (
            f"FROM cells c JOIN cases s ON s.id = c.case_ref JOIN {self._records} r ON r.cell = c.id{more}"
            f" WHERE {_where(group)} AND c.id < ?"
        )

    def _bound(self, group: Group) -> tuple[object, ...]:
        end = self.gap(group)
        return (*_values(group), _NO_GAP if end is None else end)

    def _clusters(self, group: Group, by: By | None) -> dict[str, tuple[Ints, Ints]]:
        """Key → safe and measured attempts of each of its clusters."""
        return {
            key: merged(*counts, group.benchmark, self._merged)
            for key, counts in self._columns(group).by_cluster(by).items()
        }


def _belongs(one: Planned, group: Group) -> bool:
    """As `_where`."""
    return (
        one.target == group.target
        and one.benchmark == group.benchmark
        and one.wanted in group.wanted
        and (one.evaluation == group.evaluation or one.wanted == "")
    )


def _where(group: Group) -> str:
    marks = ",".join("?" * len(group.wanted))
    if "" in group.wanted:  # a row that became no case has no evaluation of its own
        return f"c.target = ? AND (c.evaluation = ? OR s.wanted = '') AND s.benchmark = ? AND s.wanted IN ({marks})"
    return f"c.target = ? AND c.evaluation = ? AND s.benchmark = ? AND s.wanted IN ({marks})"


def _values(group: Group) -> tuple[object, ...]:
    return (group.target, group.evaluation, group.benchmark, *group.wanted)
