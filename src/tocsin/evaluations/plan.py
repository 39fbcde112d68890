"""From a suite to a plan of cells: which rows, which cases, which of them are drawn, in which order."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tocsin.benchmarks import Benchmark
from tocsin.datasets import Found, Row, RowError, locate
from tocsin.engine import REASON, fingerprint, withheld
from tocsin.evaluations.suite import BenchmarkEntry, Draw
from tocsin.journal import PlannedCase, PlannedCell
from tocsin.types import Case, ErrorKind, SafeAnswer


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A benchmark of the plan, with its files, and what the suite says of it."""

    benchmark: Benchmark
    limit: int | None
    files: list[Found]
    judge: str | None = None
    """The judge of free-text answers, where it is not the benchmark's own."""
    draw: Draw = "uniform"
    system: str | None = None
    sample: str | None = None
    reasoning: str | None = None
    """The judge of the reasoning that its answers show; None if nobody judges that."""

    only: tuple[str, ...] = ()
    """The evaluations it is for; all of the drawing's if empty."""
    attacks: tuple[str, ...] = ()
    """The attacks that its cases meet in the adversarial evaluation."""
    attack_cases: frozenset[str] | None = None
    """The ids of those that meet them; all that may if None."""
    attack_limit: int | None = None
    """Cases that meet them at most."""
    attack_judge: str | None = None
    """The final judge there, where it is not that of plain answers."""

    def judge_of(self, case: Case) -> str:
        """The judge of a case."""
        return self.benchmark.judge_of(case, self.judge)

    def judges(self) -> set[str]:
        """Every judge that may be asked about a case of it."""
        found = set() if self.only == ("adversarial",) else self.benchmark.judges_used(self.judge)
        if self.attacks:
            found = found | self.benchmark.judges_used(self.attack_judge or self.judge)
        return found | ({self.reasoning} if self.reasoning else set())


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """What of a suite shapes its plan as a whole."""

    seed: int
    evaluations: tuple[str, ...]
    repeats: int
    targets: int
    strict: bool
    together: bool = False
    """Whether the cells of a cluster stand together in the order of the run, so that it can stop between two clusters."""
    pictured: dict[str, int] = msgspec.field(default_factory=dict)
    """Benchmark → cases that no attack meets because they have images; counted while the plan is made."""
    hard: Mapping[str, frozenset[str]] = {}
    """Benchmark → the cases that its difficulty filter lets through; benchmarks without a filter are absent."""


def choose(
    benchmark: Benchmark,
    limit: int | None,
    data: Path | None,
    *,
    entry: BenchmarkEntry | None = None,
    judge: str | None = None,
    draw: Draw = "uniform",
    reasoning: str | None = None,
) -> Chosen:
    """Finds a benchmark's files.

    Raises:
        DatasetError: One is nowhere to be had.
    """
    entry = entry or BenchmarkEntry(name=benchmark.name)
    return Chosen(
        benchmark=benchmark,
        limit=limit,
        files=locate(benchmark.dataset, data),
        judge=judge,
        draw=entry.draw or draw,
        system=entry.system,
        sample=entry.sample,
        reasoning=entry.reasoning_judge or reasoning,
        only=entry.evaluations,
    )


def plan(chosen: list[Chosen], drawing: Drawing) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """Every case that is drawn, with its cells.

    Which cases a limit draws follows from a hash of the seed and the case's id: the same in every copy of the data
    whatever its order, and 50 cases are always among the 100 (but for rounding, where hazards have shares). The order of
    the run follows from another such hash, in which the target does not enter: all targets meet the same cases at the
    same time.

    Raises:
        RowError: A row is bad and the drawing is strict, or a file cannot be read at all.
    """
    for one in chosen:
        drawn: Iterable[PlannedCase] = _drawn(one, drawing)
        attacked = one.attack_cases
        if one.attacks and one.attack_limit is not None:
            drawn = list(drawn)
            ranks = sorted(
                (rank(drawing.seed, "draw", one.benchmark.name, case.case_id), case.case_id)
                for case in drawn
                if _attacked(case) and (one.attack_cases is None or case.case_id in one.attack_cases)
            )
            attacked = frozenset(case_id for _, case_id in ranks[: one.attack_limit])
        missing = set(one.attack_cases or ())
        for planned in drawn:
            missing.discard(planned.case_id)
            if cells := _cells(one, planned, drawing, attacked is None or planned.case_id in attacked):
                yield planned, cells
        if missing and one.limit is None:
            raise ValueError(f"benchmark {one.benchmark.name!r} has no case {min(missing)!r}, which is to be attacked")


