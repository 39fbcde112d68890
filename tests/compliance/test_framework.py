"""What a framework's file may say, how its faults are told, and that a user's own is read like those that ship."""

from __future__ import annotations

import codecs
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.docs.test_docs import blocks, first_codes, table
from tests.test_registry import python
from tocsin import registry
from tocsin.compliance.framework import ClauseEntry, FrameworkFile, find, read_framework, register_file
from tocsin.compliance.hazards import hazards
from tocsin.evaluations.catalogue import listing
from tocsin.models.config import ConfigError
from tocsin.registry import UnknownName

PAGE = ROOT / "docs" / "reference" / "frameworks.md"

CLAUSE = {"id": "one", "ref": "Rule 1", "title": "Spoons", "text": "Spoons are put back."}
FILE = {
    "title": "House rules",
    "jurisdiction": "the house",
    "kind": "guideline",
    "version": "1",
    "date": "2026-05-04",
    "source": "https://house.example",
    "status": "verified",
}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """What a test registers is gone after it."""
    before, origins = dict(registry._registered["framework"]), dict(registry._origins)
    yield
    registry._registered["framework"].clear()
    registry._registered["framework"].update(before)
    registry._origins.clear()
    registry._origins.update(origins)


def put(folder: Path, *clauses: dict[str, object], name: str = "house-rules.yaml", **fields: object) -> Path:
    path = folder / name
    written = FILE | fields | {"clauses": list(clauses)}
    path.write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
    return path


# ---------------------------------------------------------------------------------------------------------------------
# The page


def test_the_example_of_the_page_is_read_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "house-rules.yaml"
    path.write_text(blocks(PAGE, "yaml")[0], encoding="utf-8")
    made = find(str(path))
    assert (made.name, made.version, made.date, made.in_force) == ("house-rules", "3", "2026-05", None)
    assert made.notes == ("Compared with the printed rules by the one who wrote them.",)
    one, two, three = made.clauses
    assert (one.dimensions, one.hazards, one.group) == (("Loans", "Fees -> Overdue"), ("hallucination",), "Honesty")
    assert (one.status, two.status) == ("verified", "secondary")
    assert two.attacks == ("role-play", "multi-turn")
    assert (three.testable, three.why) == (False, "It is a duty to keep records.")
    assert made.clause_of("Loans -> Books -> Lost") is one
    assert made.clause_of("Fees") is None
    assert made.clauses_about("privacy_pii") == (two,)
    assert made.clauses_met_by("multi-turn") == (two,)


def test_every_field_is_in_the_page_and_no_other() -> None:
    assert first_codes(PAGE, "| field of the file |") == list(FrameworkFile.model_fields)
    assert first_codes(PAGE, "| field of a clause |") == list(ClauseEntry.model_fields)


def test_the_list_of_the_page_is_the_files_own() -> None:
    told = [
        (
            f"`{made.name}`",
            f"{made.kind}, {made.jurisdiction}",
            made.version,
            made.date or "–",
            made.in_force or "–",
            str(len(made.clauses)),
            made.status,
        )
        for made in map(find, registry.names("framework"))
    ]
    assert [tuple(row) for row in table(PAGE, "| framework |")] == told


def test_every_canonical_hazard_is_in_the_page() -> None:
    rows = {row[0].strip("`"): row[1] for row in table(PAGE, "| hazard |")}
    assert list(rows) == list(hazards())
    assert all(rows[name] == one.text for name, one in hazards().items() if not one.untested)


# ---------------------------------------------------------------------------------------------------------------------
# What belongs to what


def test_item_belongs_to_the_clause_that_names_most_of_its_levels(tmp_path: Path) -> None:
    wide = CLAUSE | {"id": "wide", "dimensions": ["Kitchen"]}
    narrow = CLAUSE | {"id": "narrow", "dimensions": ["Kitchen -> Knives"]}
    made = read_framework(put(tmp_path, wide, narrow))

    def owner(dimension: str) -> str | None:
        clause = made.clause_of(dimension)
        return clause.id if clause else None

    assert owner("Kitchen") == "wide"
    assert owner("Kitchen -> Spoons -> Soup") == "wide"
    assert owner("Kitchen -> Knives") == "narrow"
    assert owner("Kitchen -> Knives -> Bread") == "narrow"


@pytest.mark.parametrize("dimension", ["Kitchens", "Cellar", "Kitchen->Knives", "Cellar -> Kitchen", ""])
def test_item_whose_dimension_no_clause_names_belongs_to_none(tmp_path: Path, dimension: str) -> None:
    made = read_framework(put(tmp_path, CLAUSE | {"dimensions": ["Kitchen"]}))
    assert made.clause_of(dimension) is None


