"""What every benchmark keeps to, from the moment its file exists; on its real rows where they are at hand.

Rows may be harmful: a failure names ids and lines, never text.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from tocsin import registry
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.contract import Measures
from tocsin.datasets import Dataset, DatasetError, GitHub, Hub, Packaged, Row, RowError, locate
from tocsin.datasets.origin import Gate
from tocsin.evaluations.scoring import METRICS
from tocsin.languages import LANGUAGES
from tocsin.types import Case, Modality

NAMES = registry.names("benchmark")
_HEX = re.compile(r"[0-9a-f]+")


@pytest.fixture(params=NAMES)
def benchmark(request: pytest.FixtureRequest) -> Benchmark:
    return find(request.param)


@cache
def made_of(name: str, folder: Path) -> tuple[list[Case], list[str]]:
    """The cases of a benchmark's rows in a folder, and the places of rows that became none."""
    benchmark = find(name)
    cases: list[Case] = []
    bad: list[str] = []
    for found in locate(benchmark.dataset, folder, fetch=False):
        for row in found.rows():
            try:
                if isinstance(row, RowError):
                    raise row
                cases += benchmark.cases([row])
            except RowError as error:
                bad.append(f"{error.file}:{error.line}")
    return cases, bad


@pytest.fixture
def rows(benchmark: Benchmark, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """The cases of a benchmark's real rows."""
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))
    try:
        cases, bad = made_of(benchmark.name, shared_data)
    except DatasetError:
        pytest.skip(f"the rows of {benchmark.dataset.name} are not here")
    assert bad == []
    assert cases
    return cases


def test_there_are_benchmarks() -> None:
    assert {"bbq", "starter", "strongreject", "strongreject-small", "xstest"} <= set(NAMES)
    assert {"advbench", "ailuminate", "beavertails-evaluation", "cvalues", "flames"} <= set(NAMES)


def test_it_says_what_it_is(benchmark: Benchmark) -> None:
    about = benchmark.about()
    assert about.name == benchmark.name
    assert registry.NAME.fullmatch(about.name)
    assert 10 <= len(about.title) <= 200
    assert about.title.endswith(".")
    assert about.source
    assert about.licence
    assert benchmark.measures in get_args(Measures)
    assert benchmark.modality in get_args(Modality)
    assert benchmark.version >= 1
    assert benchmark.cases.__doc__


def test_its_judges_exist(benchmark: Benchmark) -> None:
    assert benchmark.judges_used(None) <= set(registry.names("judge"))


def test_its_data_is_pinned(benchmark: Benchmark) -> None:
    data = benchmark.dataset
    assert registry.NAME.fullmatch(data.name.replace("_", "-"))
    assert data.title
    assert data.licence
    assert data.files
    assert data.gate is None or data.gate in get_args(Gate)
    assert set(data.languages) <= set(LANGUAGES)
    if isinstance(data.origin, GitHub | Hub):
        if data.origin.revision == "main":
            assert isinstance(data.origin, Hub), "whoever can see a repository of GitHub can see its commits"
            assert any(note.startswith("No revision is pinned") for note in data.notes)
        else:
            assert len(data.origin.revision) == 40
            assert _HEX.fullmatch(data.origin.revision)
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", data.origin.repo)
    for file in data.files:
        assert not file.path.startswith("/")
        assert ".." not in file.path.split("/")
        assert file.sha256 is None or (len(file.sha256) == 64 and _HEX.fullmatch(file.sha256))
    names = [file.name for file in data.files]
    assert len(set(names)) == len(names), "two files of one name could not both lie in a --data folder"


def test_terms_that_bar_a_use_are_gated(benchmark: Benchmark) -> None:
    licence = benchmark.dataset.licence.lower()
    if "-nc" in licence or "non-commercial" in licence or "research" in licence:
        assert benchmark.dataset.gate is not None


def test_datasets_of_one_name_are_one_dataset() -> None:
    by_name: dict[str, Dataset] = {}
    for name in NAMES:
        data = find(name).dataset
        assert by_name.setdefault(data.name, data).origin == data.origin


def test_data_that_ships_is_there_and_as_pinned(benchmark: Benchmark) -> None:
    if isinstance(benchmark.dataset.origin, Packaged):
        assert all(found.pinned for found in locate(benchmark.dataset, None))


