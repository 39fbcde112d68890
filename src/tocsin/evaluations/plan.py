"""From a suite to a plan of cells: which rows, which cases, which of them are drawn, in which order."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tocsin.benchmarks import Benchmark
from tocsin.datasets import Found, Row, RowError, locate
from tocsin.engine import REASON, fingerprint, withheld
from tocsin.evaluations.suite import BenchmarkEntry, Draw
from tocsin.journal import PlannedCase, PlannedCell, case_mapped
from tocsin.languages import same
from tocsin.types import (
    STATIC,
    Capabilities,
    Case,
    CellEvaluation,
    ErrorKind,
    EvaluationName,
    Image,
    Modality,
    SafeAnswer,
)


def able(modality: Modality, takes: Capabilities) -> bool:
    """Whether a model can be asked what benchmarks of a modality ask."""
    if modality == "image":
        return takes.text_in and takes.image_out
    return takes.text_in and takes.text_out and (takes.image_in or modality == "language")


class Suited(msgspec.Struct, frozen=True):
    """Which cases an attack is for: whether they may have images, and what they ask for; and whether it draws."""

    pictured: bool = False
    outputs: tuple[str, ...] = ("text",)
    draws: bool = False


_TEXT = Suited()
DIRECT = "direct"


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
    suited: Mapping[str, Suited] = {}
    """Attack → which cases it is for; those that are absent are for cases of text alone."""
    attack_cases: frozenset[str] | None = None
    """The ids of those that meet them; all that may if None."""
    attack_limit: int | None = None
    """Cases that meet them at most."""
    attack_judge: str | None = None
    """The final judge there, where it is not that of plain answers."""

    def meets(self, attack: str, case: Case) -> bool:
        """Whether an attack is for a case. One of text would make another case of one with images, and a harmless one."""
        suited = self.suited.get(attack, _TEXT)
        right = case.output in suited.outputs and (suited.pictured or not case.images)
        return right and case.safe_answer.kind == "refuse"

    def can_be_put(self, attack: str, takes: Capabilities | None) -> bool:
        """Whether a model can be asked its cases, by this attack."""
        if takes is None:
            return True
        return able(self.benchmark.modality, takes) and (takes.image_in or not self.suited.get(attack, _TEXT).draws)

    def attacked(self, case: Case) -> bool:
        """Whether an attack meets a case; the plain request alone is none, where there are others."""
        real = [name for name in self.attacks if name != DIRECT] or self.attacks
        return any(self.meets(name, case) for name in real)

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
    takes: tuple[Capabilities, ...] = ()
    """What each target takes and gives: what it cannot be asked is not planned for it. Not known if empty."""
    strict: bool
    languages: tuple[str, ...] = ()
    """BCP 47 codes of the cases that are asked; of all languages if empty."""
    together: bool = False
    """Whether the cells of a cluster stand together in the order of the run, so that it can stop between two clusters."""
    pictured: dict[str, int] = msgspec.field(default_factory=dict)
    """Benchmark → cases that no attack meets because none is for cases with images; counted while the plan is made."""
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


def plan(
    chosen: list[Chosen],
    drawing: Drawing,
    keep: Callable[[Image], Image] | None = None,
    cases: Callable[[Chosen, Drawing], Iterable[PlannedCase]] | None = None,
) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """Every case that is drawn, with its cells.

    Which cases a limit draws follows from a hash of the seed and the case's id: the same in every copy of the data
    whatever its order, and 50 cases are always among the 100 (but for rounding, where hazards have shares). The order of
    the run follows from another such hash, in which the target does not enter: all targets meet the same cases at the
    same time.

    Args:
        chosen: The benchmarks.
        drawing: What shapes the plan as a whole.
        keep: Keeps an image in the run folder and gives its reference. A row with one that it cannot keep is a bad one.
        cases: Gives all cases of a benchmark, where somebody has them already; `cases_of` if None.

    Raises:
        RowError: A row is bad and the drawing is strict, or a file cannot be read at all.
    """
    for one in chosen:
        drawn: Iterable[PlannedCase] = _drawn(one, drawing, (cases or cases_of)(one, drawing))
        attacked = one.attack_cases
        if one.attacks and one.attack_limit is not None:
            drawn = list(drawn)
            ranks = sorted(
                (rank(drawing.seed, "draw", one.benchmark.name, case.case_id), case.case_id)
                for case in drawn
                if _attacked(one, case) and (one.attack_cases is None or case.case_id in one.attack_cases)
            )
            attacked = frozenset(case_id for _, case_id in ranks[: one.attack_limit])
        missing = set(one.attack_cases or ())
        for planned in drawn:
            missing.discard(planned.case_id)
            if cells := _cells(one, planned, drawing, attacked is None or planned.case_id in attacked):
                yield planned if keep is None else _with_images(planned, keep, drawing), cells
        if missing and one.limit is None:
            raise ValueError(f"benchmark {one.benchmark.name!r} has no case {min(missing)!r}, which is to be attacked")


def evaluation_of(case: Case, serves: EvaluationName = "benchmark") -> CellEvaluation:
    """Whose score a case enters: its benchmark's; and in a plain benchmark, complying where that is right is over-refusal.
    Prompts that were attacked beforehand have a name of their own in the plan.

    Args:
        case: The case.
        serves: The evaluation that its benchmark is for.
    """
    if serves == "adversarial":
        return STATIC
    return "over-refusal" if serves == "benchmark" and case.safe_answer.kind == "comply" else serves


def _drawn(one: Chosen, drawing: Drawing, every: Iterable[PlannedCase]) -> Iterator[PlannedCase]:
    name = one.benchmark.name
    cases = (planned for planned in every if _wanted(one, planned, drawing))
    if one.limit is None:
        yield from cases
        return
    if one.benchmark.paired:
        yield from _whole_clusters(cases, one.limit, drawing.seed, name)
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


def _whole_clusters(cases: Iterable[PlannedCase], limit: int, seed: int, name: str) -> Iterator[PlannedCase]:
    """Whole clusters, by the hash of the cluster, while there is room for all of each: of a pair, half says nothing.

    At least one cluster is drawn, also where it is larger than the limit.
    """
    clusters: dict[str, list[PlannedCase]] = {}
    for planned in cases:
        clusters.setdefault((planned.case and planned.case.cluster) or planned.case_id, []).append(planned)
    drawn: set[str] = set()
    left = limit
    for cluster in sorted(clusters, key=lambda cluster: (rank(seed, "draw", name, cluster), cluster)):
        if drawn and len(clusters[cluster]) > left:
            break
        drawn.add(cluster)
        left -= len(clusters[cluster])
    for cluster, members in clusters.items():
        if cluster in drawn:
            yield from members


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
    if drawing.languages and not any(same(planned.case.language, wanted) for wanted in drawing.languages):
        return False
    evaluation = evaluation_of(planned.case, one.benchmark.evaluation)
    return evaluation in _plain(one, drawing) or (bool(one.attacks) and _attacked(one, planned))


def _plain(one: Chosen, drawing: Drawing) -> set[str]:
    """The evaluations that its cases may enter as they stand, as the plan calls them."""
    wanted = {name for name in drawing.evaluations if name in one.only or not one.only}
    attacked = {STATIC} if one.benchmark.evaluation == "adversarial" and "adversarial" in wanted else set()
    return (wanted - {"adversarial"}) | attacked


def _attacked(one: Chosen, planned: PlannedCase) -> bool:
    """Whether an attack is for this case, or it is a row that would have been one."""
    return planned.case is None or one.attacked(planned.case)


def _with_images(planned: PlannedCase, keep: Callable[[Image], Image], drawing: Drawing) -> PlannedCase:
    """The case with references in place of its images; of one whose images cannot be kept, the reason remains."""
    if planned.case is None or planned.stopped:
        return planned
    try:
        return planned._replace(case=case_mapped(planned.case, keep))
    except (OSError, ValueError) as error:
        told = f"{planned.case_id}: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
        if drawing.strict:
            raise RowError(planned.benchmark, 0, told) from error
        told = REASON if withheld(told) else told
        return planned._replace(case=case_mapped(planned.case, _left), stopped=ErrorKind.BAD_ROW, detail=told)


def _left(image: Image) -> Image:
    """What is left of an image that could not be kept."""
    return Image(image.media_type)


def cases_of(one: Chosen, drawing: Drawing) -> Iterator[PlannedCase]:
    """Every case that the files of a benchmark hold, drawn or not, and what is left of rows that become none.

    Raises:
        RowError: A row is bad and the drawing is strict, or a file cannot be read at all.
    """
    name = one.benchmark.name
    for found in one.files:
        for row in found.rows():
            try:
                if isinstance(row, RowError):
                    raise row
                for case in one.benchmark.cases([row]):
                    if case.images and one.attacks and case.safe_answer.kind == "refuse" and not one.attacked(case):
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
    texts = [case.prompt, case.request] if case.request else [case.prompt]
    if case.system or case.history or case.options or case.criteria:
        texts += [case.system or "", case.criteria, *(m.text for m in case.history), *(o.text for o in case.options)]
    names = (case.id, case.cluster, case.safe_answer.value, *case.tags.values())
    if withheld(*texts) or withheld(*names) or _hazard_withheld(case.hazard):
        left = replace(
            case, id=_name(case.id), hazard=_name(case.hazard), cluster=_name(case.cluster), prompt="", request="", system=None,
            history=(), images=(), options=(), criteria="", tags={}, safe_answer=SafeAnswer(case.safe_answer.kind),
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
    serves = one.benchmark.evaluation
    evaluation = evaluation_of(case, serves) if case else STATIC if serves == "adversarial" else serves
    ways: list[tuple[str, str, str]] = []
    plain = _plain(one, drawing)
    if evaluation in plain or (case is None and plain):  # a bad row counts, whichever evaluation would have had it
        ways.append((evaluation, "direct", one.judge_of(case) if case else one.judge or one.benchmark.judge))
    if one.attacks and attacked and _attacked(one, planned):
        judge = one.attack_judge or one.judge
        judge = one.benchmark.judge_of(case, judge) if case else judge or one.benchmark.judge
        ways += [("adversarial", attack, judge) for attack in one.attacks if case is None or one.meets(attack, case)]
    cells = []
    for kind, attack, judge in ways:
        for repeat in range(drawing.repeats):
            parts = (name, planned.case_id, str(repeat), *((attack,) if kind == "adversarial" else ()))
            if drawing.together:
                parts = (name, (case and case.cluster) or planned.case_id)
            place = rank(drawing.seed, "order", *parts)
            cells += [
                PlannedCell(target, kind, attack, repeat, judge, place)
                for target in range(drawing.targets)
                if one.can_be_put(attack, drawing.takes[target] if drawing.takes else None)
            ]
    return cells


def rank(seed: int, *parts: str) -> int:
    """A hash in [0, 2⁶³)."""
    told = "\0".join((str(seed), *parts)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big") >> 1
