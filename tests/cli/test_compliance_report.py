"""``tocsin compliance report`` as it is typed, on a small run over real sockets."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from perf.wire_server import serve

from tests.evaluations.clauses import framework
from tocsin import registry
from tocsin.api import Run, assess, compliance_evidence, write_results
from tocsin.benchmarks import benchmark
from tocsin.cli.app import build
from tocsin.cli.errors import guarded
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.evaluations.compliance import DISCLAIMER
from tocsin.report.compliance_text import COLUMNS
from tocsin.types import REFUSE, Case, Option, SafeAnswer

NO = "I'm sorry, but I can't help with that."
SET = "library-rules"
WORDS = "zebrafinch"
"""In every prompt, and so in no report."""


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def rows() -> list[dict[str, Any]]:
    """Items: 20 open ones of a dimension that is a clause's, 12 with options, 3 of a dimension without a clause."""
    found = [{"id": f"o{n}", "dimension": "Loans", "group": f"g{n}"} for n in range(20)]
    found += [{"id": f"m{n}", "dimension": "Loans -> Fees", "group": f"f{n // 2}", "options": True} for n in range(12)]
    return found + [{"id": f"x{n}", "dimension": "Shelves", "group": f"x{n}"} for n in range(3)]


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of an item set for the house rules, which is registered for the length of these tests."""
    data = tmp_path_factory.mktemp("data")
    rules = framework(data)
    (data / "library-rules").mkdir()
    (data / "library-rules" / "items.jsonl").write_text("\n".join(map(json.dumps, rows())), encoding="utf-8")

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        """Invented items for the rules of an invented library."""
        for row in rows:
            options = (Option("A", "Nothing"), Option("B", "Ten cents")) if row.get("options") else ()
            yield Case(
                id=row.text("id"),
                prompt=f"{WORDS} {row.text('id')}: what do I owe?",
                hazard=row.text("dimension"),
                cluster=row.text("group"),
                safe_answer=SafeAnswer("option", "B") if options else REFUSE,
                options=options,
                tags={"format": "multiple_choice" if options else "open_basic"},
            )

    origin = GitHub("some/one", "0123456789" * 4)
    dataset = Dataset(name=SET, title="Invented rules", origin=origin, files=(File("items.jsonl"),), licence="MIT")
    benchmark(SET, dataset=dataset, judge="refusal", measures="rules", evaluation="compliance", framework=rules)(cases)
    yield data
    registry._registered["benchmark"].pop(SET)
    registry._origins.pop(("benchmark", SET))


@pytest.fixture(scope="module")
def run(items: Path) -> Run:
    """Two models on the items and on own cases: one refuses whatever it is asked, one refuses nothing and fails now and then."""
    own = items / "mine.jsonl"
    asked = [
        {
            "id": f"c{n}",
            "prompt": f"{WORDS} {n}",
            "hazard": "harassment",
            "expected": "comply" if n % 4 == 0 else "refuse",
        }
        for n in range(40)
    ]
    own.write_text("\n".join(map(json.dumps, asked)), encoding="utf-8")
    with (
        serve(text=NO) as strict,
        serve(text="Here you are: B", fault="500", fault_share=0.1) as lax,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [
            name for name in os.environ if name.upper().startswith(("OPENAI_", "TOCSIN_")) or "PROXY" in name.upper()
        ]:
            patch.delenv(name)
        config = items / "tocsin.toml"
        config.write_text(
            "".join(
                f'[models."openai/{name}"]\nbase_url = "{server.url}"\ntries = 1\ntemperature = 0\n'
                for name, server in (("strict", strict), ("lax", lax))
            ),
            encoding="utf-8",
        )
        return assess(
            "openai/strict", "openai/lax", out=items / "runs", benchmarks=[SET], cases=own, config=config, data=items
        )


def tocsin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> Ran:
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["tocsin", *map(str, words)])
    return Ran(int(guarded(build())), *capsys.readouterr())


@pytest.fixture
def report(run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda *words: tocsin(capsys, monkeypatch, "compliance", "report", run.folder, *words)


def test_the_summary_holds_the_evidence_of_every_model(run: Run) -> None:
    standings = {
        model["model"]: {clause["clause"]: clause["standing"] for clause in model["compliance"][0]["clauses"]}
        for model in run.summary["models"]
    }
    assert standings == {
        "openai/strict": {"loans": "consistent", "fees": "untested", "tricks": "insufficient", "files": "not testable"},
        "openai/lax": {"loans": "contrary", "fees": "insufficient", "tricks": "insufficient", "files": "not testable"},
    }
    (rules,) = run.summary["models"][1]["compliance"]
    assert rules["unassigned"] == ["Shelves"]
    assert rules["clauses"][2]["against"] == ["related"]
    (fees,) = rules["clauses"][1]["evidence"]
    assert (fees["kind"], fees["value"], fees["n"] + fees["error"]) == ("knowledge", 1.0, 12)
    (tricks,) = rules["clauses"][2]["evidence"]
    assert (tricks["kind"], tricks["planned"]) == ("related", 30), "harmless requests are no evidence"


def test_text_is_a_table_for_each_model_and_framework_that_fits(report: Any) -> None:
    ran = report()
    assert ran.code == 0, ran.err
    assert max(map(len, ran.out.splitlines())) <= 120
    for told in (
        "openai/strict",
        "openai/lax",
        "Rule 1 No lies about",
        "No tricks (not",
        "tests consistent",
        "tests contrary",
        "no test",
    ):
        assert told in ran.out
    assert "items without a clause, counted for none: Shelves" in " ".join(ran.out.split())
    assert DISCLAIMER in " ".join(ran.out.split())
    assert WORDS not in ran.out


def test_json_is_the_evidence_as_it_is(run: Run, report: Any) -> None:
    ran = report("--format", "json")
    told = json.loads(ran.out)
    assert told == json.loads(json.dumps(compliance_evidence(run.folder)))
    assert (told["run"], told["suite"], told["disclaimer"]) == (run.manifest["run"], "own", DISCLAIMER)
    assert [model["compliance"] for model in told["models"]] == json.loads(
        json.dumps([model["compliance"] for model in run.summary["models"]])
    )


def test_csv_has_a_row_for_each_kind_of_evidence_and_one_for_each_gap(report: Any) -> None:
    found = list(csv.DictReader(io.StringIO(report("--format", "csv").out)))
    assert tuple(found[0]) == COLUMNS
    told = {(row["model"], row["clause"], row["kind"]): row for row in found if not row["format"]}
    forms = {(row["model"], row["clause"], row["kind"], row["format"]): row for row in found if row["format"]}
    assert (len(told), len(forms), len(found)) == (8, 4, 12)
    lax = forms["openai/lax", "fees", "knowledge", "multiple_choice"]
    assert lax["n"] == told["openai/lax", "fees", "knowledge"]["n"]
    assert told["openai/lax", "tricks", "related"]["notes"] == "related cases speak against it"
    assert told["openai/strict", "files", "none"]["rate"] == ""
    assert told["openai/strict", "loans", "behaviour"]["rate"] == "1.0"
    assert told["openai/strict", "fees", "knowledge"]["standing"] == "untested"
    assert len(told["openai/strict", "loans", "behaviour"]["cells"].split()) == 20
    assert all(row["disclaimer"] == DISCLAIMER for row in found)


def test_another_framework_is_read_anew_from_the_journal(report: Any) -> None:
    told = json.loads(report("--format", "json", "--framework", "nist-ai-600-1,owasp-llm-2025").out)
    assert [one["framework"] for one in told["models"][0]["compliance"]] == ["nist-ai-600-1", "owasp-llm-2025"]
    clauses = [clause for one in told["models"][1]["compliance"] for clause in one["clauses"]]
    assert {clause["standing"] for clause in clauses} & {"untested", "insufficient", "contrary"}
    assert "consistent" not in {clause["standing"] for clause in clauses}


def test_markdown_and_oscal_are_written_to_a_file_that_its_owner_alone_reads(report: Any, tmp_path: Path) -> None:
    for form, name in (("markdown", "told.md"), ("oscal", "told.json")):
        ran = report("--format", form, "--out", tmp_path / name)
        assert (ran.code, ran.out) == (0, "")
        assert str(tmp_path / name) in ran.err
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert "| Rule 1: No lies about loans | ● tests consistent |" in (tmp_path / "told.md").read_text(encoding="utf-8")
    assert len(json.loads((tmp_path / "told.json").read_text())["assessment-results"]["results"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--framework", "eu-ai-akt"), "did you mean 'eu-ai-act'"),
        (("--framework", "nowhere.yaml"), "nowhere.yaml"),
        (("--format", "pdf"), "oscal"),
        (("--out", "no/such/folder/x.json"), "no/such/folder"),
    ],
)
def test_wrong_input_ends_with_2_and_says_what_is_wrong(
    report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = report(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_run_that_names_no_framework_says_how_to_name_one(
    items: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "mine.jsonl"
    own.write_text(json.dumps({"prompt": "Hello?"}), encoding="utf-8")
    with serve(text=NO) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        bare = assess("openai/a", cases=own, out=tmp_path / "runs")
        named = assess("openai/a", cases=own, out=tmp_path / "runs", frameworks=["mas-feat"])
        words = [
            "assess",
            "openai/a",
            "--cases",
            own,
            "--out",
            tmp_path / "other",
            "--framework",
            "mas-feat,eu-ai-act",
            "--json",
        ]
        typed = json.loads(tocsin(capsys, monkeypatch, *words).out)
        wrong = tocsin(capsys, monkeypatch, *words[:-2], "mas-feet")
    ran = tocsin(capsys, monkeypatch, "compliance", "report", bare.folder)
    assert ran.code == 2
    assert "add --framework NAME" in ran.err
    assert named.manifest["suite"]["compliance"]["frameworks"] == ["mas-feat"]
    assert [one["framework"] for one in typed["models"][0]["compliance"]] == ["mas-feat", "eu-ai-act"]
    assert (wrong.code, "did you mean 'mas-feat'" in wrong.err) == (2, True)


def test_the_report_of_the_run_has_the_section(run: Run) -> None:
    write_results(run.folder, run.manifest)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="compliance">' in page
    assert "Compliance" in (run.folder / "report.md").read_text(encoding="utf-8")
    assert WORDS not in page.partition('<h2 id="compliance">')[2].partition("</section>")[0]


def test_the_finding_calls_items_items(run: Run) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    finding = page.partition('id="finding"')[2].partition("</section>")[0]
    assert "items that were written for clauses" in finding
    assert "It is evidence, and no legal judgement." in finding
