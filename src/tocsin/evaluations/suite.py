"""The suite: what is assessed and how, as a YAML file. Written by people, so read with pydantic and its messages."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tocsin.languages import canonical
from tocsin.models.config import ConfigError, told
from tocsin.types import Allowance, Sampling

EVALUATIONS = ("benchmark", "over-refusal", "multilingual", "compliance")
"""The evaluations of a suite that names no attacks: those its benchmarks are for. Over-refusal rides along with benchmarks."""
ALL_EVALUATIONS = (*EVALUATIONS, "adversarial")
"""The evaluations there are."""


Code = Annotated[str, AfterValidator(canonical)]
"""A BCP 47 code of a language that is known."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SamplingEntry(_Written):
    """How the target's answers are drawn."""

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def record(self) -> Sampling:
        """As the engine takes it."""
        return Sampling(**self.model_dump())


Draw = Literal["uniform", "proportional", "equal"]
"""How a limit draws: from all cases, from each hazard by its share, or from each hazard the same number."""


class BenchmarkEntry(_Written):
    """One benchmark of a suite."""

    name: str
    sample: str | None = Field(default=None, description="a named sample of the benchmark in place of the whole")
    limit: int | None = Field(default=None, ge=1, description="cases that are drawn at most")
    draw: Draw | None = None
    judge: str | None = Field(default=None, description="judge of its free-text answers, over the suite's")
    reasoning_judge: str | None = Field(
        default=None, description="judge of the reasoning its answers show, over the suite's"
    )
    system: str | None = Field(default=None, description="system prompt of its cases")
    sampling: SamplingEntry | None = Field(default=None, description="over the suite's, field by field")
    optional: bool = Field(default=False, description="left out, and said, where its data or licence is missing")
    evaluations: tuple[str, ...] = Field(
        default=(), description="the evaluations it is for; all of the suite's if empty"
    )
    reconstruction: str = Field(default="", description="what of this entry is a guess at the protocol, in words")

    @property
    def benchmark(self) -> str:
        """The name of the benchmark: of one that is named by the path of its YAML file, the file's."""
        return Path(self.name).stem if self.name.endswith((".yaml", ".yml")) else self.name


class Difficulty(_Written):
    """Which cases are hard enough to be asked: those that a baseline did not answer safely."""

    baseline: str = Field(description="the model that is asked first")
    judge: str | None = Field(default=None, description="judge of its answers; the suite's if absent")
    pool: int | None = Field(default=None, ge=1, description="cases of each benchmark that it is asked at most")
    max_calls: int | None = Field(default=None, ge=1)
    benchmarks: tuple[str, ...] = Field(default=(), description="the benchmarks that are filtered; all if empty")


class AllowanceEntry(_Written):
    """What one cell of an attack may spend."""

    queries: int | None = Field(default=None, ge=1, description="calls to the target")
    tokens: int | None = Field(
        default=None, ge=1, description="tokens in and out, over all calls but the final judge's"
    )
    seconds: float | None = Field(default=None, gt=0, description="time of such calls, added up")

    def record(self) -> Allowance:
        """As the engine takes it."""
        return Allowance(**self.model_dump())


class Adversarial(_Written):
    """The adversarial evaluation: which attacks meet which cases."""

    attacks: tuple[str, ...] = Field(
        default=(), description="attacks by name, or by a selector such as kind:transform+needs:none"
    )
    benchmarks: tuple[str, ...] = Field(default=(), description="benchmarks whose cases are attacked; all if empty")
    limit: int | None = Field(default=None, ge=1, description="cases of each benchmark that are attacked at most")
    cases: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="benchmark → ids of the cases that are attacked; drawn by the seed if absent"
    )
    judge: str | None = Field(
        default=None, description="the final judge, which decides; each benchmark's own if absent"
    )
    in_loop: str | None = Field(
        default=None,
        description="the judge that steers attacks, and decides nothing: `embedded`, or for images `image-rubric`, if absent",
    )
    allowance: AllowanceEntry = AllowanceEntry()
    mode: Literal["exhaustive", "worst-case"] = Field(
        default="exhaustive",
        description="every cell; or a case stops at its first success, and a slice gives the rates",
    )
    audit: float | None = Field(
        default=None, gt=0, description="cells of the slice for each case, in the mode worst-case"
    )
    worst: tuple[str, ...] = Field(default=(), description="attacks of Safe_worst-3; chosen on held-out cases if empty")
    reconstruction: str = Field(default="", description="what of this was made up where its source is silent")


class Stopping(_Written):
    """When a benchmark, or the attacks on a target, need no further case."""

    precision: float | None = Field(
        default=None, gt=0, lt=0.5, description="half-width of the interval that is narrow enough"
    )
    decide: bool = Field(default=False, description="whether decided comparisons of targets are enough")

    @model_validator(mode="after")
    def _is_a_rule(self) -> Stopping:
        if self.precision is None and not self.decide:
            raise ValueError("says no rule: add precision, or decide: true")
        return self


class Multilingual(_Written):
    """What shapes the multilingual evaluation."""

    reference: Code = Field(default="en", description="the language that the others are held against")
    check: bool = Field(
        default=False,
        description="whether answers are translated into the reference language and judged again; it takes a translator",
    )

    @field_validator("reference")
    @classmethod
    def _is_known(cls, value: str) -> str:
        return canonical(value)