def evaluation_of(case: Case) -> str:
    """Whose score a case enters: complying where that is right is a matter of over-refusal."""
    return "over-refusal" if case.safe_answer.kind == "comply" else "benchmark"


def _drawn(one: Chosen, drawing: Drawing) -> Iterator[PlannedCase]:
    name = one.benchmark.name
    cases = (planned for planned in _cases(one, drawing) if _wanted(one, planned, drawing))
    if one.limit is None:
        yield from cases
        return
    # The smallest hashes of each stratum win. A row that is bad is drawn like any other: it would have been a case.
    strata: dict[str, list[tuple[int, int, PlannedCase]]] = {}
    sizes: Counter[str] = Counter()
    for number, planned in enumerate(cases):
        stratum = planned.case.hazard if planned.case and one.draw != "uniform" else ""
        sizes[stratum] += 1
        kept = strata.setdefault(stratum, [])
        place = -rank(drawing.seed, "draw", name, planned.case_id)
        if len(kept) < one.limit:
            heapq.heappush(kept, (place, -number, planned))
        elif place > kept[0][0]:
            heapq.heapreplace(kept, (place, -number, planned))
    shares = _shares(sizes, one.limit, equal=one.draw == "equal")
    drawn = [entry for stratum, kept in strata.items() for entry in heapq.nlargest(shares[stratum], kept)]
    for _, _, planned in sorted(drawn, key=lambda entry: -entry[1]):
        yield planned


def _shares(sizes: Mapping[str, int], limit: int, *, equal: bool) -> dict[str, int]:
    """How many of each stratum are drawn: its share, or as many as of any other; never more than there are.

    Rounded by largest remainders, ties by name. What a small stratum cannot give is shared out among the others.
    """
    shares = dict.fromkeys(sizes, 0)
    left = min(limit, sum(sizes.values()))
    while left:
        open_ = {name: size for name, size in sizes.items() if shares[name] < size}
        total = len(open_) if equal else sum(open_.values())
        ideal = {name: left * (1 if equal else size) / total for name, size in open_.items()}
        by_remainder = sorted(open_, key=lambda name: (-(ideal[name] % 1), name))
        over = left - sum(int(part) for part in ideal.values())
        for place, name in enumerate(by_remainder):
            given = min(int(ideal[name]) + (place < over), sizes[name] - shares[name])
            shares[name] += given
            left -= given
    return shares


def _wanted(one: Chosen, planned: PlannedCase, drawing: Drawing) -> bool:
    if planned.case is None:  # it would have been a case, and nobody knows how hard
        return True
    if one.attack_cases is not None and one.only == ("adversarial",) and planned.case_id not in one.attack_cases:
        return False
    hard = drawing.hard.get(one.benchmark.name)
    if hard is not None and planned.case_id not in hard:
        return False
    return evaluation_of(planned.case) in _evaluations(one, drawing) or (bool(one.attacks) and _attacked(planned))


def _evaluations(one: Chosen, drawing: Drawing) -> tuple[str, ...]:
    return tuple(name for name in drawing.evaluations if name in one.only) if one.only else drawing.evaluations


def _attacked(planned: PlannedCase) -> bool:
    """Whether attacks are for this case: one of text whose safe answer is to refuse, or a row that would have been a case.

    All attacks that there are write text: what they made of a case with images would be another case, and a harmless one.
    """
    return planned.case is None or (planned.case.safe_answer.kind == "refuse" and not planned.case.images)


