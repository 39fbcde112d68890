"""The documentation says what is there, and what it tells people to do works."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from perf.wire_server import Running, serve

import tocsin
from tests.conftest import ROOT
from tocsin import registry
from tocsin.benchmarks import find
from tocsin.benchmarks.own import own_cases
from tocsin.benchmarks.yaml_file import BenchmarkFile, Columns, DatasetEntry, FileEntry
from tocsin.cli.app import build
from tocsin.cli.errors import Exit
from tocsin.datasets import Row, locate
from tocsin.datasets.origin import Gate
from tocsin.evaluations import suite
from tocsin.evaluations.catalogue import datasets_here
from tocsin.evaluations.scoring import METRICS
from tocsin.models import EMBEDDED, local
from tocsin.models.config import ModelConfig, Prices, read_config
from tocsin.models.errors import FATAL, RETRYABLE
from tocsin.types import REFUSE, ErrorKind, Outcome, Score, Unscored

REFERENCE = ROOT / "docs" / "reference"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FOR_USERS = [page for page in PAGES if "design" not in page.parts]
"""Pages on what is there; design notes may name what is to come."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS_OPTIONS = {"--dev", "--check"}
"""Options of scripts/setup.sh and ruff that the pages name."""


def blocks(page: Path, kind: str) -> list[str]:
    return [body for found, body in FENCE.findall(page.read_text(encoding="utf-8")) if found == kind]