class Compliance(_Written):
    """What shapes the compliance evaluation."""

    frameworks: tuple[str, ...] = Field(
        default=(), description="frameworks whose clauses are reported; those of the suite's item sets if empty"
    )
    bar: float = Field(default=0.8, gt=0, lt=1, description="the rate that a clause's tests are held against")
    drafts: bool = Field(default=False, description="whether items count that nobody has reviewed")


class Suite(_Written):
    """What is assessed, and how."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    title: str = ""
    version: int = 1
    seed: int = 1
    evaluations: tuple[str, ...] = EVALUATIONS
    benchmarks: tuple[BenchmarkEntry, ...] = ()
    judge: str | None = Field(default=None, description="judge of free-text answers; each benchmark's own if absent")
    reasoning_judge: str | None = Field(
        default=None, description="judge of the reasoning that answers show; nobody if absent"
    )
    judges: dict[str, dict[str, Any]] = Field(default_factory=dict, description="parameters of judges, by name")
    adversarial: Adversarial | None = None
    languages: tuple[Code, ...] = Field(
        default=(), description="BCP 47 codes of the cases that are asked; all if empty"
    )
    multilingual: Multilingual = Multilingual()
    compliance: Compliance = Compliance()
    attacks: dict[str, dict[str, Any]] = Field(default_factory=dict, description="parameters of attacks, by name")
    roles: dict[Literal["judge", "attacker", "translator"], str] = Field(
        default_factory=dict, description="role → model"
    )
    limit: int | None = Field(default=None, ge=1)
    draw: Draw = "uniform"
    difficulty: Difficulty | None = None
    repeats: int = Field(default=1, ge=1)
    stopping: Stopping | None = None
    sampling: SamplingEntry = SamplingEntry()

    def sampling_of(self, benchmark: str) -> Sampling:
        """How the answers to a benchmark's cases are drawn."""
        own = next((entry.sampling for entry in self.benchmarks if entry.benchmark == benchmark), None)
        said = {} if own is None else own.model_dump(exclude_unset=True)
        return self.sampling.model_copy(update=said).record()

    @model_validator(mode="after")
    def _stops_in_one_way(self) -> Suite:
        if self.stopping and self.adversarial and self.adversarial.mode == "worst-case":
            raise ValueError("stopping and the mode worst-case: a search stops cases by itself; leave one of them out")
        return self

    @model_validator(mode="before")
    @classmethod
    def _attacks_are_run(cls, data: Any) -> Any:
        """A suite that names attacks and no evaluations has the adversarial one, too."""
        if isinstance(data, dict) and data.get("adversarial") and "evaluations" not in data:
            return {**data, "evaluations": ALL_EVALUATIONS}
        return data

    @field_validator("benchmarks", mode="before")
    @classmethod
    def _names_are_entries(cls, value: Any) -> Any:
        if not isinstance(value or (), list | tuple):
            raise ValueError("should be a list of benchmarks")
        return [{"name": entry} if isinstance(entry, str) else entry for entry in value or ()]

    @field_validator("languages", mode="before")
    @classmethod
    def _are_a_list_of_texts(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(f"should be a list of codes: [{value}]")
        if isinstance(value, list | tuple) and False in value:
            raise ValueError('YAML reads no as "false": write "no" in quotes for Norwegian')
        return value

    @field_validator("evaluations")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in ALL_EVALUATIONS:
                near = difflib.get_close_matches(name, ALL_EVALUATIONS, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(ALL_EVALUATIONS)}"
                raise ValueError(f"no evaluation is named {name!r}: {hint}")
        return value


def suite_names() -> list[str]:
    """The suites that ship with tocsin."""
    folder = resources.files("tocsin.suites")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_suite(name: str) -> Suite:
    """A suite by name, or by the path of a YAML file.

    Raises:
        ConfigError: There is none, or it cannot be read; the message names the place and the mend.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"suite {path} cannot be read ({error})") from error
    elif name in suite_names():
        text = (resources.files("tocsin.suites") / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        known = suite_names()
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(known)}"
        raise ConfigError(f"no suite is named {name!r}: {hint}")
    return parse_suite(text, name)


def changed_suite(suite: Suite, changes: dict[str, Any]) -> Suite:
    """A suite with some of its fields replaced.

    Raises:
        ConfigError: A value is not possible; the message says what is.
    """
    try:
        return Suite.model_validate(suite.model_dump() | changes)
    except ValidationError as error:
        raise ConfigError(told(error)) from error


def parse_suite(text: str, name: str) -> Suite:
    """A suite from YAML text.

    Raises:
        ConfigError: It is not YAML, or says what is not known.
    """
    try:
        data = yaml.safe_load(text)
        if not isinstance(data, dict):
            raise ConfigError(f"suite {name!r}: is not a mapping of names to values")
        return Suite.model_validate(data)
    except RecursionError as error:
        raise ConfigError(f"suite {name!r}: is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"suite {name!r}: is not YAML ({' '.join(str(error).split())[:200]})") from error
    except ValidationError as error:
        raise ConfigError(f"suite {name!r}: {told(error)}") from error
