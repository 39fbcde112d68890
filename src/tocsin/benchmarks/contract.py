"""What a benchmark is made of: a dataset, a function from rows to cases, a default judge, and metrics of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from tocsin import registry
from tocsin.datasets import Dataset, Row, Unpublished
from tocsin.types import Case, Modality, Outcome

Measures = Literal["safety", "over-refusal", "bias", "judgement", "rules", "transparency"]
Serves = Literal["adversarial", "benchmark", "multilingual", "compliance"]
CaseMaker = Callable[[Iterable[Row]], Iterator[Case]]


class Judged(msgspec.Struct, frozen=True):
    """A case and what became of it: what a benchmark's own metric reads."""

    case: Case
    outcome: Outcome
    choice: str
    cell: int = 0
    """Its place in the plan."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A number of a benchmark's own metric, with its interval."""

    metric: str
    language: str | None = None
    value: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None
    planned: int
    n: int
    n_cases: int
    n_clusters: int
    unscored: int
    error: int
    notes: tuple[str, ...] = ()


OwnMetrics = Callable[[Iterable[Judged]], list[Measured]]


class Benchmark(msgspec.Struct, frozen=True, kw_only=True):
    """A registered benchmark.

    Attributes:
        name: How suites and the command line call it.
        title: First line of the function's docstring.
        cases: Rows to cases. It is called with a row at a time, so that a bad row costs no other.
        dataset: Where the rows come from.
        judge: The judge of free-text answers, unless the user names another.
        gold_judge: The judge of cases whose right answer is an option or a label.
        measures: What it is about.
        version: Raised whenever scores are no longer comparable with those before.
        demonstration: Whether its scores say nothing that may be ranked.
        metrics: Metrics beyond the rate of safe answers.
        samples: Other datasets of the same shape, by name, which a suite may run in place of `dataset`.
        judges: Hazard → the only judge that may read the answers to its cases, whomever the user names.
        evaluation: The evaluation whose score its cases enter. Where it is ``benchmark``, those whose safe answer is to comply
            enter over-refusal. Where it is ``adversarial``, somebody attacked its prompts beforehand, and they meet no attack.
        framework: The framework for whose clauses its cases were written, by name or by the path of its file.
        paired: Whether its cases of one cluster say something only together, as one request in several languages does, or two
            sides of one comparison: a limit draws whole clusters then.
    """

    name: str
    title: str
    cases: CaseMaker
    dataset: Dataset
    judge: str
    measures: Measures
    version: int
    gold_judge: str = "choice"
    modality: Modality = "language"
    demonstration: bool = False
    metrics: OwnMetrics | None = None
    samples: Mapping[str, Dataset] = {}
    judges: Mapping[str, str] = {}
    evaluation: Serves = "benchmark"
    framework: str | None = None
    paired: bool = False

    def judge_of(self, case: Case, named: str | None) -> str:
        """The judge of a case: the one the user names for free-text answers; a gold option or label keeps its own."""
        if case.safe_answer.kind in ("option", "label"):
            return self.gold_judge
        return self.judges.get(case.hazard) or named or self.judge

    def judges_used(self, named: str | None) -> set[str]:
        """Every judge that `judge_of` may give."""
        return {named or self.judge, self.gold_judge, *self.judges.values()}

    def sampled(self, name: str) -> Benchmark:
        """The same benchmark over one of its samples.

        Raises:
            ValueError: It has no sample of that name; those there are are listed.
        """
        if name not in self.samples:
            there = ", ".join(sorted(self.samples)) or "none"
            raise ValueError(f"benchmark {self.name!r} has no sample {name!r} (there are: {there})")
        return msgspec.structs.replace(self, dataset=self.samples[name])

    def about(self) -> registry.About:
        """For listings."""
        data = self.dataset
        needs = [f"--accept-licence {self.name} ({data.gate})"] if data.gate else []
        if isinstance(data.origin, Unpublished):
            how = data.origin.how
            needs.append(f"a file that you make: {how}" if how else "a copy of your own, since it is unpublished")
        return registry.About(
            name=self.name,
            title=self.title,
            source=str(data.origin),
            needs=tuple(needs),
            licence=data.licence,
            tags={"evaluation": self.evaluation},
        )


def benchmark(
    name: str,
    *,
    dataset: Dataset,
    judge: str,
    measures: Measures = "safety",
    version: int = 1,
    modality: Modality = "language",
    demonstration: bool = False,
    metrics: OwnMetrics | None = None,
    samples: Mapping[str, Dataset] | None = None,
    judges: Mapping[str, str] | None = None,
    gold_judge: str = "choice",
    evaluation: Serves = "benchmark",
    framework: str | None = None,
    paired: bool = False,
) -> Callable[[CaseMaker], Benchmark]:
    """Registers a function from rows to cases as a benchmark; see `Benchmark` for the arguments."""

    def keep(cases: CaseMaker) -> Benchmark:
        made = Benchmark(
            name=name,
            title=(cases.__doc__ or "").strip().partition("\n")[0],
            cases=cases,
            dataset=dataset,
            judge=judge,
            measures=measures,
            version=version,
            modality=modality,
            demonstration=demonstration,
            metrics=metrics,
            samples=samples or {},
            judges=judges or {},
            gold_judge=gold_judge,
            evaluation=evaluation,
            framework=framework,
            paired=paired,
        )
        return registry.register("benchmark", name, made_of=cases)(made)

    return keep