def table(page: Path, header: str) -> list[list[str]]:
    """The cells of the first table whose header row begins like this."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(header)) + 2
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", FENCE.sub("", text))


def first_codes(page: Path, header: str) -> list[str]:
    return [code for row in table(page, header) for code in codes(row[0])]


def commands() -> Iterator[tuple[str, set[str]]]:
    """Every command with its options, ``tocsin data list`` and such like included."""
    group: Any = typer.main.get_command(build())
    for name, command in group.commands.items():
        for inner, one in getattr(command, "commands", {"": command}).items():
            found = {option for parameter in one.params for option in parameter.opts if option.startswith("-")}
            yield f"tocsin {name} {inner}".strip(), found - {"-h", "--help"}


# ---------------------------------------------------------------------------------------------------------------------
# Pages against each other


def test_the_first_two_sh_blocks_of_the_readme_are_the_main_job_and_the_tests() -> None:
    main, tests = blocks(ROOT / "README.md", "sh")[:2]
    assert main == "sh scripts/setup.sh && .venv/bin/tocsin assess --out runs\n"
    assert re.fullmatch(r"sh scripts/setup\.sh --dev && \.venv/bin/python -m pytest( -n \w+)?\n", tests)
    first = next(kind for kind, _ in FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8")) if kind)
    assert first == "sh"


def anchors(page: Path) -> set[str]:
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text(encoding="utf-8")))
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    assert dead == []


def test_pages_name_no_registry_host() -> None:
    hosts = re.compile(
        "|".join(("py" + r"pi\.org", "python" + "hosted", "npm" + "js", r"huggingface\.co", r"conda\.io"))
    )
    files = [*FOR_USERS, ROOT / "constraints.txt", ROOT / "scripts" / "setup.sh", ROOT / ".ci" / "run"]
    assert [str(file) for file in files if hosts.search(file.read_text(encoding="utf-8"))] == []


# ---------------------------------------------------------------------------------------------------------------------
# Pages against the code


def test_every_option_of_every_command_is_in_the_reference() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")}
    for command, options in commands():
        section = sections[" ".join(command.split()[:2])]
        named = {option for code in codes(section) for option in re.findall(r"(?<!\w)--?[a-z][\w-]*", code)}
        assert options - named == set(), command


@pytest.mark.parametrize("page", FOR_USERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_no_option_that_does_not_exist(page: Path) -> None:
    known = {option for _, options in commands() for option in options} | OTHERS_OPTIONS | {"--help", "--version"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page.read_text(encoding="utf-8")))
    assert named - known == set()


def test_every_exit_code_is_in_the_reference_and_in_the_readme() -> None:
    wanted = [str(int(code)) for code in Exit]
    assert [row[0] for row in table(REFERENCE / "cli.md", "| code | meaning |")] == wanted
    assert [row[0] for row in table(ROOT / "README.md", "| exit code | meaning |")] == wanted


def test_every_variable_the_code_reads_is_in_the_reference() -> None:
    read = set()
    for file in (ROOT / "src").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        read.update(re.findall(r"environ(?:\.get\(|\[)\"(\w+)\"", text))
        read.update(re.findall(r"^    (?:key|url)_variable(?:: .+)? = \"(\w+)\"", text, re.MULTILINE))  # of a provider
    assert {"OPENAI_BASE_URL", "TOCSIN_DATA", "TOCSIN_CACHE"} <= read
    assert read - set(first_codes(REFERENCE / "cli.md", "| variable | meaning |")) == set()


def test_the_list_of_metrics_is_the_codes_own() -> None:
    assert first_codes(REFERENCE / "summary.md", "| metric | meaning |") == list(METRICS)


def test_every_field_of_a_score_is_in_the_reference_and_no_other() -> None:
    page = (REFERENCE / "summary.md").read_text(encoding="utf-8")
    section = page.partition("### A score")[2].partition("###")[0]
    named = [code for row in re.findall(r"^\| (.+?) \|", section, re.MULTILINE) for code in codes(row)]
    assert sorted(named) == sorted(Score.__struct_fields__)


def test_every_kind_of_error_is_in_the_reference_with_what_comes_of_it() -> None:
    rows = table(REFERENCE / "models.md", "| kind | meaning |")
    assert [codes(row[0])[0] for row in rows] == [kind.value for kind in ErrorKind]
    assert {codes(row[0])[0] for row in rows if row[2]} == {kind.value for kind in RETRYABLE}
    assert {codes(row[0])[0] for row in rows if row[3]} == {kind.value for kind in FATAL}


def test_every_outcome_and_every_reason_for_none_is_explained() -> None:
    page = ROOT / "docs" / "method" / "outcomes.md"
    assert first_codes(page, "| outcome | meaning |") == [outcome.value for outcome in Outcome]
    assert first_codes(page, "| reason | meaning |") == [reason.value for reason in Unscored]


def test_every_field_of_a_suite_is_in_the_reference() -> None:
    page = REFERENCE / "suites.md"
    told = list(re.findall(r"^\| `(\w+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE))
    kinds = (
        suite.Suite,
        suite.BenchmarkEntry,
        suite.SamplingEntry,
        suite.Multilingual,
        suite.Compliance,
        suite.Difficulty,
        suite.Adversarial,
        suite.AllowanceEntry,
        suite.Stopping,
    )
    assert told == [name for kind in kinds for name in kind.model_fields]
    for text in blocks(page, "yaml"):
        assert suite.parse_suite(text, "the reference").benchmarks


def test_the_pages_of_the_attacks_are_the_codes_own() -> None:
    sys.path.insert(0, str(REFERENCE.parent.parent / "scripts"))
    try:
        made = importlib.import_module("make_attack_pages").pages()
    finally:
        sys.path.pop(0)
    folder = REFERENCE.parent / "attacks"
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert there == made, "python scripts/make_attack_pages.py writes them anew"


def test_every_field_of_a_model_entry_is_in_the_reference(tmp_path: Path) -> None:
    page = REFERENCE / "models.md"
    text = page.read_text(encoding="utf-8")
    tables = text.partition("## tocsin.toml")[2].partition("## Errors")[0]
    named = {code for row in re.findall(r"^\| (.+?) \|", tables, re.MULTILINE) for code in codes(row)}
    assert named == set(ModelConfig.model_fields)
    assert set(Prices.model_fields) <= set(codes(tables))
    example = tmp_path / "tocsin.toml"
    example.write_text(blocks(page, "toml")[0], encoding="utf-8")
    assert read_config(example)


def test_defaults_of_limits_are_the_codes_own() -> None:
    limits = (REFERENCE / "models.md").read_text(encoding="utf-8").partition("### Limits")[2].partition("## Errors")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| .+ \| ([\d.]+) \|$", limits, re.MULTILINE))
    known = {name: ModelConfig.model_fields[name].default for name in told}
    assert {name: float(value) for name, value in told.items()} == known
    assert {"deadline", "tries", "backoff", "max_concurrency"} <= set(told)


def test_what_is_said_of_the_embedded_model_is_so() -> None:
    text = (REFERENCE / "models.md").read_text(encoding="utf-8")
    assert f"{local.SLOTS} calls at a time, at most {local.MAX_TOKENS} tokens" in text
    assert f"`{local.SYSTEM}`" in text
    assert f"`{EMBEDDED}`" in text


def test_every_column_of_own_cases_is_in_the_reference() -> None:
    read = set()

    class Watched(Row):
        def __getitem__(self, field: str) -> Any:
            read.add(field)
            return super().__getitem__(field)

        def get(self, field: str, default: Any = None) -> Any:
            read.add(field)
            return super().get(field, default)

    (case,) = own_cases(Path("prompts.jsonl")).cases([Watched({"prompt": "Hello?"}, "prompts.jsonl", 1, 0)])
    assert case.safe_answer == REFUSE
    assert set(first_codes(REFERENCE / "datasets.md", "| column | meaning |")) == read


def test_every_gate_and_every_dataset_is_in_the_reference() -> None:
    page = REFERENCE / "datasets.md"
    assert first_codes(page, "| gate | meaning |") == list(get_args(Gate))
    told = {codes(row[0])[0]: codes(row[1]) for row in table(page, "| dataset | benchmarks |")}
    there = {dataset.name: users for dataset, users, _ in datasets_here() if dataset.origin}
    assert told == there
    gated = {dataset.name for dataset, _, _ in datasets_here() if dataset.gate}
    gates = page.read_text(encoding="utf-8").partition("## Gates")[2].partition("\n## ")[0]
    assert gated <= set(codes(gates)), "datasets.md names the datasets that have a gate"


def test_every_field_of_a_benchmarks_yaml_file_is_in_the_reference() -> None:
    page = REFERENCE / "datasets.md"
    for header, kind in (
        ("| field of the file |", BenchmarkFile),
        ("| field of `dataset` |", DatasetEntry),
        ("| field of a file |", FileEntry),
        ("| field of `columns` |", Columns),
    ):
        assert sorted(first_codes(page, header)) == sorted(kind.model_fields), header


def test_the_example_of_a_yaml_file_makes_the_cases_it_promises(tmp_path: Path) -> None:
    page = REFERENCE / "datasets.md"
    (tmp_path / "kitchen").mkdir()
    (tmp_path / "kitchen" / "questions.csv").write_text(blocks(page, "csv")[0], encoding="utf-8")
    written = tmp_path / "kitchen-talk.yaml"
    written.write_text(blocks(page, "yaml")[0], encoding="utf-8")
    made = find(str(written))
    (found,) = locate(made.dataset, None)
    cases = [(case.id, case.hazard, case.language, case.safe_answer.kind) for case in made.cases(found.rows())]
    assert cases == [("1", "Keeping food", "en", "comply"), ("2", "Break-in", "en", "refuse")]


def test_every_benchmark_and_judge_is_named_for_users() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    text += "".join((REFERENCE / page).read_text(encoding="utf-8") for page in ("datasets.md", "judges.md"))
    assert [n for n in (*registry.names("benchmark"), *registry.names("judge")) if f"`{n}`" not in text] == []


def test_the_constraints_pin_every_dependency() -> None:
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *(n for e in extras for n in e),
    ]
    wanted += project["build-system"]["requires"]

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    asked = {plain(re.match(r"[\w.-]+", entry).group()) for entry in wanted}  # type: ignore[union-attr]
    assert asked - set(map(plain, pinned)) == set()


# ---------------------------------------------------------------------------------------------------------------------
# The recipes of CONTRIBUTING.md, followed to the letter


def recipe() -> dict[str, str]:
    """Path → content of every file that CONTRIBUTING.md tells to write: a path in the line above its block."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.findall(r"`(src/[\w/.-]+)`:\n\n```(?:python|json|yaml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Running]:
    with serve() as running:
        yield running


def python(*arguments: str, path: Path, endpoint: Running | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    if endpoint is not None:
        environment |= {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "sk-none"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=path, env=environment, timeout=120
    )


def fields(value: Any, prefix: str = "") -> Iterator[str]:
    """The names of all fields, but for those below a name that a user gives."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            below = (
                inner.values()
                if key in ("judges", "attacks", "benchmarks", "frameworks") and isinstance(inner, dict)
                else [inner]
            )
            for one in below:
                yield from () if key in ("errors_by_kind", "counts") else fields(one)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner)


def test_a_benchmark_and_a_judge_are_complete_in_one_file_each(tmp_path: Path, endpoint: Running) -> None:
    house = tmp_path / "house"
    shutil.copytree(ROOT / "src" / "tocsin", house / "tocsin", ignore=shutil.ignore_patterns("__pycache__"))
    files = recipe()
    assert {Path(name).suffix for name in files} == {".py", ".jsonl", ".yaml"}
    assert len(files) == 5
    for name, content in files.items():
        target = house / Path(name).relative_to("src")
        assert not target.exists(), f"{name} of CONTRIBUTING.md is a file of tocsin by now"
        target.write_text(content, encoding="utf-8")

    listed = python("-m", "tocsin", "list", "benchmarks", "--json", path=house)
    assert {"small-talk", "small-chat"} <= {about["name"] for about in json.loads(listed.stdout)}
    script = (
        "from tocsin.benchmarks import find\nfrom tocsin.datasets import locate\n"
        "made = [[one for found in locate(b.dataset, None) for one in b.cases(found.rows())]"
        " for b in map(find, ('small-talk', 'small-chat'))]\n"
        "assert len(made[0]) == 3 and made[0] == made[1], made"
    )
    same = python("-c", script, path=house)
    assert same.returncode == 0, same.stderr

    endpoint.reset()
    arguments = ["--benchmark", "small-talk", "--judge", "word-count", "--out", "runs", "--json"]
    done = python("-m", "tocsin", "assess", "openai/toy", *arguments, path=house, endpoint=endpoint)
    assert done.returncode == Exit.DONE, done.stderr
    assert endpoint.stats()["answered"] == 3
    (score,) = json.loads(done.stdout)["models"][0]["scores"]
    assert (score["metric"], score["value"], score["n"], score["passed"]) == ("over_refusal_rate", 0.0, 3, 3)
    assert score["judge"].startswith("word-count@")

    (run,) = (house / "runs").iterdir()
    put = python(
        "-m", "tocsin", "attack", "polite", "How is tea made?", "--model", "openai/toy", "--judge", "refusal", "--reveal",
        "--out", "tried", path=house, endpoint=endpoint,
    )  # fmt: skip
    assert put.returncode == Exit.DONE, put.stderr
    assert "How is tea made? Please. Please. Please." in put.stdout
    there = set(codes((REFERENCE / "summary.md").read_text(encoding="utf-8")))
    suite_fields = set(codes((REFERENCE / "suites.md").read_text(encoding="utf-8")))
    for name in ("summary.json", "run.json"):
        written = set(fields(json.loads((run / name).read_text(encoding="utf-8"))))
        assert written - there - suite_fields - {"least"} == set(), name  # the parameter of the recipe's judge


def test_every_field_of_languages_and_of_clauses_is_in_the_reference(
    tmp_path: Path, endpoint: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    page = REFERENCE / "compliance-items.md"
    items, framework = blocks(page, "yaml")[:2]
    (tmp_path / "machines.yaml").write_text(items.replace("status: draft", "status: reviewed"), encoding="utf-8")
    (tmp_path / "framework.yaml").write_text(framework, encoding="utf-8")
    rows = [
        {"question": f"{word} {number}?", "code": code, "row": number}
        for number in range(3)
        for code, word in (("en", "What goes with soup number"), ("de", "Was passt zu Suppe Nummer"))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    (tmp_path / "soups.yaml").write_text(
        "title: Soups in two languages\ndataset: {folder: ., files: rows.jsonl, licence: MIT}\n"
        "columns: {prompt: question, language: code, cluster: row}\nevaluation: multilingual\npaired: true\n",
        encoding="utf-8",
    )
    named = [str(tmp_path / "soups.yaml"), str(tmp_path / "machines.yaml")]
    run = tocsin.assess("openai/toy", benchmarks=named, judge="refusal", out=tmp_path / "runs", report=False)
    (model,) = run.summary["models"]
    assert [one["language"] for one in model["multilingual"][0]["languages"]] == ["en", "de"]
    assert model["multilingual"][0]["languages"][1]["drop"]["rows"] == 3
    assert {one["clause"] for one in model["compliance"][0]["clauses"]} == {"article-2", "article-3"}
    there = set(codes((REFERENCE / "summary.md").read_text(encoding="utf-8")))
    there |= set(codes((REFERENCE / "suites.md").read_text(encoding="utf-8")))
    languages = {"en", "de"} | {code for one in model["multilingual"][0]["languages"] for code in one["answered_in"]}
    for written in (model, run.manifest):
        assert set(fields(written)) - there - languages == set()


def test_a_suite_sets_the_parameters_of_a_judge_of_another_package(tmp_path: Path, endpoint: Running) -> None:
    package = tmp_path / "site" / "our_tests"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    for name, content in recipe().items():
        ours = content.replace('Packaged("tocsin.benchmarks.language")', 'Packaged("our_tests")')
        (package / Path(name).name).write_text(ours, encoding="utf-8")
    points = tomllib.loads(blocks(ROOT / "CONTRIBUTING.md", "toml")[0])["project"]["entry-points"]
    info = tmp_path / "site" / "our_tests-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-tests\nVersion: 1.0\n", encoding="utf-8")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in entries.items())
        for group, entries in points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")
    (package.parent / "strict.yaml").write_text(
        "name: strict\nbenchmarks: [small-talk]\njudge: word-count\njudges: {word-count: {least: 6}}\n",
        encoding="utf-8",
    )
    script = (
        "import json, tocsin\n"
        "run = tocsin.assess('openai/toy', suite='strict.yaml', out='runs', report=False)\n"
        "print(json.dumps(run.summary))\n"
    )
    done = python("-c", script, path=package.parent, endpoint=endpoint)
    assert done.returncode == 0, done.stderr
    (score,) = json.loads(done.stdout)["models"][0]["scores"]
    # The endpoint says five words, and this suite wants six of them.
    assert (score["value"], score["failed"], score["refused"]) == (1.0, 3, 3)
