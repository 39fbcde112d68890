"""Counting what a plan holds: cells, the calls that they take by role and model, and the clusters behind each score.

The plan is the very one that a run would make (`tocsin.evaluations.plan`); its cells are counted as they come, and none is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgspec

from tocsin.engine.search import MOST_AUDITED
from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.cast import Cast
from tocsin.evaluations.fitting import checked_sets
from tocsin.evaluations.plan import DIRECT, Chosen, Drawing, plan
from tocsin.journal import PlannedCase, PlannedCell
from tocsin.judges import Judge
from tocsin.languages import same
from tocsin.models import Caller
from tocsin.results.planning import tokens
from tocsin.results.planning.amounts import Amount, Line, Spend, exactly
from tocsin.results.planning.assumed import SUCCESS, Assumed
from tocsin.results.planning.costs import attack_costs, judge_costs, translation_cost
from tocsin.results.planning.measured import Measured
from tocsin.results.planning.units import Units
from tocsin.stats import audit_size
from tocsin.types import STATIC, Allowance, Case, Role

SAMPLED = 3
"""Cases of each attack and each judge that are tried out, to see how long what they write is."""


class Group(msgspec.Struct, kw_only=True):
    """Cells of one target, evaluation, benchmark and attack."""

    cells: int = 0
    stopped: int = 0
    """Those that are never asked: rows that are no cases, and what the filter stops."""


class Counted(msgspec.Struct, kw_only=True):
    """What a plan holds.

    Attributes:
        groups: (target, evaluation as scores name it, benchmark, attack) → its cells.
        lines: (role, model) → its calls.
        units: What each score rests on.
        cases: Rows of the plan.
        text: Characters of the cases.
        audited: Share of the attacks' cells that the slice of the mode worst-case holds; None in the mode exhaustive.
    """

    groups: dict[tuple[int, str, str, str], Group]
    lines: dict[tuple[Role, str], Line]
    units: Units
    cases: int = 0
    text: int = 0
    audited: float | None = None

    @property
    def cells(self) -> int:
        """All cells."""
        return sum(group.cells for group in self.groups.values())

    @property
    def stopped(self) -> int:
        """Cells that are never asked."""
        return sum(group.stopped for group in self.groups.values())


class _Way(msgspec.Struct):
    """How a target is asked the cases of a benchmark."""

    caller: Caller
    identity: bytes
    alone: bool
    """Whether each cell is a draw of its own."""
    line: Line
    answer: Amount
    system: Amount
    """Tokens of the system prompt that its entry adds."""


class _Reading(msgspec.Struct):
    """What a judge is to read."""

    judge: Judge
    answer: Amount
    times: Amount = Amount()
    samples: list[Case] = []


def count(
    assessment: Assessment,
    cast: Cast,
    assumed: Assumed,
    known: Measured | None = None,
    cases: Callable[[Chosen, Drawing], Iterable[PlannedCase]] | None = None,
) -> Counted:
    """Counts the plan of an assessment. No call is made, and nothing is written.

    Args:
        assessment: What would be run.
        cast: Who would play which role; nobody is asked.
        assumed: What is taken for granted.
        known: What an earlier run measured, which goes before what is assumed.
        cases: Gives all cases of a benchmark, where somebody has them already.

    Raises:
        RowError: A row is bad and the run would be strict.
    """
    return _Counting(assessment, cast, assumed, known or Measured()).counted(cases)


class _Counting:
    def __init__(self, assessment: Assessment, cast: Cast, assumed: Assumed, known: Measured) -> None:
        self._assessment, self._cast, self._assumed, self._known = assessment, cast, assumed, known
        self._chosen = {one.benchmark.name: one for one in assessment.chosen}
        self._checked = {one.benchmark.name for one in checked_sets(assessment.suite, assessment.chosen)}
        self._found = Counted(groups={}, lines={}, units=Units(assessment))
        self._draws: dict[bytes, int] = {}
        self._judged: set[tuple[int, str, str, str]] = set()
        self._ways: dict[tuple[int, str, str], _Way] = {}
        self._attacked: Counter[tuple[int, str, str]] = Counter()
        self._samples: dict[str, list[Case]] = defaultdict(list)
        self._outputs: dict[str, str] = {}
        self._readings: dict[tuple[str, int], _Reading] = {}

    def counted(self, cases: Callable[[Chosen, Drawing], Iterable[PlannedCase]] | None) -> Counted:
        """Goes through the plan once."""
        for row, cells in plan(self._assessment.chosen, self._assessment.drawing, cases=cases):
            self._found.cases += 1
            self._found.text += _length(row.case)
            one = self._chosen[row.benchmark]
            for cell in cells:
                self._cell(one, row, cell)
        self._add_attacks()
        for reading in self._readings.values():
            for model, spend in judge_costs(reading.judge, reading.samples, reading.answer).items():
                self._line("judge", model).add(spend.times(reading.times))
        self._correct()
        return self._found

    def _cell(self, one: Chosen, row: PlannedCase, cell: PlannedCell) -> None:
        evaluation = "adversarial" if cell.evaluation == STATIC else cell.evaluation
        group = self._found.groups.setdefault((cell.target, evaluation, row.benchmark, cell.attack), Group())
        group.cells += 1
        case = row.case
        if case is None or row.stopped:
            group.stopped += 1
            self._found.units.add(one, row, cell, None)
            return
        way, draw = self._way(cell.target, row.benchmark, case), None
        if cell.attack == DIRECT:
            draw = self._direct(way, case)
            self._read(cell, cell.judge, case, way, self._fresh(draw, cell.judge, case, ""))
            if row.benchmark in self._checked and cell.evaluation != "adversarial":
                self._translated(cell, case, way)
        else:
            self._attacked[cell.target, row.benchmark, cell.attack] += 1
            self._outputs[row.benchmark] = case.output
            if len(self._samples[cell.attack]) < SAMPLED:
                self._samples[cell.attack].append(case)
        if one.reasoning and case.safe_answer.kind == "refuse":
            shown = self._fresh(draw, one.reasoning, case, "reasoning") if _reasons(way.caller) else 0.0
            self._read(cell, one.reasoning, case, way, shown)
        self._found.units.add(one, row, cell, draw)

    # -- the target ----------------------------------------------------------------------------------------------------

    def _way(self, target: int, benchmark: str, case: Case) -> _Way:
        key = (target, benchmark, case.output)
        if key not in self._ways:
            caller = self._cast.targets[target]
            sampling = self._assessment.suite.sampling_of(benchmark)
            temperature = caller.temperature if sampling.temperature is None else sampling.temperature
            line = self._line("target", caller.model.name)
            line.pictured = line.pictured or case.output == "image"
            self._ways[key] = _Way(
                caller,
                msgspec.json.encode([caller.model.identity, sampling], order="deterministic"),
                case.output == "image" or temperature != 0,
                line,
                Amount() if case.output == "image" else self._answer(caller, sampling.max_tokens),
                tokens.of_text(caller.system),
            )
        return self._ways[key]

    def _answer(self, caller: Caller, most: int | None) -> Amount:
        """Tokens of an answer: as an earlier run has them, or as they are assumed; never more than its limit."""
        if most is None:
            fixed = getattr(caller.model, "parameters", {}).get("max_tokens")
            most = fixed if isinstance(fixed, int) else None
        told = self._known.of_tokens("target", caller.model.name)
        length = told[1] if told and told[1] else float(self._assumed.answer_tokens)
        return Amount(length if most is None else min(length, most), most)

    def _direct(self, way: _Way, case: Case) -> int | None:
        """The answer that a plain request gets: its number where others may share it, None where it is its own."""
        told = tokens.of_messages(case.messages())
        told = told if case.system else told.plus(way.system)
        if self._known.input_factor is not None:
            told = exactly(told.expected * self._known.input_factor)
        sent = Spend(exactly(1), told, way.answer)
        if way.alone:
            way.line.add(sent)
            return None
        key = _digest(way.identity, case)
        new = key not in self._draws
        draw = self._draws.setdefault(key, len(self._draws))
        if new:
            way.line.add(sent)
        return draw

    # -- judges and translators ----------------------------------------------------------------------------------------

    def _fresh(self, draw: int | None, judge: str, case: Case, branch: str) -> float:
        """1 where a judge is expected to be asked for this verdict; 0 where it was, about the same answer to the same request."""
        if draw is None:
            return 1.0
        key = (draw, judge, case.asked, branch + case.safe_answer.kind)
        if key in self._judged:
            return 0.0
        self._judged.add(key)
        return 1.0

    def _read(self, cell: PlannedCell, name: str, case: Case, way: _Way, expected: float, most: float = 1.0) -> None:
        judge = self._assessment.judges.get(name)
        if judge is None or not judge.models:
            return
        reading = self._readings.setdefault((name, cell.target), _Reading(judge, way.answer, samples=[]))
        reading.times = reading.times.plus(Amount(expected, most))
        if len(reading.samples) < SAMPLED:
            reading.samples.append(case)

    def _translated(self, cell: PlannedCell, case: Case, way: _Way) -> None:
        """An answer in another language that is translated to be judged a second time."""
        home = self._assessment.suite.multilingual.reference
        if case.output == "image" or same(case.language, home) or case.safe_answer.kind != "refuse":
            return
        self._line("translator", self._cast.helpers["translator"].model.name).add(translation_cost(way.answer))
        self._read(cell, cell.judge, case, way, 1.0)

    # -- attacks -------------------------------------------------------------------------------------------------------

    def _add_attacks(self) -> None:
        """Adds the calls of cells that an attack puts, from what it declares and what it was seen to write."""
        attacking, suite = self._assessment.attacking, self._assessment.suite
        allowance = suite.adversarial.allowance.record() if suite.adversarial else Allowance()
        share = self._searched()
        for (target, benchmark, name), cells in self._attacked.items():
            cases = self._samples[name]
            way = self._ways[target, benchmark, self._outputs[benchmark]]
            costs = attack_costs(
                attacking.made[name], allowance, cases, way.answer, queries=self._known.queries.get(name)
            )
            times = Amount(cells * share, cells)
            for role, spend in costs.spent.items():
                line = way.line if role == "target" else self._line(role, self._cast.helpers[role].model.name)
                line.add(spend.times(times))
            judge = self._chosen[benchmark]
            final = judge.attack_judge or judge.judge or judge.benchmark.judge
            cell = PlannedCell(target, "adversarial", name, 0, final, 0)
            self._read(
                cell,
                judge.benchmark.judge_of(cases[0], judge.attack_judge or judge.judge),
                cases[0],
                way,
                *_both(times),
            )
            if attacking.in_loop and costs.in_loop.most != 0:
                asked = costs.in_loop.times(times)
                self._read(cell, attacking.in_loop, cases[0], way, asked.expected, asked.most or 0.0)

    def _searched(self) -> float:
        """The share of the attacks' cells that is expected to be run: all, unless a case stops at its first success."""
        wanted = self._assessment.suite.adversarial
        if wanted is None or wanted.mode != "worst-case":
            return 1.0
        attacks = len({name for _, _, name in self._attacked} | {DIRECT})
        cells = max(1, sum(self._attacked.values()))
        cases = max(1, cells // attacks)
        audited = wanted.audit or min(audit_size(cases, attacks), max(1.0, MOST_AUDITED * attacks))
        self._found.audited = slice_ = min(1.0, audited / attacks)
        tried = (1 - (1 - SUCCESS) ** attacks) / SUCCESS / attacks
        return slice_ + (1 - slice_) * min(1.0, tried)

    # -- what an earlier run corrects ----------------------------------------------------------------------------------

    def _correct(self) -> None:
        """Puts what helpers and judges spend a call as an earlier run counted it."""
        for (role, model), line in self._found.lines.items():
            told = None if role == "target" else self._known.of_tokens(role, model)
            if told is None:
                continue
            spend, calls = line.spend, line.spend.calls.expected
            line.spend = Spend(
                spend.calls,
                Amount(told[0] * calls, spend.tokens_in.most),
                Amount(told[1] * calls, spend.tokens_out.most),
            )

    def _line(self, role: Role, model: str) -> Line:
        return self._found.lines.setdefault((role, model), Line(role=role, model=model))


def _both(amount: Amount) -> tuple[float, float]:
    return amount.expected, amount.most or 0.0


def _reasons(caller: Caller) -> bool:
    """Whether an entry says that its model thinks, so that there is reasoning to be judged."""
    told = getattr(caller.model, "parameters", {})
    return bool(told.get("thinking_budget")) or told.get("reasoning_effort") not in (None, "none")


def _digest(identity: bytes, case: Case) -> bytes:
    """Names a request: equal ones share an answer where the temperature is 0."""
    told = blake2b(identity, digest_size=16)
    for message in case.messages():
        told.update(f"\0{message.role}\0".encode())
        told.update(message.text.encode("utf-8", "surrogatepass"))
        for number, image in enumerate(message.images):
            # An image that is read only when it is kept is its case's own.
            told.update(image.data or image.sha256.encode() or f"{case.id}\0{number}".encode())
    return told.digest()


def _length(case: Case | None) -> int:
    """Characters of a case, as far as they are many."""
    if case is None:
        return 0
    said = sum(len(message.text) for message in case.messages())
    return said + len(case.request) + len(case.criteria) + sum(len(option.text) for option in case.options)
