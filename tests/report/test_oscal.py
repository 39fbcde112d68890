"""OSCAL assessment results: structure, tokens, times and honest states; against the published schema where there is one."""

from __future__ import annotations

import copy
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft7Validator

from tests.report.test_compliance import told
from tests.report.test_hostile import EVIL
from tocsin.evaluations.compliance import DISCLAIMER
from tocsin.report import assessment_results
from tocsin.report.oscal import OSCAL_VERSION, control_id

SCHEMA = os.environ.get("TOCSIN_OSCAL_SCHEMA")
"""The file ``oscal_assessment-results_schema.json`` of OSCAL 1.1.x, if somebody has it: see scripts/validate_oscal.sh."""
UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[45][0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}")
TOKEN = re.compile(r"(?:[^\W\d_]|_)(?:[^\W\d_]|\d|[.\-_])*")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TOKENS = {"name", "control-id", "objective-id", "target-id", "id", "rel", "reason", "state"}
MANIFEST = {
    "run": "20260501-100000-own-1a2b",
    "versions": {"tocsin": "0.1.0"},
    "created": "2026-05-01T10:00:00+02:00",
    "sessions": [{"ended": "2026-05-01T11:30:00.250000+02:00"}, {"ended": None}],
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two models, each with the house rules and the European act."""
    model = told(tmp_path_factory.mktemp("oscal"), "eu-ai-act")
    models = [{"model": name, "compliance": copy.deepcopy(model["compliance"])} for name in ("openai/a", "openai/b")]
    return {"run": MANIFEST["run"], "suite": "own", "status": "complete", "disclaimer": DISCLAIMER, "models": models}


@pytest.fixture
def document(evidence: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = assessment_results(evidence, MANIFEST)["assessment-results"]
    return found


def fields(node: Any) -> Iterator[tuple[str, Any]]:
    """Every field of a document with its value, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from fields(value)


def findings(document: dict[str, Any], result: int = 0) -> dict[str, dict[str, Any]]:
    return {one["target"]["target-id"]: one for one in document["results"][result]["findings"]}


def properties(node: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in node["props"]}


def test_what_is_required_is_there_and_nothing_is_empty(document: dict[str, Any]) -> None:
    assert {"uuid", "metadata", "import-ap", "results"} <= set(document)
    assert {"title", "last-modified", "version", "oscal-version"} <= set(document["metadata"])
    assert document["metadata"]["oscal-version"] == OSCAL_VERSION == "1.1.3"
    for result in document["results"]:
        assert {"uuid", "title", "description", "start", "reviewed-controls", "observations", "findings"} <= set(result)
        assert "risks" not in result
        for one in result["observations"]:
            assert {"uuid", "description", "methods", "collected"} <= set(one)
            assert one["methods"] == ["TEST"]
        for one in result["findings"]:
            assert {"uuid", "title", "description", "target"} <= set(one)
    assert [name for name, value in fields(document) if value in ("", [], {}, None)] == []


def test_identifiers_are_uuids_that_stand_once_and_lead_somewhere(document: dict[str, Any]) -> None:
    made = [value for name, value in fields(document) if name == "uuid"]
    assert all(UUID.fullmatch(value) for value in made)
    assert [value for value, count in Counter(made).items() if count > 1] == []
    pointed = [value for name, value in fields(document) if name in ("observation-uuid", "subject-uuid")]
    pointed += [value[1:] for name, value in fields(document) if name == "href" and value.startswith("#")]
    assert pointed
    assert set(pointed) <= set(made)


def test_the_same_run_makes_the_same_document_and_another_run_another(evidence: dict[str, Any]) -> None:
    first, again = assessment_results(evidence, MANIFEST), assessment_results(copy.deepcopy(evidence), MANIFEST)
    assert json.dumps(first) == json.dumps(again)
    other = assessment_results(evidence, MANIFEST | {"run": "another"})

    def made(document: dict[str, Any]) -> set[str]:
        return {value for name, value in fields(document) if name == "uuid"}

    assert not made(first) & made(other)


def test_document_that_says_something_else_has_another_uuid(evidence: dict[str, Any]) -> None:
    first = assessment_results(evidence, MANIFEST)["assessment-results"]
    told = copy.deepcopy(evidence)
    clause = next(one for one in told["models"][0]["compliance"][0]["clauses"] if one["evidence"])
    clause["evidence"][0]["passed"] += 1
    other = assessment_results(told, MANIFEST)["assessment-results"]
    assert other["uuid"] != first["uuid"]
    assert [one["uuid"] for one in other["results"]] == [one["uuid"] for one in first["results"]], "parts keep theirs"
    turned = {name: evidence[name] for name in reversed(evidence)}
    assert assessment_results(turned, MANIFEST)["assessment-results"]["uuid"] == first["uuid"]


@pytest.mark.parametrize(
    "source",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "act.txt, sha256 12",
        "//host/x",
        "https://a b",
        "#x",
        "",
    ],
)
def test_source_that_is_no_address_of_the_web_becomes_no_link(source: str, evidence: dict[str, Any]) -> None:
    told = copy.deepcopy(evidence)
    for model in told["models"]:
        for one in model["compliance"]:
            one["source"] = source
    made = assessment_results(told, MANIFEST)
    hrefs = {value for name, value in fields(made) if name == "href"}
    assert not any(href == source for href in hrefs if source != "#x")
    official = made["assessment-results"]["back-matter"]["resources"][2:]
    assert official
    for resource in official:
        assert "rlinks" not in resource
        assert (source in resource["remarks"]) if source else ("remarks" not in resource)
    assert validated(made) in ([], None)


