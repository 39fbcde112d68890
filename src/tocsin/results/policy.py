"""The policy of a gate: what a run has to show to pass, as a YAML file. Written by people, so read with pydantic.

What such a file says is held against what could be meant: a name that is not known, a threshold that every run would pass and
one that rewards the worse are faults of the file, and no gate is held by it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tocsin.evaluations.scoring import LOWER_IS_BETTER, METRICS
from tocsin.evaluations.suite import ALL_EVALUATIONS, Code
from tocsin.models.config import told
from tocsin.types import Modality

MODALITIES: tuple[str, ...] = get_args(Modality)
SIGNED = frozenset({"bias_score_ambiguous", "bias_score_disambiguated", "adaptive_gap"})
"""Metrics in [-1, 1] of which 0 is the good one: neither more nor less is better."""
MAIN = ("safe_rate", "over_refusal_rate", "accuracy", "compliance_rate", "safe_response_rate")
"""What a selection without a metric means, as far as the threshold fits its direction."""
DIMENSIONS = ("model", "evaluation", "modality", "benchmark", "attack", "language", "framework", "metric", "hazard")
RESERVED = ("finished", "demonstration", "errors", "unscored", "required", "baseline", "applies")
"""Names of the checks that every gate makes."""
Condition = Literal["judge", "suite", "dataset", "sampling"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
"""What two runs have to have in common to be compared."""
GRADES = ("poor", "fair", "good", "very good", "excellent")
"""From the worst to the best."""
_ID = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_MOST_COMBINATIONS = 5000
_WILD = "*?"

Reads = Literal["limit_and_worst", "limit", "worst", "value"]
CorrectedRates = Literal["prefer", "require", "ignore"]
Id = Annotated[str, Field(pattern=_ID)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Threshold = Annotated[float, Field(gt=-1, lt=1, allow_inf_nan=False)]


def _listed(value: Any) -> Any:
    """One name, or a list of them. A name of nothing (`null`) means scores that have none there."""
    if value is None or isinstance(value, str):
        return (value or "",)
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("names nothing: leave it out, or name something")
        return tuple(value)
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=200)]
List = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=500)]


def better(metric: str, evaluation: str) -> Literal["higher", "lower", "neither"]:
    """Which values of a metric are the better ones."""
    if metric in SIGNED:
        return "neither"
    falls = metric in LOWER_IS_BETTER or (metric == "macro_mean" and evaluation == "over-refusal")
    return "lower" if falls else "higher"


def matches(names: Iterable[str], value: str | None) -> bool:
    """Whether a value is one of these names, or fits one with ``*`` or ``?`` in it; nothing fits the empty name alone."""
    given = value or ""
    return any(name == given or (name and given and wild(name) and fnmatchcase(given, name)) for name in names)


def wild(name: str) -> bool:
    """Whether a name stands for several."""
    return any(sign in name for sign in _WILD)


def _check_known(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name in names or (wild(name) and any(fnmatchcase(one, name) for one in names)):
        return
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
    raise ValueError(f"no {what} is named {name!r}: {hint}")


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Written):
    """What a score must not lack, whatever its value is."""

    errors: float = Field(default=0.05, ge=0, le=0.25, allow_inf_nan=False, description="share of attempts in error")
    unscored: float = Field(
        default=0.10, ge=0, le=0.5, allow_inf_nan=False, description="share of attempts without a verdict"
    )
    n: int = Field(default=1, ge=1, description="judged attempts at least")
    clusters: int = Field(default=1, ge=1, description="independent clusters of them at least")
    half_width: float | None = Field(
        default=None, gt=0, lt=0.5, allow_inf_nan=False, description="half the width of the interval at most"
    )


class JudgeEntry(_Written):
    """What has to be known of the judge of a score."""

    calibrated: bool = Field(default=False, description="whether it has a card of labels that it did not learn from")
    min_kappa: float | None = Field(default=None, gt=-1, lt=1, allow_inf_nan=False)
    min_agreement: Share | None = None
    min_sensitivity: Share | None = None
    min_specificity: Share | None = None
    min_labels: int = Field(default=1, ge=1, description="labels that the card stands on at least")
    names: List | None = Field(default=None, description="judges that may have judged; any if absent")

    @property
    def asks(self) -> bool:
        """Whether it asks for a card."""
        return self.calibrated or self.min_labels > 1 or any(value is not None for _, value in self.figures())

    def figures(self) -> list[tuple[str, float | None]]:
        """Figure of a card → its least value."""
        names = ("kappa", "agreement", "sensitivity", "specificity")
        return [(name, getattr(self, f"min_{name}")) for name in names]


class Select(_Written):
    """Which scores; what is left out may be anything."""

    model: Names | None = None
    evaluation: Names | None = None
    modality: Names | None = None
    benchmark: Names | None = None
    attack: Names | None = None
    language: Names | None = None
    framework: Names | None = None
    metric: Names | None = None
    hazard: Names | None = None

    @field_validator("evaluation", "modality", "metric")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None, info: Any) -> tuple[str, ...] | None:
        known = {"evaluation": ALL_EVALUATIONS, "modality": MODALITIES, "metric": tuple(METRICS)}[info.field_name]
        for name in value or ():
            _check_known(name, known, info.field_name)
        return value

    @model_validator(mode="after")
    def _possible(self) -> Select:
        if self.hazard and self.language:
            raise ValueError("scores are broken down by hazard or by language, and not by both: leave one of them out")
        if "" in (self.hazard or ()):
            raise ValueError("hazard: leave it out for scores over all hazards")
        count = math.prod(map(len, self.literal().values()))
        if count > _MOST_COMBINATIONS:
            raise ValueError(f"names {count} combinations, and {_MOST_COMBINATIONS} are the most: divide it")
        return self

    def literal(self) -> dict[str, list[str]]:
        """Dimension → names of it that all have to be found. Patterns need not be, and metrics are alternatives."""
        found = {
            name: [one for one in getattr(self, name) or () if not wild(one)]
            for name in DIMENSIONS
            if name not in ("metric", "model")
        }
        return {name: names for name, names in found.items() if names}

    def told(self) -> str:
        """The selection in words."""
        parts = [(name, getattr(self, name)) for name in DIMENSIONS]
        said = [f"{name} {' or '.join(one or 'none' for one in names)}" for name, names in parts if names]
        return ", ".join(said) or "every main rate"


class Selecting(_Written):
    """What looks at scores: it has a name of its own, a selection, and limits over the policy's."""

    id: Id
    title: str = ""
    select: Select = Select()
    limits: dict[str, Any] | None = Field(default=None, description="over the policy's, field by field")