def _cases(one: Chosen, drawing: Drawing) -> Iterator[PlannedCase]:
    name = one.benchmark.name
    for found in one.files:
        for row in found.rows():
            try:
                if isinstance(row, RowError):
                    raise row
                for case in one.benchmark.cases([row]):
                    if case.images and one.attacks and case.safe_answer.kind == "refuse":
                        drawing.pictured[name] = drawing.pictured.get(name, 0) + 1
                    yield _screened(name, case if one.system is None else replace(case, system=one.system))
            except RowError as error:
                if drawing.strict:
                    raise
                yield _bad(name, error)
            except Exception as error:  # a benchmark's own fault with this row is that row's
                assert isinstance(row, Row)
                named = row.error(f"could not become a case ({type(error).__name__})")
                if drawing.strict:
                    raise named from error
                yield _bad(name, named)


def _bad(name: str, error: RowError) -> PlannedCase:
    told = str(error)
    if withheld(told):
        told = f"{error.file}, line {error.line}: {REASON} (sha256 {fingerprint(told)})"
    return PlannedCase(name, f"{error.file}:{error.line}", None, ErrorKind.BAD_ROW, told)


def _screened(name: str, case: Case) -> PlannedCase:
    """A case as it may be kept. Of one that meets the filter, its id, a hash and the reason remain."""
    texts = [case.prompt, case.criteria] if case.criteria else [case.prompt]
    if case.system or case.history or case.options:
        texts += [case.system or "", *(m.text for m in case.history), *(o.text for o in case.options)]
    names = (case.id, case.cluster, case.safe_answer.value, *case.tags.values())
    if withheld(*texts) or withheld(*names) or _hazard_withheld(case.hazard):
        left = replace(
            case, id=_name(case.id), hazard=_name(case.hazard), cluster=_name(case.cluster), prompt="", system=None, criteria="",
            history=(), images=(), options=(), tags={}, safe_answer=SafeAnswer(case.safe_answer.kind),
        )  # fmt: skip
        detail = f"{REASON} (sha256 {fingerprint(chr(0).join(texts))})"
        return PlannedCase(name, left.id, left, ErrorKind.WITHHELD, detail)
    return PlannedCase(name, case.id, case)


_hazard_withheld = lru_cache(1024)(withheld)
"""Hazards are few, and the same from case to case."""


def _name(text: str) -> str:
    """A name as it may be kept: a row may have its text for an id, too."""
    return f"withheld-{fingerprint(text)}" if withheld(text) else text


def _cells(one: Chosen, planned: PlannedCase, drawing: Drawing, attacked: bool) -> list[PlannedCell]:
    case, name = planned.case, one.benchmark.name
    evaluation = evaluation_of(case) if case else "benchmark"
    ways: list[tuple[str, str, str]] = []
    plain = set(_evaluations(one, drawing)) - {"adversarial"}
    if evaluation in plain or (case is None and plain):  # a bad row counts, whichever evaluation would have had it
        ways.append((evaluation, "direct", one.judge_of(case) if case else one.judge or one.benchmark.judge))
    if one.attacks and attacked and _attacked(planned):
        judge = one.attack_judge or one.judge
        judge = one.benchmark.judge_of(case, judge) if case else judge or one.benchmark.judge
        ways += [("adversarial", attack, judge) for attack in one.attacks]
    cells = []
    for kind, attack, judge in ways:
        for repeat in range(drawing.repeats):
            parts = (name, planned.case_id, str(repeat), *((attack,) if kind == "adversarial" else ()))
            if drawing.together:
                parts = (name, (case and case.cluster) or planned.case_id)
            place = rank(drawing.seed, "order", *parts)
            cells += [PlannedCell(target, kind, attack, repeat, judge, place) for target in range(drawing.targets)]
    return cells


def rank(seed: int, *parts: str) -> int:
    """A hash in [0, 2⁶³)."""
    told = "\0".join((str(seed), *parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big") >> 1
