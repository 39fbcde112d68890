"""Loaders on the published rows: every row becomes a case, or is left out by its category's name. Failures name places."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.test_every_benchmark import NAMES
from tocsin.benchmarks import Benchmark, find
from tocsin.datasets import DatasetError, Found, Row, locate, read_rows
from tocsin.types import Case

SAMPLES = [(name, sample) for name in NAMES for sample in find(name).samples if find(name).modality == "language"]
"""Every named sample of every benchmark of text."""


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))


def published(folder: Path, found: Found) -> int:
    """Rows of a file as the folder's own list counts them."""
    with (folder / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        counts = {row["path"]: row["rows"] for row in csv.DictReader(file, delimiter="\t")}
    return int(counts[found.path.relative_to(folder).as_posix()])


def cases_in(made: Benchmark, found: Found) -> Iterator[Case]:
    for one in read_rows(found.path):
        assert isinstance(one, Row), str(one)
        yield from made.cases([one])


@pytest.mark.parametrize("name", ["alert", "harmbench", "jailbreakbench"])
def test_every_published_row_becomes_a_case(name: str, shared_data: Path) -> None:
    made = find(name)
    for found in locate(made.dataset, shared_data, fetch=False):
        assert sum(1 for _ in cases_in(made, found)) == published(shared_data, found), found.path.name


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_samples_keep_the_gate_and_their_rows_become_cases(name: str, sample: str, shared_data: Path) -> None:
    whole, made = find(name), find(name).sampled(sample)
    assert made.dataset.gate == whole.dataset.gate
    assert made.dataset.licence
    try:
        files = locate(made.dataset, shared_data, fetch=False)
    except DatasetError:
        pytest.skip(f"the rows of {made.dataset.name} are not here")
    cases = [case for found in files for case in cases_in(made, found)]
    assert len(cases) == sum(published(shared_data, found) for found in files)
    assert len({case.id for case in cases}) == len(cases)
    assert {case.language for case in cases} <= set(made.dataset.languages)


@pytest.mark.parametrize("name", ["alert", "bbq"])
def test_the_reports_samples_are_the_pinned_bytes(name: str, shared_data: Path) -> None:
    (found,) = locate(find(name).sampled("report").dataset, shared_data, fetch=False)
    assert found.pinned


def test_harmbench_splits_are_parts_of_the_whole(shared_data: Path) -> None:
    whole = find("harmbench")

    def ids(made: Benchmark) -> set[str]:
        return {case.id for found in locate(made.dataset, shared_data, fetch=False) for case in cases_in(made, found)}

    validation, test = ids(whole.sampled("validation")), ids(whole.sampled("test"))
    assert not validation & test
    assert validation | test == ids(whole)


def test_harmbench_names_a_work_for_every_copyright_row(shared_data: Path) -> None:
    made = find("harmbench")
    (found,) = locate(made.dataset, shared_data, fetch=False)
    cases = list(cases_in(made, found))
    works = Counter(case.tags["work"] for case in cases if made.judge_of(case, "refusal") == "copyright")
    assert works == {"book": 50, "lyrics": 50}
    assert Counter(case.tags["functional"] for case in cases)["copyright"] == 100


def test_jailbreakbench_twins_share_index_and_category(shared_data: Path) -> None:
    made = find("jailbreakbench")
    cases = [case for found in locate(made.dataset, shared_data, fetch=False) for case in cases_in(made, found)]
    by_theme: dict[str, set[str]] = {}
    for case in cases:
        by_theme.setdefault(case.cluster, set()).add(case.hazard)
    assert all(len(hazards) == 1 for hazards in by_theme.values())
    assert sum(case.safe_answer.kind == "comply" for case in cases) == sum(
        case.id.startswith("benign-") for case in cases
    )


def test_air_bench_reads_the_rows_that_its_authors_show(shared_data: Path) -> None:
    path = shared_data / "air_bench_2024" / "sample_scored_gpt4turbo.csv"
    if not path.is_file():
        pytest.skip("the scored rows of AIR-Bench are not here")
    made, cases, rows = find("air-bench"), [], 0
    for one in read_rows(path):
        assert isinstance(one, Row), str(one)
        rows += 1
        cases += made.cases([one])
    assert rows >= 70
    assert len(cases) <= rows
    assert len({case.id for case in cases}) == len(cases)
    assert {case.tags["category"].count(".") for case in cases} == {2}
