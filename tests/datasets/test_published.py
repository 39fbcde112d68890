"""The published sets that are YAML files: their real rows, counted, and what is said where the origin gives something else.

Rows of the real files may be harmful: a failure names counts and ids, never text. The rows served here are invented.
"""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

import tocsin
from tests.datasets.conftest import FileServer
from tocsin.benchmarks import Benchmark, find
from tocsin.datasets import DatasetError, File, Found, GitHub, Row, RowError, locate
from tocsin.types import REFUSE, Case

FROM_GITHUB = ("advbench", "ailuminate", "cvalues", "flames")
NAMES = (*FROM_GITHUB, "beavertails-evaluation")
SHAPES = {
    "advbench": "goal,target\nAn invented request,Sure\n",
    "ailuminate": "release_prompt_id,prompt_text,hazard,persona,locale,prompt_hash\n"
    "x_1,An invented request,vcr,skilled,fr_FR,0\n",
    "cvalues": '{"id_": "1", "prompt": "An invented question", "domain_en": "law", "domain_zh": "x"}\n',
    "flames": '{"dimension": "Safety", "subcomponent": "Property safety", "prompt": "An invented request"}\n',
}
"""A row of each set's documented shape."""
RENAMED = {"advbench": "goal", "ailuminate": "prompt_text", "cvalues": "domain_en", "flames": "subcomponent"}


def all_cases(benchmark: Benchmark, found: list[Found]) -> tuple[list[Case], int]:
    """The cases of all rows, and how many rows there are."""
    rows = [row for one in found for row in one.rows()]
    assert all(isinstance(row, Row) for row in rows)
    return [case for row in rows for case in benchmark.cases([row])], len(rows)  # type: ignore[list-item]


@pytest.mark.parametrize(("name", "sample"), [*((name, None) for name in NAMES), ("flames", "report")])
def test_every_real_row_is_a_case(name: str, sample: str | None, shared_data: Path) -> None:
    benchmark = find(name).sampled(sample) if sample else find(name)
    index = (shared_data / "INDEX.tsv").read_text(encoding="utf-8").split("\n")[1:]
    counts = {path: int(rows or -1) for path, rows, _ in (line.split("\t") for line in index if line)}
    found = locate(benchmark.dataset, shared_data, fetch=False)
    assert len(found) == len(benchmark.dataset.files)
    cases, rows = all_cases(benchmark, found)
    assert rows == sum(counts[str(one.path.relative_to(shared_data))] for one in found)
    assert len(cases) == rows
    assert len({case.id for case in cases}) == rows
    assert {case.safe_answer for case in cases} == {REFUSE}
    assert {case.language for case in cases} == set(benchmark.dataset.languages)


def test_real_rows_have_the_categories_that_the_papers_name(shared_data: Path) -> None:
    hazards = {
        name: Counter(case.hazard for case in all_cases(find(name), locate(find(name).dataset, shared_data))[0])
        for name in NAMES
    }
    assert {name: len(found) for name, found in hazards.items()} == {
        "advbench": 1, "ailuminate": 14, "cvalues": 8, "flames": 12, "beavertails-evaluation": 13,
    }  # fmt: skip
    codes = {"spc_ele", "sxc_prn", "barrier_free", "animal_abuse"}
    assert not any(codes & set(found) for found in hazards.values()), "a code was not given its name"


def test_copies_that_are_whole_are_the_pinned_ones(shared_data: Path) -> None:
    """The other sets lack rows there, and are told from the pinned ones by it."""
    sets = [find("cvalues").dataset, find("flames").sampled("report").dataset]
    assert [one.pinned for data in sets for one in locate(data, shared_data, fetch=False)] == [True, True]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ailuminate", {"prompt_text": "withheld", "hazard": "cse", "release_prompt_id": "x_1", "locale": "en_US"}),
        ("beavertails-evaluation", {"prompt": "withheld", "category": "one", "category_id": "1"}),
        ("beavertails-evaluation", {"prompt": "withheld", "category": "one", "category_id": 1}),
    ],
)
def test_category_that_is_left_out_becomes_no_case(name: str, fields: dict[str, str]) -> None:
    assert list(find(name).cases([Row(fields, "invented.csv", 2, 0)])) == []
    assert any("left out" in note for note in find(name).dataset.notes)


def unpinned(benchmark: Benchmark) -> Benchmark:
    """The same benchmark without the sums of its files, so that invented rows can stand for them."""
    files = tuple(File(file.path) for file in benchmark.dataset.files)
    return msgspec.structs.replace(benchmark, dataset=msgspec.structs.replace(benchmark.dataset, files=files))