def test_a_change_of_a_mapping_is_another_framework(tmp_path: Path) -> None:
    first = read_framework(put(tmp_path, CLAUSE | {"hazards": ["privacy_pii"]}))
    again = read_framework(put(tmp_path, CLAUSE | {"hazards": ["privacy_pii"]}))
    other = read_framework(put(tmp_path, CLAUSE | {"hazards": ["cyber_offence"]}))
    assert first.identity == again.identity != other.identity
    assert first.identity.startswith("house-rules@")


# ---------------------------------------------------------------------------------------------------------------------
# Faults


@pytest.mark.parametrize(
    ("clauses", "told"),
    [
        ([], r"clauses: is empty, and a framework has at least one clause"),
        ([CLAUSE, dict(CLAUSE)], r"clauses: the id 'one' stands more than once"),
        ([CLAUSE | {"id": "One"}], r"clauses\.0\.id: 'One' should be lower case, digits, '\.' and '-'"),
        (
            [CLAUSE | {"hazards": ["privacy"]}],
            r"clauses\.0: clause 'one': no hazard is named 'privacy': did you mean 'privacy_pii'",
        ),
        ([CLAUSE | {"hazards": ["zzzz"]}], r"no hazard is named 'zzzz': there are: ai_disclosure, "),
        ([CLAUSE | {"hazards": ["csae_ncii"]}], r"hazard 'csae_ncii' cannot be evidence \(tocsin runs no test about"),
        (
            [CLAUSE | {"dimensions": ["A -> B"]}, CLAUSE | {"id": "two", "dimensions": ["A -> B"]}],
            r"dimension 'A -> B' is claimed by 'one' and by 'two': an item belongs to one clause",
        ),
        ([CLAUSE | {"dimensions": ["A", "A"]}], r"dimension 'A' is claimed by 'one' and by 'one'"),
        ([CLAUSE | {"dimensions": ["A ->  B"]}], r"dimension 'A ->  B' of 'one' should be 'A -> B'"),
        ([CLAUSE | {"attacks": ["roleplay"]}], r"no family of attacks is named 'roleplay': did you mean 'role-play'\?"),
        ([CLAUSE | {"testable": False}], r"clause 'one': testable is false, so 'why' has to say why"),
        ([CLAUSE | {"why": "Because."}], r"clause 'one': 'why' is for clauses with testable: false"),
        (
            [CLAUSE | {"testable": False, "why": "No.", "hazards": ["drugs"], "dimensions": ["A"]}],
            r"clause 'one': testable is false, so it can have no hazards and no dimensions",
        ),
        ([CLAUSE | {"hazard": ["drugs"]}], r"clauses\.0\.hazard: there is no such field"),
        ([CLAUSE | {"status": "checked"}], r"clauses\.0\.status: Input should be 'verified' or 'secondary'"),
        ([CLAUSE | {"text": "a" * 400}], r"clauses\.0\.text: .*at most 399 characters"),
        ([{"id": "one"}], r"clauses\.0\.title: is needed, and is not there"),
    ],
)
def test_faults_of_clauses_are_told_with_file_place_and_mend(
    tmp_path: Path, clauses: list[dict[str, object]], told: str
) -> None:
    path = put(tmp_path, *clauses)
    with pytest.raises(ConfigError, match=told) as fault:
        find(str(path))
    assert str(fault.value).startswith(f"{path}: clauses")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("date", "last May", r"date: is no date: write 2024-07-26"),
        ("date", "2026-13", r"date: is no date"),
        ("date", "20260504", r"date: is no date"),
        ("date", "2026-W19-1", r"date: is no date"),
        ("date", "26", r"date: is no date"),
        ("in_force", "2026-02-30", r"in_force: is no date"),
        ("kind", "rumour", r"kind: Input should be 'law', 'standard', 'guideline', 'principles' or 'taxonomy'"),
        ("status", "memory", r"status: Input should be 'verified' or 'secondary'"),
        ("editor", "me", r"editor: there is no such field"),
    ],
)
def test_faults_of_the_file_are_told_with_their_field(tmp_path: Path, field: str, value: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_framework(put(tmp_path, CLAUSE, **{field: value}))


@pytest.mark.parametrize("value", ["2026", "2026-05", "2026-05-04"])
def test_a_date_may_be_as_exact_as_is_known(tmp_path: Path, value: str) -> None:
    assert read_framework(put(tmp_path, CLAUSE, date=value)).date == value


CHINESE = "生成式人工智能服务应当保护个人信息，不得侵害他人权益。"


@pytest.mark.parametrize("encoding", ["GB18030", "Big5"])
def test_text_in_a_chinese_encoding_is_refused_with_the_command_that_converts_it(tmp_path: Path, encoding: str) -> None:
    text = CHINESE if encoding == "GB18030" else "人工智慧服務應當保護個人資料,不得侵害他人的權益。"
    path = put(tmp_path, CLAUSE | {"text": text})
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    with pytest.raises(ConfigError, match=r"is not UTF-8 \(line \d+\); it is likely ") as fault:
        read_framework(path)
    assert f"iconv -f {encoding} -t UTF-8 " in str(fault.value)


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf16_is_known_by_its_mark_and_its_command_works(tmp_path: Path, mark: str) -> None:
    path = put(tmp_path, CLAUSE | {"text": CHINESE})
    bom = codecs.BOM_UTF16_LE if mark.endswith("le") else codecs.BOM_UTF16_BE
    path.write_bytes(bom + path.read_text(encoding="utf-8").encode(mark))
    with pytest.raises(ConfigError, match=r"it is likely UTF-16") as fault:
        read_framework(path)
    command = str(fault.value).partition("convert it with ")[2].partition(" and use that")[0]
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    path.write_bytes((tmp_path / "converted").read_bytes())
    (clause,) = read_framework(path).clauses
    assert clause.text == CHINESE


def test_utf8_with_a_mark_is_read(tmp_path: Path) -> None:
    path = put(tmp_path, CLAUSE | {"text": CHINESE})
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes())
    assert read_framework(path).clauses[0].text == CHINESE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: [", r"is not YAML"),
        ("- title", r"is not a mapping"),
        ("", r"is not a mapping"),
        ("title: a\ntitle: b\n", r"line 2: has 'title' twice in one mapping"),
        ("[" * 3000, r"is nested too deeply|is not YAML"),
    ],
)
def test_text_that_is_no_framework_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "house-rules.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told) as fault:
        read_framework(path)
    assert str(fault.value).startswith(str(path))


