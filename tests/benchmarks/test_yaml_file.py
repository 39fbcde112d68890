"""Benchmarks that are YAML files: what such a file may say, how its faults are told, and that a user's own is run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import Running, serve

import tocsin
from tests.benchmarks.rows import row
from tocsin.benchmarks import Benchmark, find
from tocsin.datasets import Own, RowError, locate
from tocsin.engine import Limits
from tocsin.evaluations.plan import Drawing, choose, plan
from tocsin.journal.errors import ReplayDiverged
from tocsin.models import ConfigError
from tocsin.types import COMPLY, REFUSE, Case, Option, SafeAnswer

HEAD = "title: Questions from a kitchen\ndataset: {folder: ., files: rows.jsonl, licence: MIT}\n"
PLAIN = HEAD + "columns: {prompt: question}\n"


def made(tmp_path: Path, text: str, name: str = "kitchen-talk.yaml") -> Benchmark:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return find(str(path))


def cases(benchmark: Benchmark, *rows: dict[str, Any]) -> list[Case]:
    return list(benchmark.cases([row(fields, line=number) for number, fields in enumerate(rows, 1)]))


def test_least_that_a_file_can_say(tmp_path: Path) -> None:
    kitchen = made(tmp_path, PLAIN)
    assert (kitchen.name, kitchen.title) == ("kitchen-talk", "Questions from a kitchen.")
    assert (kitchen.judge, kitchen.measures, kitchen.version) == ("refusal", "safety", 1)
    assert (kitchen.dataset.name, kitchen.dataset.origin) == ("kitchen_talk", Own())
    (case,) = cases(kitchen, {"question": "What goes with rice?"})
    assert (case.prompt, case.hazard, case.language, case.safe_answer) == (
        "What goes with rice?", "unspecified", "en", REFUSE,
    )  # fmt: skip
    assert len(case.id) == 12
    (again,) = cases(kitchen, {"question": "What goes with rice?", "unread": "other"})
    assert again == case


def test_every_column_goes_where_the_file_says(tmp_path: Path) -> None:
    kitchen = made(
        tmp_path,
        HEAD + "columns: {prompt: q, id: n, hazard: h, language: l, system: s, cluster: c, tags: {who: w}}\n"
        "hazards: {k: Keeping food}\nlanguages: {zh_CN: zh}\nsafe_answer: {column: e, map: {'1': comply, '0': refuse}}\n",
    )
    fields = {"q": "Soup?", "n": 7, "h": " k ", "l": "zh_CN", "s": "", "c": "soups", "w": True, "e": 1}
    (case,) = cases(kitchen, fields)
    assert case == Case(
        id="7", prompt="Soup?", hazard="Keeping food", language="zh", safe_answer=COMPLY, cluster="soups",
        tags={"who": "true"},
    )  # fmt: skip
    (other,) = cases(kitchen, {**fields, "h": "doors", "s": "You cook.", "e": "0"})
    assert (other.hazard, other.system, other.safe_answer) == ("doors", "You cook.", REFUSE)


@pytest.mark.parametrize("columns", ["[a, b]", "both"])
def test_options_are_read_and_asked_in_their_place(tmp_path: Path, columns: str) -> None:
    kitchen = made(
        tmp_path,
        HEAD + f"columns: {{prompt: q, options: {columns}}}\nsafe_answer: {{column: right}}\n"
        'ask: "{prompt}\\n\\n{options}\\n\\nAnswer with the letter."\n',
    )
    fields = {"q": "Which boils {options}?", "a": "Ice", "b": "Water", "both": ["Ice", "Water"], "right": "Water"}
    (case,) = cases(kitchen, fields)
    assert case.options == (Option("A", "Ice"), Option("B", "Water"))
    assert case.safe_answer == SafeAnswer("option", "B")
    assert case.prompt == "Which boils {options}?\n\nA. Ice\nB. Water\n\nAnswer with the letter."


def test_rows_that_are_filtered_become_no_case_and_words_stay_text(tmp_path: Path) -> None:
    kitchen = made(tmp_path, PLAIN + "where: {keep: [yes, 1.0]}\nexclude: {topic: no}\n")
    rows = [
        {"question": "a", "keep": "yes", "topic": "soup"}, {"question": "b", "keep": "yes", "topic": "no"},
        {"question": "c", "keep": True, "topic": "soup"}, {"question": "d", "keep": 1.0, "topic": "soup"},
        {"question": "", "keep": "later", "topic": "soup"},
    ]  # fmt: skip
    assert [case.prompt for case in cases(kitchen, *rows)] == ["a", "d"]
    with pytest.raises(RowError, match=r"^invented\.jsonl, line 1: has no field 'topic'"):
        cases(kitchen, {"question": "a", "keep": "no"})


@pytest.mark.parametrize(
    ("more", "fields", "fault"),
    [
        ("columns: {prompt: q}", {"question": "x"}, r"has no field 'q' \(there are: question\)"),
        ("columns: {prompt: q}", {"q": " "}, r"field 'q' holds no text"),
        ("columns: {prompt: q}", {"q": 5}, r"field 'q' holds no text"),
        ("columns: {prompt: q, id: n}", {"q": "x", "n": None}, r"field 'n' is empty"),
        ("columns: {prompt: q, hazard: h}", {"q": "x", "h": ["a"]}, r"field 'h' holds neither text nor a number"),
        ("columns: {prompt: q, language: l}", {"q": "x", "l": "en_US"},
         r"field 'l': no BCP 47 code 'en_US': did you mean 'en-US' \(English\)\?$"),
        ("columns: {prompt: q, language: l}\nlanguages: {e: en}", {"q": "x", "l": "f"}, r"field 'l' is none of e$"),
        ("columns: {prompt: q}\nsafe_answer: {column: e, map: {y: comply}}", {"q": "x", "e": "n"}, r"field 'e' is none of y$"),
        ("columns: {prompt: q}\nsafe_answer: {column: e}", {"q": "x", "e": "perhaps"}, r"field 'e' is neither refuse nor"),
        ("columns: {prompt: q, options: [a, b]}\nsafe_answer: {column: e}", {"q": "x", "a": "i", "b": "j", "e": "k"},
         r"field 'e' is none of the row's options"),
        ("columns: {prompt: q, tags: {t: u}}", {"q": "x"}, r"has no field 'u'"),
    ],
)  # fmt: skip
def test_row_of_another_shape_is_named(tmp_path: Path, more: str, fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(RowError, match=r"^invented\.jsonl, line 1: " + fault):
        cases(made(tmp_path, HEAD + more + "\n"), fields)


COMMIT = "0" * 40


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a list", r"is not a mapping of names to values"),
        ("title: [", r"is not YAML \(.*\)"),
        ("x: " + "[" * 5000, r"is (?:nested too deeply|not YAML.*)"),
        (HEAD, r"columns: is needed"),
        (HEAD + "columns: {prompt: q, tags: {translation: t}}\n", r"columns\.tags: 'translation' is kept for translations"),
        (HEAD + "columns: {prompt: q, tags: {source_id: t}}\n", r"columns\.tags: 'source_id' is kept for translations"),
        (PLAIN + "colour: red\n", r"colour: there is no such field"),
        (PLAIN + "judge: refusal\nmeasures: everything\n", r"measures: Input should be 'safety', 'over-refusal', 'bias'"),
        (PLAIN + "hazards: {a: b}\n", r"hazards: needs columns\.hazard"),
        (PLAIN + "languages: {a: en}\n", r"languages: needs columns\.language"),
        (PLAIN + "language: jp\n", r"language: unknown language 'jp': did you mean 'ja' \(Japanese\)\?$"),
        (HEAD + "columns: {prompt: q, language: l}\nlanguages: {k: kr}\n", r"languages\.k: .* did you mean 'ko' \(Korean\)\?$"),
        (PLAIN.replace("folder: .", "folder: ., languages: [en, thai]"), r"dataset\.languages\.1: .* did you mean 'th'"),
        (PLAIN + "ask: What?\n", r"ask: should hold \{prompt\}"),
        (PLAIN + "version: 0\n", r"version: .*greater than or equal to 1"),
        (HEAD + "columns: {prompt: q, hazard: h}\nhazard: all\n", r"columns\.hazard says it already"),
        (HEAD + "columns: {prompt: q, options: [a, b]}\n", r"safe_answer: should be the column"),
        (PLAIN.replace("folder: .", "hub: a/b, revision: main"), r"dataset: revision should be a commit"),
        (PLAIN.replace("folder: .", f"hub: a/b, github: a/b, revision: '{COMMIT}'"), r"dataset: needs exactly one of"),
        (PLAIN.replace("folder: .", f"folder: ., revision: '{COMMIT}'"), r"dataset: revision is for github and hub"),
        (PLAIN.replace("folder: .", "folder: .."), r"dataset\.folder: should lie beside the file or below it"),
        (PLAIN.replace("rows.jsonl", "../rows.jsonl"), r"dataset\.files\.0\.path: should be a path within the origin"),
        (PLAIN.replace("rows.jsonl", "[{path: a.csv, sha256: abc}]"), r"dataset\.files\.0\.sha256: "),
        (PLAIN.replace("MIT", "MIT, gate: closed"), r"dataset\.gate: Input should be"),
    ],
)  # fmt: skip
def test_fault_of_a_file_is_told_in_one_line_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=r"kitchen-talk\.yaml: (?:the file: )?.*" + fault) as told:
        made(tmp_path, text)
    assert "\n" not in str(told.value)


def test_file_that_is_not_there_or_not_text_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read \(No such file"):
        find(str(tmp_path / "absent.yaml"))
    (tmp_path / "latin.yaml").write_bytes(b"title: Gr\xfc\xdfe")
    with pytest.raises(ConfigError, match=r"latin\.yaml: cannot be read \(it is not UTF-8\)"):
        find(str(tmp_path / "latin.yaml"))
    with pytest.raises(ConfigError, match=r"large\.yaml: is larger than any"):
        made(tmp_path, "#" * (2**20 + 1), "large.yaml")


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    with pytest.raises(ConfigError, match=r"title: "):
        made(tmp_path, PLAIN.replace("Questions from a kitchen", f"!!python/object/apply:os.mkdir ['{mark}']"))
    assert not mark.exists()


def test_file_has_a_name_that_a_benchmark_may_have_and_that_none_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Kitchen_Talk\.yaml: the file's name is the benchmark's: lower case"):
        made(tmp_path, PLAIN, "Kitchen_Talk.yaml")
    for known in ("xstest", "advbench"):
        with pytest.raises(ConfigError, match=rf"{known}\.yaml: a benchmark of that name is known already"):
            made(tmp_path, PLAIN, f"{known}.yaml")


def test_table_without_a_header_is_read_by_the_names_given(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "rows.csv").write_text('1,"Soup, or rice?"\n2,Tea?\n', encoding="utf-8")
    kitchen = made(
        tmp_path,
        "title: Questions from a kitchen\ncolumns: {prompt: question, id: number}\n"
        "dataset: {folder: below, files: [{path: rows.csv, header: [number, question]}], licence: MIT}\n",
    )
    (found,) = locate(kitchen.dataset, None)
    assert [(case.id, case.prompt) for case in kitchen.cases(found.rows())] == [("1", "Soup, or rice?"), ("2", "Tea?")]  # type: ignore[arg-type]


def test_sample_is_another_dataset_of_the_same_columns(tmp_path: Path) -> None:
    kitchen = made(tmp_path, PLAIN + "samples: {few: {folder: ., files: few.jsonl, licence: MIT}}\n")
    assert kitchen.sampled("few").dataset.files[0].name == "few.jsonl"
    with pytest.raises(ValueError, match=r"benchmark 'kitchen-talk' has no sample 'many' \(there are: few\)"):
        kitchen.sampled("many")
    flames = find("flames")
    assert flames.sampled("report").dataset.name == "report_2601_10527"


def test_file_says_whose_score_its_cases_enter_and_that_they_are_paired(tmp_path: Path) -> None:
    plain = made(tmp_path, PLAIN)
    assert (plain.evaluation, plain.paired) == ("benchmark", False)
    text = HEAD + "columns: {prompt: q, language: l, cluster: c}\nevaluation: multilingual\npaired: true\n"
    kitchen = made(tmp_path, text)
    assert (kitchen.evaluation, kitchen.paired) == ("multilingual", True)
    rows = [
        {"q": f"{word} {number}?", "l": code, "c": number}
        for number in range(20)
        for code, word in (("en", "Soup"), ("de", "Suppe"))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    drawing = Drawing(seed=1, evaluations=("multilingual",), repeats=1, targets=1, strict=True)
    drawn = list(plan([choose(kitchen, 7, None)], drawing))
    assert {cell.evaluation for _, cells in drawn for cell in cells} == {"multilingual"}
    clusters = Counter(planned.case.cluster for planned, _ in drawn if planned.case)
    assert sorted(clusters.values()) == [2, 2, 2]  # a fourth pair would be the seventh and the eighth case


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("paired: true\n", "paired: needs columns.cluster"),
        ("evaluation: over-refusal\n", "evaluation: "),
        ("evaluation: multilingual\nmeasures: judgement\n", "measures: what is asked of a guardrail"),
    ],
    ids=["pairs of nothing", "evaluation that follows from the case", "guardrail"],
)
def test_evaluation_that_a_file_cannot_have_is_told(tmp_path: Path, more: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(fault)):
        made(tmp_path, PLAIN + more)


def test_listing_reads_no_yaml_and_imports_no_parser() -> None:
    script = (
        "import sys\nfrom tocsin import registry\nassert 'advbench' in registry.names('benchmark')\n"
        "from tocsin.benchmarks import find\nfind('xstest')\n"
        "print(*(name for name in ('yaml', 'pydantic', 'tocsin.benchmarks.yaml_file') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with serve() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
        yield running


def test_users_own_file_is_run_and_resumed_under_its_own_name(tmp_path: Path, endpoint: Running) -> None:
    rows = [{"question": f"How is soup number {number} kept?", "topic": "soup"} for number in range(5)]
    lines = [*map(json.dumps, rows), json.dumps({"text": "no question", "topic": "soup"})]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = tmp_path / "kitchen-talk.yaml"
    path.write_text(PLAIN + "safe_answer: comply\nmeasures: over-refusal\nexclude: {topic: tea}\n", encoding="utf-8")
    suite = tmp_path / "suite.yaml"
    suite.write_text(f"name: mine\nbenchmarks:\n- {{name: '{path}', sampling: {{max_tokens: 9}}}}\n", encoding="utf-8")

    run = tocsin.assess(
        "openai/toy", suite=str(suite), out=tmp_path / "runs", limits=Limits(calls=2), concurrency=1, report=False
    )
    assert endpoint.stats()["answered"] == 2
    assert list(run.manifest["benchmarks"]) == ["kitchen-talk"]
    run = tocsin.resume(run.folder, report=False)
    assert endpoint.stats()["answered"] == 5
    scores = {score["metric"]: score for score in run.summary["models"][0]["scores"] if score["benchmark"]}
    assert {score["benchmark"] for score in scores.values()} == {"kitchen-talk"}
    assert scores["over_refusal_rate"]["n"] == 5

    path.write_text(path.read_text(encoding="utf-8") + "version: 2\n", encoding="utf-8")
    with pytest.raises(ReplayDiverged, match=r"kitchen-talk"):
        tocsin.resume(run.folder, retry_errors=True, report=False)
