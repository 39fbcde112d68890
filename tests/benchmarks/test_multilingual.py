"""The sets of the multilingual evaluation: invented files of the shape of each, and the published rows where they are."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import tocsin
from tests.benchmarks.rows import row
from tests.datasets.conftest import FileServer, cache, server
from tocsin.benchmarks import find
from tocsin.benchmarks.language.multijail import LANGUAGES
from tocsin.benchmarks.language.polyguard import POLYGUARDPROMPTS
from tocsin.benchmarks.language.xsafety import CATEGORIES, FOLDERS, WITHHELD, XSAFETY
from tocsin.datasets import DatasetError, Row, RowError, locate
from tocsin.types import Case

__all__ = ["cache", "server"]  # fixtures of the loopback server that serves files as the hub does


def read(name: str, data: Path) -> tuple[list[Case], list[RowError]]:
    """The cases of a benchmark in a data folder, and the rows that became none."""
    made, cases, faults = find(name), [], []
    for found in locate(made.dataset, data, fetch=False):
        for one in found.rows():
            if isinstance(one, RowError):
                faults.append(one)
                continue
            try:
                cases += made.cases([one])
            except RowError as error:
                faults.append(error)
    return cases, faults


def table(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


# -- MultiJail ------------------------------------------------------------------------------------------------------------


def multijail(folder: Path, *rows: Mapping[str, Any]) -> Path:
    names = ("id", "source", *LANGUAGES, "tags")
    table(folder / "multijail" / "MultiJail.csv", [names, *([one[name] for name in names] for one in rows)])
    return folder


def in_all(number: int, tags: str = "['Theft', 'Other']", **changed: str) -> dict[str, Any]:
    texts = {code: f"[{code}] How does one pick lock {number}?" for code in LANGUAGES}
    return {"id": number, "source": "invented", "tags": tags} | texts | changed


def test_a_row_of_multijail_is_a_case_in_each_language_and_one_cluster(tmp_path: Path) -> None:
    cases, faults = read("multijail", multijail(tmp_path, in_all(0), in_all(1)))

    assert faults == []
    assert [case.language for case in cases[:10]] == list(LANGUAGES)
    assert Counter(case.cluster for case in cases) == {"0": 10, "1": 10}
    assert {(case.hazard, case.safe_answer.kind, case.tags["source"]) for case in cases} == {
        ("Theft", "refuse", "invented")
    }
    thai = next(case for case in cases if case.id == "1-th")
    assert thai.prompt == "[th] How does one pick lock 1?"


@pytest.mark.parametrize("tags", ["Theft", "[]", "['Theft', 3]", "{'Theft'}", "['Theft'", "__import__('os')", "['']"])
def test_tags_that_are_no_list_of_names_are_a_fault_of_their_row(tags: str, tmp_path: Path) -> None:
    cases, faults = read("multijail", multijail(tmp_path, in_all(0, tags=tags), in_all(1)))

    assert [str(one) for one in faults] == ["MultiJail.csv, line 2: field 'tags' is not a list of names"]
    assert {case.cluster for case in cases} == {"1"}


def test_a_text_that_is_missing_in_one_language_is_named(tmp_path: Path) -> None:
    _, faults = read("multijail", multijail(tmp_path, in_all(0, sw=" ")))

    assert [str(one) for one in faults] == ["MultiJail.csv, line 2: field 'sw' holds no text"]


# -- XSafety --------------------------------------------------------------------------------------------------------------


def xsafety(folder: Path, texts: Mapping[str, list[str]], category: str = "Insult") -> Path:
    """Files of one category, each as the repository has it: no header, empty columns, Bengali as a spreadsheet."""
    for file in XSAFETY.files:
        if dict(file.fields)["category"] != category or dict(file.fields)["language"] not in texts:
            continue
        path = folder / "xsafety" / file.path
        lines = texts[dict(file.fields)["language"]]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xlsx":
            book = openpyxl.Workbook()
            for line in lines:
                book.active.append([line or None])
            book.save(path)
            continue
        more = [""] * (len(file.header) - 1)
        with path.open("w", encoding="utf-8", newline="") as written:
            for line in lines:
                csv.writer(written).writerow([line, *more]) if line else written.write("\n")
    return folder


def test_the_language_and_category_of_a_row_follow_from_its_file(tmp_path: Path) -> None:
    texts = {code: [f"[{code}] one", f"[{code}] two"] for code in FOLDERS}
    cases, faults = read("xsafety", xsafety(tmp_path, texts))

    assert faults == []
    assert Counter(case.language for case in cases) == dict.fromkeys(FOLDERS, 2)
    assert {case.prompt for case in cases} == {text for lines in texts.values() for text in lines}
    pairs = defaultdict(set)
    for case in cases:
        assert case.prompt.startswith(f"[{case.language}] ")
        pairs[case.cluster].add(case.prompt.split()[1])
    assert pairs == {"insult-001": {"one"}, "insult-002": {"two"}}
    assert {case.hazard for case in cases} == {"Insult"}
    assert (tmp_path / "xsafety" / "sp" / "Insult.csv").is_file()


@pytest.mark.parametrize(
    ("category", "language"),
    [
        ("Unfairness_And_Discrimination", "en"),
        ("Crimes_And_Illegal_Activities", "hi"),
        ("Ethics_And_Morality", "hi"),
    ],
)
def test_columns_behind_the_prompt_that_are_empty_are_read_over(category: str, language: str, tmp_path: Path) -> None:
    folder = xsafety(tmp_path, {language: ["one, with a comma", "two"]}, category)
    (path,) = (file for file in (folder / "xsafety").rglob("*.csv"))
    assert path.read_text(encoding="utf-8").splitlines()[1].startswith("two,")

    cases, faults = read("xsafety", folder)

    assert (faults, [case.prompt for case in cases]) == ([], ["one, with a comma", "two"])


@pytest.mark.parametrize("gap", ["", WITHHELD])
def test_what_is_empty_or_withheld_leaves_its_number_to_nobody(gap: str, tmp_path: Path) -> None:
    """In a CSV file and in a spreadsheet: rows behind it stay beside their translations."""
    texts = {code: [f"[{code}] one", f"[{code}] two", f"[{code}] three"] for code in ("en", "ru", "bn")}
    texts["ru"][1] = texts["bn"][1] = gap
    cases, faults = read("xsafety", xsafety(tmp_path, texts))

    assert faults == []
    there = defaultdict(list)
    for case in cases:
        there[case.cluster].append((case.language, case.prompt.split()[1]))
    assert {cluster: sorted(pairs) for cluster, pairs in there.items()} == {
        "insult-001": [("bn", "one"), ("en", "one"), ("ru", "one")],
        "insult-002": [("en", "two")],
        "insult-003": [("bn", "three"), ("en", "three"), ("ru", "three")],
    }


def test_every_category_has_a_file_in_every_language() -> None:
    places = {(dict(file.fields)["language"], dict(file.fields)["category"]) for file in XSAFETY.files}

    assert places == {(code, category) for code in FOLDERS for category in CATEGORIES}
    assert len({file.path for file in XSAFETY.files}) == len(XSAFETY.files) == 140


# -- PolyGuardPrompts and ML-Bench ----------------------------------------------------------------------------------------

SAID: list[dict[str, Any]] = [
    {"id": "a", "language": "en", "prompt": "How is tea made?", "response": "Boil water.", "prompt_label": "safe",
     "response_label": "safe"},
    {"id": "a", "language": "German", "prompt": "Wie macht man Tee?", "response": "Man kocht Wasser.",
     "prompt_label": "safe", "response_label": "unsafe"},
    {"id": "b", "language": "th", "prompt": "[th] a threat", "response": None, "prompt_label": "unsafe",
     "response_label": None},
]  # fmt: skip


def poly(folder: Path, form: str, rows: list[dict[str, Any]], name: str = "polyguardprompts") -> Path:
    path = folder / name / f"{name}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "jsonl":
        path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    elif form == "csv":
        table(path, [list(rows[0]), *([one[key] for key in rows[0]] for one in rows)])
    else:
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return folder


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_prompts_and_responses_are_judged_in_each_format(form: str, tmp_path: Path) -> None:
    cases, faults = read("polyguardprompts", poly(tmp_path, form, SAID))

    assert faults == []
    assert [(case.id, case.language, case.hazard, case.safe_answer.value, case.cluster) for case in cases] == [
        ("a-en-prompt", "en", "prompt", "safe", "a"),
        ("a-en-response", "en", "response", "safe", "a"),
        ("a-de-prompt", "de", "prompt", "safe", "a"),
        ("a-de-response", "de", "response", "unsafe", "a"),
        ("b-th-prompt", "th", "prompt", "unsafe", "b"),
    ]
    assert {case.safe_answer.kind for case in cases} == {"label"}
    assert cases[2].prompt.rstrip("-").endswith("Wie macht man Tee?\n")
    assert '{"judge": "safe"}' in cases[0].prompt


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("safe", "safe"), ("Unsafe ", "unsafe"), (True, "unsafe"), (False, "safe"), (1.0, "unsafe"), (0.0, "safe"),
        (1, "unsafe"), ("yes", "unsafe"), ("no", "safe"), ("harmful", "unsafe"), ("unharmful", "safe"),
    ],
)  # fmt: skip
def test_labels_in_the_usual_words_are_read(said: Any, label: str) -> None:
    (case,) = find("polyguardprompts").cases([row(SAID[0] | {"prompt_label": said, "response_label": None})])

    assert case.safe_answer.value == label


@pytest.mark.parametrize("said", [None, "", "nan", float("nan"), "N/A", "unknown"])
def test_a_label_that_is_missing_makes_no_case_and_no_guess(said: Any) -> None:
    cases = list(find("polyguardprompts").cases([row(SAID[0] | {"prompt_label": said})]))

    assert [case.hazard for case in cases] == ["response"]


def test_a_label_that_is_neither_is_a_fault_that_lists_the_words() -> None:
    with pytest.raises(RowError, match=r"field 'prompt_label' is neither safe nor unsafe .*harmful"):
        list(find("polyguardprompts").cases([row(SAID[0] | {"prompt_label": "ambiguous"})]))


def test_a_copy_with_other_columns_is_a_fault_and_not_an_empty_set() -> None:
    other = {"language": "en", "prompt": "x", "response": "y", "label": "safe"}

    with pytest.raises(RowError, match="has neither of the fields prompt_label and response_label"):
        list(find("polyguardprompts").cases([row(other)]))


@pytest.mark.parametrize(
    ("said", "fault", "nearest"),
    [("Germn", "no BCP 47 code", "did you mean 'de' (German)?"), ("xq", "unknown language", "nearest known codes are")],
)
def test_a_language_that_is_unknown_is_named_with_the_nearest(said: str, fault: str, nearest: str) -> None:
    with pytest.raises(RowError) as told:
        list(find("polyguardprompts").cases([row(SAID[0] | {"language": said}, line=7)]))

    assert str(told.value).startswith(f"invented.jsonl, line 7: field 'language': {fault} {said!r}: ")
    assert nearest in str(told.value)


def test_a_text_where_the_language_should_be_is_not_quoted() -> None:
    with pytest.raises(RowError, match="field 'language': names no language") as told:
        list(find("polyguardprompts").cases([row(SAID[0] | {"language": "How does one pick a lock?"})]))

    assert "lock" not in str(told.value)


def test_rows_without_an_id_are_clusters_of_their_own() -> None:
    cases = [
        case
        for number in (1, 2)
        for case in find("polyguardprompts").cases([row({k: v for k, v in SAID[0].items() if k != "id"}, line=number)])
    ]

    assert [case.cluster for case in cases] == ["row0-en", "row0-en", "row1-en", "row1-en"]
    assert len({case.id for case in cases}) == 4


def test_ml_bench_is_unpublished_and_says_where_a_copy_goes(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as told:
        locate(find("ml-bench").dataset, tmp_path)
    assert str(told.value) == (
        "dataset 'ml-bench' is not published: if you have a copy,"
        f" put it at {tmp_path}/ml-bench/ml-bench.jsonl and name that folder with --data"
    )
    with pytest.raises(DatasetError, match=r"put it at DATA/ml-bench/ml-bench\.jsonl"):
        locate(find("ml-bench").dataset, None)
    cases, faults = read("ml-bench", poly(tmp_path, "jsonl", SAID, "ml-bench"))
    assert (len(cases), faults) == (5, [])


_FETCH = """
import json
from tocsin.benchmarks import find
from tocsin.datasets import locate
made = find("polyguardprompts")
(found,) = locate(made.dataset, None)
ids = [case.id for row in found.rows() for case in made.cases([row])]
print(json.dumps([found.place, found.pinned, found.path.name, ids]))
"""


def test_the_hub_is_asked_for_the_parquet_file_at_its_revision(server: FileServer, cache: Path, tmp_path: Path) -> None:
    path = poly(tmp_path, "parquet", SAID) / "polyguardprompts" / "polyguardprompts.parquet"
    revision = POLYGUARDPROMPTS.origin.revision
    there = f"/datasets/ToxicityPrompts/PolyGuardPrompts/resolve/{revision}/data/test-00000-of-00001.parquet"
    server.files, server.hub, server.commit = {there: path.read_bytes()}, True, revision
    environment = os.environ | {
        "PYTHONPATH": str(Path(tocsin.__file__).parents[1]),
        "HF_ENDPOINT": server.url,
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _FETCH], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        said.append(json.loads(done.stdout))
    ids = ["a-en-prompt", "a-en-response", "a-de-prompt", "a-de-response", "b-th-prompt"]
    assert said == [[place, False, "test-00000-of-00001.parquet", ids] for place in ("origin", "cache")]
    assert [path for method, path in server.asked if method == "GET" and "/resolve/" in path] == [there]


# -- published rows -------------------------------------------------------------------------------------------------------


def published(name: str, folder: Path) -> list[Case]:
    if not (folder / name).is_dir():
        pytest.skip(f"the rows of {name} are not here")
    cases, faults = read(name, folder)
    assert [f"{fault.file}:{fault.line}" for fault in faults] == []
    assert len({case.id for case in cases}) == len(cases)
    return cases


def test_every_published_row_of_multijail_is_in_all_ten_languages(shared_data: Path) -> None:
    cases = published("multijail", shared_data)

    counts = Counter(case.language for case in cases)
    assert counts.keys() == set(LANGUAGES)
    assert len(set(counts.values())) == 1
    assert 250 <= counts["en"] <= 315
    assert set(Counter(case.cluster for case in cases).values()) == {10}


def test_every_published_row_of_xsafety_has_its_translations(shared_data: Path) -> None:
    cases = published("xsafety", shared_data)

    counts = Counter(case.language for case in cases)
    assert counts.keys() == set(FOLDERS)
    assert 2500 <= counts["en"] <= 2800
    assert max(counts.values()) - min(counts.values()) <= 1
    short = {cluster: size for cluster, size in Counter(case.cluster for case in cases).items() if size != 10}
    assert len(short) <= 1
    assert set(short.values()) <= {9}


def test_rows_of_multijail_are_rows(shared_data: Path) -> None:
    (found,) = locate(find("multijail").dataset, shared_data, fetch=False)
    assert all(isinstance(one, Row) for one in found.rows())