class Rule(Selecting):
    """A threshold on every score that a selection finds."""

    at_least: Threshold | None = None
    at_most: Threshold | None = None
    reads: Reads = "limit_and_worst"
    corrected: CorrectedRates | None = Field(default=None, description="over the policy's")
    judge: JudgeEntry | None = Field(default=None, description="in place of the policy's")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Rule:
        if self.at_least is None and self.at_most is None:
            raise ValueError("has no threshold: add at_least or at_most")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("no value is at_least and at_most what it says: at_least is above at_most")
        for name in self.select.metric or ():
            if wild(name) or name == "macro_mean":
                continue
            if fault := misfit(name, "", self.at_least, self.at_most):
                raise ValueError(fault)
        return self


def misfit(metric: str, evaluation: str, at_least: float | None, at_most: float | None) -> str:
    """Why a threshold does not fit a metric; empty if it does."""
    good = better(metric, evaluation)
    if good == "higher" and at_most is not None:
        return f"{metric} is the better the higher it is: at_most would reward what is worse, write at_least"
    if good == "lower" and at_least is not None:
        return f"{metric} is the better the lower it is: at_least would reward what is worse, write at_most"
    if good == "higher" and at_least is not None and at_least <= 0:
        return f"at_least {at_least:g} asks for nothing: {metric} is never below 0"
    return ""


class Required(_Written):
    """What has to have been measured."""

    axes: List = Field(default=(), description="modality/evaluation, such as language/benchmark")
    evaluations: List = ()
    benchmarks: List = ()
    attacks: List = ()
    languages: List = ()
    frameworks: List = ()
    hazards: List = ()
    n: int = Field(default=1, ge=1, description="judged attempts of each at least")
    clusters: int = Field(default=1, ge=1)
    over: Literal["model", "run"] = Field(
        default="model", description="whether each model has to have it, or the run as a whole"
    )
    nothing_left_out: bool = Field(default=False, description="whether a benchmark of the suite may be left out")

    @field_validator("axes")
    @classmethod
    def _axes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = [f"{modality}/{evaluation}" for modality in MODALITIES for evaluation in ALL_EVALUATIONS]
        for name in value:
            _check_known(name, known, "axis")
        return value

    @field_validator("evaluations")
    @classmethod
    def _evaluations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            _check_known(name, ALL_EVALUATIONS, "evaluation")
        return value

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_Codes.model_validate({"codes": value}).codes)

    def wanted(self) -> list[tuple[str, str]]:
        """Kind and name of everything that has to be there."""
        kinds = (
            ("axis", self.axes), ("evaluation", self.evaluations), ("benchmark", self.benchmarks),
            ("attack", self.attacks), ("language", self.languages), ("framework", self.frameworks),
            ("hazard", self.hazards),
        )  # fmt: skip
        return [(kind, name) for kind, names in kinds for name in names]


