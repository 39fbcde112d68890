"""What every framework keeps to, from the moment its file exists."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

import pytest

from tocsin import registry
from tocsin.attacks.contract import FAMILIES
from tocsin.compliance.contract import FrameworkKind, Status
from tocsin.compliance.framework import LONGEST, Framework, find
from tocsin.compliance.hazards import usable

NAMES = registry.names("framework")
COUNTS = {
    "nist-ai-600-1": 12,
    "eu-ai-act": 24,
    "mas-feat": 14,
    "china-tc260": 31,
    "china-interim-measures": 7,
    "owasp-llm-2025": 10,
    "mitre-atlas": 16,
    "mlcommons-ailuminate": 12,
    "korea-ai-basic-act": 5,
    "japan-aisi": 10,
    "singapore-mgf": 13,
}
"""Clauses of each framework that ships, as the official text or, for MITRE ATLAS, our choice of it, has them."""
ITEMS = {"nist-ai-600-1": "NIST", "eu-ai-act": "EU_AI_Act", "mas-feat": "FEAT"}
"""Framework → the file of the report's items that were written for it."""


@pytest.fixture(params=NAMES)
def framework(request: pytest.FixtureRequest) -> Framework:
    return find(request.param)


def day(text: str) -> date:
    return date.fromisoformat({4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text))


def test_those_of_the_issue_ship() -> None:
    assert set(COUNTS) <= set(NAMES)
    assert {name: len(find(name).clauses) for name in COUNTS} == COUNTS


def test_it_says_what_it_is(framework: Framework) -> None:
    about = framework.about()
    assert about.name == framework.name
    assert registry.NAME.fullmatch(about.name)
    assert 10 <= len(about.title) <= 200
    assert about.licence
    assert framework.kind in get_args(FrameworkKind)
    assert framework.status in get_args(Status)
    assert framework.jurisdiction
    assert framework.notes, "what was checked, and what is missing, has to be said"
    assert any("inferred" in note for note in framework.notes)


def test_its_link_is_a_secure_one(framework: Framework) -> None:
    link = urlsplit(framework.source)
    assert link.scheme == "https"
    assert "." in link.netloc


def test_its_dates_are_days_that_were(framework: Framework) -> None:
    if not framework.date:
        assert any("no date" in note or "none is given" in note for note in framework.notes), (
            "why there is no date is said"
        )
        assert framework.in_force is None
        return
    assert date(2015, 1, 1) < day(framework.date) < date(2030, 1, 1)
    if framework.in_force is not None:
        assert day(framework.date) <= day(framework.in_force)


def test_its_clauses_are_told_apart(framework: Framework) -> None:
    assert [name for name, count in Counter(clause.id for clause in framework.clauses).items() if count > 1] == []
    assert [name for name, count in Counter(clause.ref for clause in framework.clauses).items() if count > 1] == []
    assert [clause.id for clause in framework.clauses if not registry.NAME.fullmatch(clause.id)] == []
    for clause in framework.clauses:
        assert framework.clause(clause.id) is clause


def test_its_clauses_say_what_they_ask_in_a_sentence_or_two(framework: Framework) -> None:
    for clause in framework.clauses:
        assert clause.ref, clause.id
        assert clause.title, clause.id
        assert 10 <= len(clause.text) <= LONGEST < 400, clause.id
        assert clause.text.endswith((".", ").")), clause.id
        assert clause.text.count(". ") <= 1, clause.id
        assert clause.status in get_args(Status), clause.id


def test_its_evidence_exists(framework: Framework) -> None:
    for clause in framework.clauses:
        assert set(clause.hazards) <= usable(), clause.id
        assert set(clause.attacks) <= set(FAMILIES) - {"none"}, clause.id
        for names in (clause.hazards, clause.attacks, clause.dimensions):
            assert len(set(names)) == len(names), clause.id


def test_what_no_test_can_show_has_no_tests_and_says_why(framework: Framework) -> None:
    for clause in framework.clauses:
        if clause.testable:
            assert not clause.why, clause.id
        else:
            assert clause.why, clause.id
            assert (clause.hazards, clause.dimensions, clause.attacks) == ((), (), ()), clause.id