def test_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read \(No such file"):
        find(str(tmp_path / "nowhere.yaml"))


# ---------------------------------------------------------------------------------------------------------------------
# Names


def test_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no framework is named 'eu-ai': did you mean 'eu-ai-act'"):
        find("eu-ai")


def test_own_file_may_not_have_the_name_of_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a framework of that name is known already: name that, or rename the file"):
        find(str(put(tmp_path, CLAUSE, name="mas-feat.yaml")))


def test_own_file_needs_a_name_that_a_framework_may_have(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the file's name is the framework's: lower case"):
        find(str(put(tmp_path, CLAUSE, name="House_Rules.yaml")))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.mkdir()
    there.mkdir()
    register_file(str(put(here, CLAUSE)))
    register_file(str(put(here, CLAUSE)))
    with pytest.raises(
        ValueError, match=r"framework 'house-rules' is registered twice: by .*a/house.* and by .*b/house"
    ):
        register_file(str(put(there, CLAUSE)))


def test_framework_of_another_package_is_listed_and_found_by_its_entry_point(tmp_path: Path) -> None:
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tocsin.frameworks]\nhouse-rules = others_frameworks\n")
    (tmp_path / "others_frameworks.py").write_text(blocks(PAGE, "python")[0], encoding="utf-8")
    put(tmp_path, CLAUSE, title="House rules of another package")
    told = python(
        "import json\nfrom tocsin.compliance.framework import find\n"
        "from tocsin.evaluations.catalogue import listing\n"
        "listed = [about.title for about in listing('frameworks') if about.name == 'house-rules']\n"
        "print(json.dumps([listed, find('house-rules').clauses[0].id]))",
        path=tmp_path,
    )
    assert json.loads(told) == [["House rules of another package"], "one"]


def test_frameworks_are_listed_with_version_clauses_and_status() -> None:
    by_name = {about.name: about for about in listing("frameworks")}
    assert list(by_name) == registry.names("framework")
    nist = by_name["nist-ai-600-1"]
    assert nist.source == "https://doi.org/10.6028/NIST.AI.600-1"
    assert nist.tags == {
        "kind": "guideline",
        "version": "NIST AI 600-1",
        "date": "2024-07-26",
        "clauses": "12",
        "status": "verified",
    }


def test_the_command_says_what_its_numbers_count() -> None:
    told = python("import sys\nfrom tocsin.cli import main\nsys.argv[1:] = ['list', 'frameworks']\nmain()")
    (line,) = [line for line in told.splitlines() if line.startswith("nist-ai-600-1 ")]
    assert line.endswith("(guideline, NIST AI 600-1, 2024-07-26, 12 clauses, verified)")


def test_the_command_prints_the_same_with_json() -> None:
    told = json.loads(
        python("import sys\nfrom tocsin.cli import main\nsys.argv[1:] = ['list', 'frameworks', '--json']\nmain()")
    )
    assert {one["name"]: int(one["clauses"]) for one in told} == {
        name: len(find(name).clauses) for name in registry.names("framework")
    }
    assert all(one["title"] and one["source"] and one["licence"] and one["needs"] == [] for one in told)