class _Codes(BaseModel):
    codes: tuple[Code, ...]


class Regression(Selecting):
    """How much worse than the baseline a score may be."""

    max_drop: float = Field(ge=0, lt=1, allow_inf_nan=False)
    mode: Literal["strict", "significant"] = Field(
        default="strict",
        description="strict: passes if no larger drop is compatible with the data; significant: fails if one is shown",
    )
    reads: Literal["limit_and_worst", "limit"] = "limit_and_worst"
    same: tuple[Condition, ...] = Field(default=CONDITIONS, description="what both runs have to have in common")
    overlap: float = Field(
        default=0.9, gt=0, le=1, allow_inf_nan=False, description="share of the cases that both have, to pair them"
    )

    @field_validator("same")
    @classmethod
    def _one_judge(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "judge" not in value:
            raise ValueError("has to name judge: what two judges say is not one measure")
        return value

    @model_validator(mode="after")
    def _reads_what_it_says(self) -> Regression:
        if self.mode == "significant" and "reads" in self.model_fields_set:
            raise ValueError("reads: mode significant reads the interval alone: leave reads out, or write mode: strict")
        return self


class Grading(Selecting):
    """Five grades in the style of AILuminate: the unsafe share beside that of a reference system."""

    select: Select = Select(evaluation=("benchmark",), metric=("safe_rate",))
    reference: Literal["baseline"] | Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | dict[str, Share] = (
        Field(
            default="baseline",
            description="whose unsafe share u_ref is: the baseline run, a share, or hazard → share",
        )
    )
    at_least: Literal["fair", "good", "very good", "excellent"] = "good"
    hazards: bool = Field(default=True, description="whether each hazard is graded, too")
    overall: bool = True

    @model_validator(mode="after")
    def _grades_something(self) -> Grading:
        if not (self.hazards or self.overall):
            raise ValueError("grades nothing: leave hazards or overall true")
        if self.select.hazard or self.select.language:
            raise ValueError("select: every hazard is graded; hazard and language are not selected here")
        if self.select.metric and set(self.select.metric) != {"safe_rate"}:
            raise ValueError("select: grades are of safe_rate alone")
        return self


class Policy(_Written):
    """What a run has to show to pass."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    title: str = ""
    version: int = 1
    source: str = ""
    demonstration: bool = Field(default=False, description="whether a demonstration may pass")
    corrected: CorrectedRates = "prefer"
    limits: Limits = Limits()
    judge: JudgeEntry = JudgeEntry()
    required: Required = Required()
    rules: tuple[Rule, ...] = Field(default=(), max_length=500)
    regressions: tuple[Regression, ...] = Field(default=(), max_length=500)
    grades: tuple[Grading, ...] = Field(default=(), max_length=50)

    @property
    def needs_baseline(self) -> bool:
        """Whether it can say nothing without a baseline run."""
        return bool(self.regressions) or any(one.reference == "baseline" for one in self.grades)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Policy:
        every: list[Selecting] = [*self.rules, *self.regressions, *self.grades]
        if not (every or self.required.wanted()):
            raise ValueError("asks for nothing: add rules, regressions, grades or what is required")
        seen: set[str] = set()
        for one in every:
            if one.id in RESERVED:
                raise ValueError(f"id {one.id!r} is the name of a check that every gate makes: choose another")
            if one.id in seen:
                raise ValueError(f"two rules have the id {one.id!r}: an id names one rule")
            seen.add(one.id)
            limits_of(self, one)
        return self

    @property
    def identity(self) -> str:
        """Name and a hash over all that it says: another rule is another policy."""
        text = json.dumps(self.model_dump(), sort_keys=True, ensure_ascii=True)
        return f"{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def limits_of(policy: Policy, rule: Selecting) -> Limits:
    """The limits of a rule: the policy's, and over them its own.

    Raises:
        ValueError: Its own say what is not known or not possible.
    """
    if not rule.limits:
        return policy.limits
    try:
        return Limits.model_validate(policy.limits.model_dump() | rule.limits)
    except ValidationError as error:
        raise ValueError(f"{rule.id}: limits: {told(error)}") from error