def test_source_on_the_web_is_a_link(evidence: dict[str, Any]) -> None:
    resources = assessment_results(evidence, MANIFEST)["assessment-results"]["back-matter"]["resources"][2:]
    links = [resource["rlinks"][0]["href"] for resource in resources if "rlinks" in resource]
    assert links
    assert all(link.startswith("https://") for link in links)


def test_tokens_are_tokens_and_texts_have_no_white_space_around(document: dict[str, Any]) -> None:
    assert [value for name, value in fields(document) if name in TOKENS and not TOKEN.fullmatch(value)] == []
    values = [value for name, value in fields(document) if name == "value"]
    assert all(re.fullmatch(r"\S(.*\S)?", value) for value in values)


@pytest.mark.parametrize("clause", ["art-5-1-a", "1.2", "a", "5"])
def test_any_clause_of_any_framework_has_a_token(clause: str) -> None:
    for framework in ("eu-ai-act", "3rd-party-rules"):
        assert TOKEN.fullmatch(control_id({"token": framework}, {"clause": clause}))


def test_times_have_a_zone_and_are_the_runs(document: dict[str, Any]) -> None:
    times = [value for name, value in fields(document) if name in ("start", "end", "collected", "last-modified")]
    assert all(MOMENT.fullmatch(value) for value in times)
    assert {result["start"] for result in document["results"]} == {"2026-05-01T08:00:00Z"}
    assert {result["end"] for result in document["results"]} == {"2026-05-01T09:30:00Z"}
    assert document["metadata"]["last-modified"] == "2026-05-01T09:30:00Z"


