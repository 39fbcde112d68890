"""Benchmarks that are data: a YAML file says where rows come from and what their columns mean.

The file's name without its ending is the benchmark's name. Those beside the Python benchmarks are found as they are;
a user's own is named by its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tocsin import registry
from tocsin.benchmarks.contract import Benchmark, Measures, Serves
from tocsin.benchmarks.own import ANSWERS
from tocsin.benchmarks.translated import TRANSLATION
from tocsin.benchmarks.yaml_rows import Reading, case_maker
from tocsin.datasets import Dataset, File, GitHub, Hub, Own, Packaged
from tocsin.datasets.origin import Gate, Origin
from tocsin.journal import SOURCE_ID
from tocsin.languages import canonical
from tocsin.models.config import ConfigError, told
from tocsin.types import Modality

ENDINGS = (".yaml", ".yml")
_MAX_BYTES = 2**20


def _is_text(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_is_text)]
"""A list of words, or one alone."""

Code = Annotated[str, AfterValidator(canonical)]
"""A BCP 47 code of a language that is known."""
Codes = Annotated[tuple[Code, ...], BeforeValidator(_is_text)]
"""Some of them, or one alone."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileEntry(_Written):
    """One file of a dataset."""

    path: str = Field(min_length=1)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    also: Words = Field(default=(), description="other names it may have in a --data folder")
    header: Words = Field(default=(), description="names of the columns of a table that has no header")

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, value: str) -> str:
        if value.startswith("/") or ".." in value.split("/"):
            raise ValueError("should be a path within the origin, without '..'")
        return value