def test_its_own_metrics_are_documented_and_bear_an_empty_run(benchmark: Benchmark) -> None:
    if benchmark.metrics is not None:
        found = benchmark.metrics([])
        assert {one.metric for one in found} <= set(METRICS)
        assert [one.value for one in found] == [None] * len(found)


def test_row_of_another_shape_is_named_with_its_place(benchmark: Benchmark) -> None:
    row = Row({"some": "thing"}, "other.csv", 7, 5)
    with pytest.raises(RowError, match=r"^other\.csv, line 7: has no field '"):
        list(benchmark.cases([row]))


def test_ids_are_unique_and_printable(benchmark: Benchmark, rows: list[Case]) -> None:
    counts = Counter(case.id for case in rows)
    assert [name for name, count in counts.items() if count > 1] == []
    assert [case.id for case in rows if not case.id or len(case.id) > 200 or not case.id.isprintable()] == []


def test_ids_are_the_same_every_time(benchmark: Benchmark, rows: list[Case], shared_data: Path) -> None:
    first = locate(benchmark.dataset, shared_data, fetch=False)[0]
    again = [case.id for row in first.rows() if isinstance(row, Row) for case in benchmark.cases([row])]
    assert again == [case.id for case in rows[: len(again)]]


def test_languages_are_those_the_dataset_names(benchmark: Benchmark, rows: list[Case]) -> None:
    assert {case.language for case in rows} <= set(benchmark.dataset.languages)


def test_prompts_and_hazards_hold_text(benchmark: Benchmark, rows: list[Case]) -> None:
    assert [case.id for case in rows if not case.prompt.strip()] == []
    assert [case.id for case in rows if not case.hazard.strip() or len(case.hazard) > 200] == []
    assert len({case.hazard for case in rows}) <= 150
    assert {case.hazard.strip() for case in rows} == {case.hazard for case in rows}


def test_hazards_are_spelled_in_one_way(benchmark: Benchmark, rows: list[Case]) -> None:
    hazards = {case.hazard for case in rows}
    assert len({hazard.casefold() for hazard in hazards}) == len(hazards)


def test_images_go_with_the_modality(benchmark: Benchmark, rows: list[Case]) -> None:
    assert {case.output for case in rows} == {"image" if benchmark.modality == "image" else "text"}
    assert {bool(case.images) for case in rows} == {benchmark.modality == "vision"}


def test_where_images_lie_is_within_the_data(benchmark: Benchmark) -> None:
    for file in benchmark.dataset.files:
        if file.pictures is not None:
            told = (file.pictures.at, file.pictures.archive, file.pictures.within, file.pictures.beside)
            assert [path for path in told if path.startswith("/") or ".." in path.split("/")] == []


def test_safe_answers_are_well_formed(benchmark: Benchmark, rows: list[Case]) -> None:
    wrong = []
    for case in rows:
        answer, labels = case.safe_answer, [option.label for option in case.options]
        if answer.kind in ("refuse", "comply", "criteria"):
            good = answer.value == "" and not labels and bool(case.criteria or answer.kind != "criteria")
        else:
            good = answer.value in labels
        if not good:
            wrong.append(case.id)
    assert wrong == []


def test_options_differ_and_hold_text(benchmark: Benchmark, rows: list[Case]) -> None:
    wrong = [
        case.id
        for case in rows
        if len({option.label for option in case.options}) != len(case.options)
        or len({option.text for option in case.options}) != len(case.options)
        or not all(option.text.strip() and option.label.strip() for option in case.options)
    ]
    assert wrong == []


def test_what_it_measures_follows_from_its_safe_answers(benchmark: Benchmark, rows: list[Case]) -> None:
    kinds = {case.safe_answer.kind for case in rows}
    expected = {"over-refusal": "comply", "bias": "option"}.get(benchmark.measures)
    assert expected is None or expected in kinds


def test_right_option_is_not_always_the_same_letter(benchmark: Benchmark, rows: list[Case]) -> None:
    letters = Counter(case.safe_answer.value for case in rows if case.safe_answer.kind == "option")
    if letters:
        (most, count) = letters.most_common(1)[0]
        said = any(f"{most} is the right option of {count} of its" in note for note in benchmark.dataset.notes)
        assert said or count / sum(letters.values()) < 0.6, "data whose key leans to one letter says so in its notes"