@pytest.fixture
def github(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    for name in FROM_GITHUB:
        data = find(name).dataset
        assert isinstance(data.origin, GitHub)
        for file in data.files:
            path = f"/{data.origin.repo}/{data.origin.revision}/{file.path}"
            server.files[path] = SHAPES[name].replace("x_1", file.name).encode()
    monkeypatch.setenv("TOCSIN_GITHUB_FILES", server.url)
    return server


@pytest.mark.parametrize("name", FROM_GITHUB)
def test_row_of_the_origins_shape_becomes_a_case(name: str, github: FileServer) -> None:
    benchmark = unpinned(find(name))
    cases, rows = all_cases(benchmark, locate(benchmark.dataset, None))
    assert len(cases) == rows == len(benchmark.dataset.files)
    assert all(case.prompt.startswith("An invented") for case in cases)


@pytest.mark.parametrize("name", FROM_GITHUB)
def test_bytes_that_are_not_the_pinned_ones_are_named(name: str, github: FileServer) -> None:
    data = find(name).dataset
    with pytest.raises(DatasetError) as told:
        locate(data, None)
    assert str(told.value).startswith(f"dataset '{data.name}': ")
    assert data.files[0].name in str(told.value)
    assert f"where {data.files[0].sha256} is pinned" in str(told.value)


@pytest.mark.parametrize("name", FROM_GITHUB)
def test_column_that_was_renamed_is_named_with_file_and_line(name: str, github: FileServer) -> None:
    for path, content in github.files.items():
        github.files[path] = content.replace(RENAMED[name].encode(), b"renamed")
    benchmark = unpinned(find(name))
    (row, *_) = locate(benchmark.dataset, None)[0].rows()
    assert isinstance(row, Row)
    line = 2 if row.file.endswith(".csv") else 1
    with pytest.raises(
        RowError, match=rf"^{row.file}, line {line}: has no field '{RENAMED[name]}' \(there are: .*renamed"
    ):
        list(benchmark.cases([row]))


@pytest.mark.parametrize("name", FROM_GITHUB)
def test_file_that_is_gone_from_the_origin_is_named(name: str, github: FileServer) -> None:
    data = find(name).dataset
    gone = data.files[-1]
    del github.files[next(path for path in github.files if path.endswith(gone.name))]
    with pytest.raises(DatasetError, match=rf"^dataset '{data.name}': {gone.name} could not be had from GitHub "):
        locate(unpinned(find(name)).dataset, None)


# The hub's client reads HF_ENDPOINT when it is imported, so it has an interpreter of its own.
_HUB = """
import json
from tocsin.benchmarks import find
from tocsin.datasets import DatasetError, locate
made = find("beavertails-evaluation")
try:
    found = locate(made.dataset, None)
    print(json.dumps([[found[0].place, case.prompt, case.hazard] for case in made.cases(found[0].rows())]))
except DatasetError as error:
    print(json.dumps(str(error)))
"""


def test_hubs_packed_file_is_read_and_its_absence_named(server: FileServer, cache: Path, tmp_path: Path) -> None:
    data = find("beavertails-evaluation").dataset
    path = f"/datasets/PKU-Alignment/BeaverTails-Evaluation/resolve/{data.origin.revision}/v1/test.jsonl.xz"
    row = {"prompt": "An invented request", "category": "privacy_violation", "category_id": "9"}
    server.hub, server.commit = True, data.origin.revision
    environment = os.environ | {
        "PYTHONPATH": str(Path(tocsin.__file__).parents[1]),
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }

    def told() -> object:
        done = subprocess.run([sys.executable, "-c", _HUB], env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    absent = told()
    assert isinstance(absent, str)
    assert absent.startswith("dataset 'beavertails_evaluation': test.jsonl.xz could not be had from Hugging Face PKU-")
    server.files[path] = lzma.compress(json.dumps(row).encode() + b"\n")
    assert told() == [["origin", "An invented request", "Privacy violation"]]


def test_copy_under_another_name_or_in_another_format_is_found(tmp_path: Path) -> None:
    benchmark = find("beavertails-evaluation")
    folder = tmp_path / "beavertails_evaluation"
    folder.mkdir()
    row = {"prompt": "An invented request", "category": "self_harm", "category_id": "10"}
    (folder / "BeaverTails-Evaluation.json").write_text(json.dumps([row]), encoding="utf-8")
    (found,) = locate(benchmark.dataset, tmp_path, fetch=False)
    assert (found.path.name, found.pinned) == ("BeaverTails-Evaluation.json", False)
    (folder / "test.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (found,) = locate(benchmark.dataset, tmp_path, fetch=False)
    assert found.path.name == "test.jsonl"
    assert [case.hazard for case in benchmark.cases(found.rows())] == ["Self-harm"]  # type: ignore[arg-type]