class DatasetEntry(_Written):
    """Where the rows come from: exactly one of github, hub, package and folder."""

    name: str | None = Field(default=None, pattern=r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$")
    title: str | None = None
    github: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    hub: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    package: str | None = None
    folder: str | None = Field(default=None, description="beside this file or below it")
    revision: str | None = Field(default=None, description="40 hexadecimal digits, for github and hub")
    files: tuple[FileEntry, ...] = Field(min_length=1)
    licence: str = Field(min_length=1)
    gate: Gate | None = None
    languages: Codes = ("en",)
    notes: Words = ()

    @field_validator("files", mode="before")
    @classmethod
    def _paths_are_entries(cls, value: Any) -> Any:
        files = [value] if isinstance(value, str | dict) else value
        return (
            [{"path": file} if isinstance(file, str) else file for file in files] if isinstance(files, list) else value
        )

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if sum(value is not None for value in (self.github, self.hub, self.package, self.folder)) != 1:
            raise ValueError("needs exactly one of github, hub, package and folder")
        published = self.github is not None or self.hub is not None
        if published and not (
            self.revision and len(self.revision) == 40 and set(self.revision) <= set("0123456789abcdef")
        ):
            raise ValueError("revision should be a commit, 40 hexadecimal digits: a branch's rows change unnoticed")
        if not published and self.revision is not None:
            raise ValueError("revision is for github and hub alone")
        return self

    def dataset(self, benchmark: str, title: str, beside: Path) -> Dataset:
        """As the rest of tocsin takes it.

        Raises:
            ConfigError: The folder does not lie beside the YAML file or below.
        """
        files = tuple(File(file.path, file.sha256, file.also, file.header) for file in self.files)
        origin: Origin
        if self.github is not None:
            origin = GitHub(self.github, self.revision or "")
        elif self.hub is not None:
            origin = Hub(self.hub, self.revision or "")
        elif self.package is not None:
            origin = Packaged(self.package)
        else:
            origin, folder = Own(), beside / (self.folder or ".")
            if not folder.resolve().is_relative_to(beside.resolve()):
                raise ConfigError("dataset.folder: should lie beside the file or below it")
            files = tuple(File(str(folder / file.path), file.sha256, (), file.header) for file in files)
        return Dataset(
            name=self.name or benchmark.replace("-", "_"),
            title=self.title or title,
            origin=origin,
            files=files,
            licence=self.licence,
            gate=self.gate,
            languages=self.languages,
            notes=self.notes,
        )


class Columns(_Written):
    """Which column holds what; what is not named is not read."""

    prompt: str
    id: str | None = None
    hazard: str | None = None
    language: str | None = None
    system: str | None = None
    cluster: str | None = None
    options: Words = Field(default=(), description="a column for each option, or one with a list or with '|' between")
    tags: dict[str, str] = {}

    @field_validator("tags")
    @classmethod
    def _not_reserved(cls, tags: dict[str, str]) -> dict[str, str]:
        """By these tags `tocsin translate` tells what it has translated; a data set must not claim it."""
        for name in (TRANSLATION, SOURCE_ID):
            if name in tags:
                raise ValueError(f"{name!r} is kept for translations that tocsin made; name the tag otherwise")
        return tags


class AnswerEntry(_Written):
    """A column that says what a safe answer to its row is."""

    column: str
    map: dict[str, str] = {}


class BenchmarkFile(_Written):
    """A benchmark as a file says it."""

    title: str = Field(min_length=10, max_length=150)
    paper: str = ""
    version: int = Field(default=1, ge=1)
    dataset: DatasetEntry
    samples: dict[str, DatasetEntry] = {}
    columns: Columns
    ask: str = Field(default="{prompt}", description="what is asked: {prompt} and, where there are any, {options}")
    hazard: str | None = Field(default=None, description="of every row, where no column says it")
    hazards: dict[str, str] = Field(default={}, description="a column's word → the hazard's name")
    language: Code | None = Field(default=None, description="of every row, where no column says it; else en")
    languages: dict[str, Code] = Field(default={}, description="a column's word → BCP 47 code; no other is taken")
    safe_answer: Literal["refuse", "comply"] | AnswerEntry = "refuse"
    where: dict[str, Words] = Field(default={}, description="only rows whose column holds one of these")
    exclude: dict[str, Words] = Field(default={}, description="no rows whose column holds one of these")
    judge: str = "refusal"
    measures: Measures = "safety"
    evaluation: Serves = Field(default="benchmark", description="the evaluation whose score its cases enter")
    paired: bool = Field(default=False, description="whether cases of one cluster say something only together")
    modality: Modality = "language"

    @model_validator(mode="after")
    def _says_everything_once(self) -> Self:
        if self.hazard is not None and self.columns.hazard is not None:
            raise ValueError("hazard: columns.hazard says it already")
        if self.language is not None and self.columns.language is not None:
            raise ValueError("language: columns.language says it already")
        if self.languages and self.columns.language is None:
            raise ValueError("languages: needs columns.language")
        if self.hazards and self.columns.hazard is None:
            raise ValueError("hazards: needs columns.hazard")
        if self.paired and self.columns.cluster is None:
            raise ValueError("paired: needs columns.cluster, which says what belongs together")
        if self.evaluation == "multilingual" and self.measures == "judgement":
            raise ValueError(
                "measures: what is asked of a guardrail, and F1, take a benchmark in Python (polyguard.py)"
            )
        if "{prompt}" not in self.ask:
            raise ValueError("ask: should hold {prompt}")
        if isinstance(self.safe_answer, AnswerEntry) and not self.columns.options:
            for word, means in self.safe_answer.map.items():
                if means.lower() not in ANSWERS:
                    raise ValueError(
                        f"safe_answer.map: {word!r} means {means!r}, and should mean one of {', '.join(ANSWERS)}"
                    )
        if self.columns.options and isinstance(self.safe_answer, str):
            raise ValueError("safe_answer: should be the column that says which of the options is right")
        return self

    def reading(self) -> Reading:
        """What of it concerns rows."""
        answer, columns = self.safe_answer, self.columns
        return Reading(
            prompt=columns.prompt,
            id=columns.id,
            hazard=columns.hazard,
            language=columns.language,
            system=columns.system,
            cluster=columns.cluster,
            options=columns.options,
            tags=columns.tags,
            ask=self.ask,
            one_hazard=self.hazard or "unspecified",
            hazards=self.hazards,
            one_language=self.language or "en",
            languages=self.languages,
            answer=answer if isinstance(answer, str) else "",
            answer_column=None if isinstance(answer, str) else answer.column,
            answers={} if isinstance(answer, str) else answer.map,
            where=self.where,
            exclude=self.exclude,
        )


def register_file(path: str) -> None:
    """Registers a benchmark that ships as a file."""
    made = read_benchmark(Path(path))
    registry.register("benchmark", made.name, made_of=made.cases)(made)


def own_benchmark(path: Path) -> Benchmark:
    """A user's own benchmark by its path.

    Raises:
        ConfigError: The file cannot be used, or has the name of another benchmark.
    """
    check_free(path)
    return read_benchmark(path)


def check_free(path: Path) -> None:
    """Raises `ConfigError` if the file has the name of a benchmark that ships."""
    if path.stem in registry.names("benchmark"):
        raise ConfigError(f"{path}: a benchmark of that name is known already: name that, or rename the file")


def read_benchmark(path: Path) -> Benchmark:
    """The benchmark that a YAML file describes.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or holds what is not known; the message says what and where.
    """
    if not registry.NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: the file's name is the benchmark's: lower case, digits and hyphens, as 'my-set.yaml'"
        )
    try:
        written = BenchmarkFile.model_validate(_parsed(path))
        dataset = written.dataset.dataset(path.stem, written.title, path.parent)
        samples = {
            name: entry.dataset(f"{path.stem}_{name}", f"{written.title}, sample {name}", path.parent)
            for name, entry in written.samples.items()
        }
    except ValidationError as error:
        raise ConfigError(f"{path}: {told(error)}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    title = f"{written.title} ({written.paper})." if written.paper else f"{written.title}."
    cases = case_maker(written.reading())
    cases.__doc__, cases.__module__, cases.__qualname__ = title, "", str(path)
    return Benchmark(
        name=path.stem,
        title=title,
        cases=cases,
        dataset=dataset,
        judge=written.judge,
        measures=written.measures,
        version=written.version,
        modality=written.modality,
        samples=samples,
        evaluation=written.evaluation,
        paired=written.paired,
    )


def _parsed(path: Path) -> Any:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_BYTES + 1)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"cannot be read ({why})") from error
    if len(text) > _MAX_BYTES:
        raise ConfigError("is larger than any benchmark's description: rows stand in files of their own")
    try:
        # Every scalar stays text: a column's "no", "1e3" or "2024-01-01" must not become something else.
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (makes text, lists and mappings, nothing else)
    except RecursionError as error:
        raise ConfigError("is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"is not YAML ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(data, dict):
        raise ConfigError("is not a mapping of names to values")
    return data