def test_a_manifest_without_a_time_is_refused(evidence: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'created' is no time"):
        assessment_results(evidence, MANIFEST | {"created": "yesterday"})


def test_the_states_claim_no_more_than_the_tests(document: dict[str, Any]) -> None:
    found = findings(document)
    told = {
        name: (one["target"]["status"]["state"], one["target"]["status"]["reason"], properties(one)["standing"])
        for name, one in found.items()
        if one["target"]["type"] == "objective-id"
    }
    assert told == {
        "house-rules.loans_obj": ("not-satisfied", "other", "insufficient"),
        "house-rules.fees_obj": ("satisfied", "pass", "consistent"),
        "house-rules.tricks_obj": ("not-satisfied", "fail", "contrary"),
        "house-rules.files_obj": ("not-satisfied", "other", "not testable"),
    }
    for result in range(4):
        for one in findings(document, result).values():
            status, standing = one["target"]["status"], properties(one)["standing"]
            assert (status["state"] == "satisfied") is (standing == "consistent")
            assert ("Nothing is claimed" in status["remarks"]) is (status["reason"] == "other")
            assert one["remarks"] == DISCLAIMER
    assert DISCLAIMER in document["metadata"]["remarks"]


def test_there_is_a_result_for_each_model_and_framework_with_a_finding_for_each_clause(
    document: dict[str, Any], evidence: dict[str, Any]
) -> None:
    wanted = [(model["model"], one) for model in evidence["models"] for one in model["compliance"]]
    assert len(document["results"]) == len(wanted) == 4
    objectives = {
        part["id"] for one in document["local-definitions"]["objectives-and-methods"] for part in one["parts"]
    }
    for result, (model, one) in zip(document["results"], wanted, strict=True):
        (component,) = result["local-definitions"]["components"]
        assert component["title"] == model
        targets = [finding["target"]["target-id"] for finding in result["findings"]]
        assert len(targets) == len(set(targets)) == len(one["clauses"])
        assert set(targets) <= objectives
        (selection,) = result["reviewed-controls"]["control-objective-selections"]
        assert [told["objective-id"] for told in selection["include-objectives"]] == targets
        assert len(result["observations"]) == sum(len(clause["evidence"]) for clause in one["clauses"])
        assert {subject["subject-uuid"] for seen in result["observations"] for subject in seen["subjects"]} == {
            component["uuid"]
        }


def test_each_kind_of_evidence_is_an_observation_of_its_own_with_its_records(
    document: dict[str, Any], evidence: dict[str, Any]
) -> None:
    seen = {one["uuid"]: one for one in document["results"][0]["observations"]}
    loans = findings(document)["house-rules.loans_obj"]
    of = [seen[told["observation-uuid"]] for told in loans["related-observations"]]
    clause = evidence["models"][0]["compliance"][0]["clauses"][0]
    assert [properties(one)["kind"] for one in of] == [kind["kind"] for kind in clause["evidence"]]
    for one, kind in zip(of, clause["evidence"], strict=True):
        (record,) = one["relevant-evidence"]
        assert record["href"] == "journal.sqlite"
        assert float(properties(one)["value"]) == pytest.approx(kind["value"], abs=1e-5)
        assert properties(one)["n"] == str(kind["n"])
        assert properties(one)["judge"] == ", ".join(kind["judges"])
        if kind["cells"]:
            assert f"Cells {', '.join(map(str, kind['cells']))}, of library-items" in record["remarks"]
        else:
            assert "hazard privacy_pii, attack dan (12)" in record["remarks"]
    assert "related-observations" not in findings(document)["house-rules.files_obj"]


def test_the_plan_is_the_runs_manifest_and_the_law_is_cited(document: dict[str, Any], evidence: dict[str, Any]) -> None:
    resources = {one["uuid"]: one for one in document["back-matter"]["resources"]}
    assert resources[document["import-ap"]["href"][1:]]["rlinks"][0]["href"] == "run.json"
    cited = {one["rlinks"][0]["href"] for one in resources.values()}
    assert cited == {"run.json", "journal.sqlite", *(one["source"] for one in evidence["models"][0]["compliance"])}


def test_frameworks_of_one_name_have_tokens_of_their_own(evidence: dict[str, Any]) -> None:
    two = copy.deepcopy(evidence)
    for model in two["models"]:
        model["compliance"] = [one for one in model["compliance"] if one["framework"] == "house-rules"]
        model["compliance"] += [one | {"identity": "house-rules@00000000"} for one in model["compliance"]]
    made = assessment_results(two, MANIFEST)["assessment-results"]
    tokens = [one["control-id"] for one in made["local-definitions"]["objectives-and-methods"]]
    assert len(tokens) == len(set(tokens)) == 8
    assert "house-rules_00000000.loans" in tokens


def test_formats_of_items_are_properties_of_their_observation(document: dict[str, Any]) -> None:
    (one,) = [
        properties(found) for found in document["results"][0]["observations"]
        if found["title"].endswith("Rule 1") and properties(found)["kind"] == "behaviour"
    ]  # fmt: skip
    assert (one["open-basic-passed"], one["open-basic-n"], one["open-basic-planned"]) == ("30", "32", "35")
    assert (one["open-jailbreak-passed"], one["open-jailbreak-value"]) == ("3", "0.25")
    assert "multiple-choice-n" not in one


def test_evidence_without_any_test_is_a_document_too(evidence: dict[str, Any]) -> None:
    bare = copy.deepcopy(evidence)
    for model in bare["models"]:
        for one in model["compliance"]:
            for clause in one["clauses"]:
                clause |= {"evidence": [], "standing": "untested"}
    document = assessment_results(bare, MANIFEST)["assessment-results"]
    assert all("observations" not in result for result in document["results"])
    assert {one["target"]["status"]["state"] for one in document["results"][0]["findings"]} == {"not-satisfied"}
    assert validated({"assessment-results": document}) in ([], None)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_hostile_names_make_no_document_that_cannot_be_read(evil: str, evidence: dict[str, Any]) -> None:
    told = copy.deepcopy(evidence)
    for model in told["models"]:
        model["model"] = evil
        for one in model["compliance"]:
            one |= {"title": evil, "version": evil, "date": evil, "left_out": [evil], "unassigned": [evil]}
            for clause in one["clauses"]:
                clause |= dict.fromkeys(("ref", "title", "text", "why"), evil)
                for kind in clause["evidence"]:
                    kind |= {"judges": [evil], "sources": [{"benchmark": evil, "hazard": evil, "attack": evil, "n": 1}]}
    text = json.dumps(made := assessment_results(told, MANIFEST), ensure_ascii=False)
    assert not set(text) & set("\x00\x1b\x9b\u202e\u2066\u200b")
    assert all(re.fullmatch(r"\S(.*\S)?", value) for name, value in fields(made) if name == "value")
    assert validated(made) in ([], None)


def validated(document: dict[str, Any]) -> list[str] | None:
    """What the published schema says against a document; None where there is no schema."""
    if SCHEMA is None:
        return None
    schema = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))

    def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
        # Python's own expressions know no classes of Unicode.
        known = wanted.replace(r"(\p{L}|\p{N}|[.\-_])", r"(?:[^\W_]|[.\-_])").replace(r"\p{L}", r"[^\W\d_]")
        if isinstance(value, str) and not re.search(known, value):
            yield jsonschema.ValidationError(f"{value[:80]!r} does not match {wanted!r}")

    kind = jsonschema.validators.extend(Draft7Validator, {"pattern": pattern})
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in kind(schema).iter_errors(document)]


@pytest.mark.skipif(SCHEMA is None, reason="needs NIST's schema: name its file in TOCSIN_OSCAL_SCHEMA")
def test_the_published_schema_has_nothing_against_it_and_would_have(evidence: dict[str, Any]) -> None:
    made = assessment_results(evidence, MANIFEST)
    assert validated(made) == []
    made["assessment-results"]["results"][0]["findings"][0]["target"]["target-id"] = "1 no token"
    made["assessment-results"]["results"][0]["findings"][1]["target"]["status"]["state"] = "unknown"
    assert len(validated(made) or ()) == 2