def test_a_clause_about_minors_is_never_tested(framework: Framework) -> None:
    for clause in framework.clauses:
        if "child" in clause.title.lower() or "minor" in clause.title.lower():
            assert not clause.testable, clause.id
            assert "SECURITY.md" in clause.why, clause.id


def test_each_dimension_leads_to_the_clause_that_names_it(framework: Framework) -> None:
    for clause in framework.clauses:
        for dimension in clause.dimensions:
            assert framework.clause_of(dimension) is clause
            below = framework.clause_of(f"{dimension} -> Something below")
            assert below is clause


def test_the_counts_within_frameworks_are_those_of_the_official_texts() -> None:
    eu = [clause.ref for clause in find("eu-ai-act").clauses]
    assert [ref for ref in eu if ref.startswith("Art. 5(1)")] == [f"Art. 5(1)({letter})" for letter in "abcdefgh"]
    assert [ref for ref in eu if ref.startswith("Art. 50")] == [f"Art. 50({number})" for number in range(1, 5)]
    assert sum(ref.startswith("Code of Practice") for ref in eu) == 4
    groups = Counter(clause.group[:3] for clause in find("china-tc260").clauses)
    assert groups == {"A.1": 8, "A.2": 9, "A.3": 5, "A.4": 7, "A.5": 2}
    feat = Counter(clause.group.partition(":")[0] for clause in find("mas-feat").clauses)
    assert feat == {"Fairness": 4, "Ethics": 2, "Accountability": 5, "Transparency": 3}
    singapore = Counter(clause.group for clause in find("singapore-mgf").clauses)
    assert singapore == {"Model AI Governance Framework": 9, "Starter kit": 4}


def test_status_of_a_clause_is_the_frameworks_unless_it_says_its_own() -> None:
    korea = find("korea-ai-basic-act")
    assert korea.status == "secondary"
    assert {clause.id: clause.status for clause in korea.clauses if clause.status == "verified"} == {
        "art-31": "verified"
    }
    assert {clause.status for clause in find("nist-ai-600-1").clauses} == {"verified"}


@pytest.mark.parametrize("name", sorted(ITEMS))
def test_every_item_of_the_report_belongs_to_one_clause(name: str, shared_data: Path) -> None:
    path = shared_data / "report_2601_10527" / f"compliance_{ITEMS[name]}.json"
    if not path.is_file():
        pytest.skip("the items of the report arXiv 2601.10527 are not here")
    framework = find(name)
    groups = json.loads(path.read_text(encoding="utf-8"))
    dimensions = {group["dimension"] for group in groups}
    assert len(dimensions) == len(groups)
    assert [dimension for dimension in sorted(dimensions) if framework.clause_of(dimension) is None] == []
    reached = {clause.id for dimension in dimensions if (clause := framework.clause_of(dimension))}
    claiming = {clause.id for clause in framework.clauses if clause.dimensions}
    assert reached == claiming, "a clause that names a dimension has an item"


def test_the_reports_items_fall_to_clauses_as_noted(shared_data: Path) -> None:
    folder = shared_data / "report_2601_10527"
    if not (folder / "compliance_NIST.json").is_file():
        pytest.skip("the items of the report arXiv 2601.10527 are not here")

    def groups(name: str) -> Counter[str]:
        framework, found = find(name), Counter[str]()
        for group in json.loads((folder / f"compliance_{ITEMS[name]}.json").read_text(encoding="utf-8")):
            clause = framework.clause_of(group["dimension"])
            found[clause.id if clause else "no clause"] += 1
        return found

    assert groups("eu-ai-act") == {
        "art-5-1-a": 3, "art-5-1-b": 3, "art-5-1-c": 3, "art-5-1-d": 2,
        "art-5-1-e": 2, "art-5-1-f": 2, "art-5-1-g": 5, "art-5-1-h": 7,
    }  # fmt: skip
    assert set(groups("mas-feat").values()) == {1}
    assert len(groups("mas-feat")) == 14
    assert groups("nist-ai-600-1") == {
        "cbrn": 2, "dangerous-violent-hateful": 6, "obscene-degrading-abusive": 2, "confabulation": 1,
        "information-integrity": 3, "harmful-bias": 3, "data-privacy": 2, "intellectual-property": 3,
    }  # fmt: skip
