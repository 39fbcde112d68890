"""JUnit XML, SARIF and Markdown of a gate: of the form that others read, whatever the names in them are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tocsin.report.gate_formats import junit, markdown, sarif
from tocsin.results.gate_result import Check, GateResult

NASTY = (
    "a\"b'c<script>alert(1)</script>&amp;]]>\x00\x0b\x1b[31m\u202ertl\ud800\uffff\ufffe"
    "| cell\n::error::injected\n<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e; `code` @team #12 http://x.example"
)

TEXT = {"type": "string"}
MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": TEXT}, "additionalProperties": False}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "additionalProperties": False,
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "additionalProperties": False,
                                "properties": {
                                    "name": TEXT,
                                    "version": TEXT,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": TEXT,
                                                "shortDescription": MESSAGE,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "properties": {
                                                        "level": {"enum": ["none", "note", "warning", "error"]}
                                                    },
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "automationDetails": {"type": "object", "properties": {"id": TEXT}},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "properties": {"type": "object"},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": TEXT,
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": MESSAGE,
                                "properties": {"type": "object"},
                                "partialFingerprints": {"type": "object", "additionalProperties": TEXT},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "type": "object",
                                                        "properties": {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": r"^[A-Za-z0-9._~%!$&'()*+,;=:@/-]+$",
                                                            }
                                                        },
                                                    },
                                                    "region": {
                                                        "type": "object",
                                                        "properties": {"startLine": {"type": "integer", "minimum": 1}},
                                                    },
                                                },
                                            },
                                            "logicalLocations": {"type": "array", "uniqueItems": True},
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
"""What SARIF 2.1.0's schema (OASIS, 2020) says of the parts that are written, and nothing else besides them."""


def check(
    rule: str = "safe", *, passed: bool = False, model: str | None = "some/model", about: str = "x", **more: Any
) -> Check:
    return Check(
        rule=rule,
        kind="threshold",
        model=model,
        about=about,
        passed=passed,
        reason=more.pop("reason", "Because."),
        **more,
    )


def result(*checks: Check, **more: Any) -> GateResult:
    told: dict[str, Any] = {
        "policy": {"name": "p", "title": "A policy", "version": 1, "identity": "p@00000000", "file": None},
        "run": "a-run", "suite": "own", "status": "complete", "models": ["some/model"],
    }  # fmt: skip
    return GateResult(passed=all(one.passed for one in checks), checks=list(checks), **(told | more))


def nasty(text: str = NASTY) -> GateResult:
    score = {"benchmark": text, "metric": "safe_rate"}
    one = check(about=text, model=text, reason=text, score=score, title=text, notes=(text,), reads={"judge": text})
    about = {"name": "p", "title": text, "version": 1, "identity": "p@00000000", "file": None}
    return result(
        one, check("other", passed=True, model=None), run=text, suite=text, status=text, flags=[text], policy=about
    )


def valid_junit(text: str) -> ElementTree.Element:
    """The tree of a report, once it is of the form of Jenkins' junit-10.xsd: elements, their order, attributes and types."""
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert root.tag == "testsuites"
    count = re.compile(r"\d+")
    assert set(root.attrib) <= {"name", "time", "tests", "failures", "disabled", "errors"}
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) <= {
            "name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package",
        }  # fmt: skip
        assert {"name", "tests"} <= set(suite.attrib)
        assert all(count.fullmatch(suite.attrib[name]) for name in ("tests", "failures", "errors"))
        tags = [one.tag for one in suite]
        assert (
            tags == ["properties"] * (tags[:1] == ["properties"]) + ["testcase"] * suite.findall("testcase").__len__()
        )
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        for one in suite.iter("property"):
            assert set(one.attrib) == {"name", "value"}
        for case in suite.iter("testcase"):
            assert set(case.attrib) <= {"name", "assertions", "time", "classname", "status", "class", "file", "line"}
            assert {"name", "classname"} <= set(case.attrib)
            assert [one.tag for one in case] in ([], ["failure"])
        for failure in suite.iter("failure"):
            assert set(failure.attrib) == {"type", "message"}
    assert int(root.attrib["tests"]) == sum(int(suite.attrib["tests"]) for suite in root)
    return root


def test_junit_has_a_suite_for_each_model_and_a_case_for_each_check() -> None:
    told = result(check(), check("finished", passed=True), check(model="other/model", passed=True))
    root = valid_junit(junit(told))
    assert [suite.attrib["name"] for suite in root] == ["some/model", "other/model"]
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["safe: x", "finished: x", "safe: x"]
    (failure,) = root.iter("failure")
    assert failure.attrib == {"type": "threshold", "message": "Because."}
    assert (root.attrib["tests"], root.attrib["failures"]) == ("3", "1")


def test_sarif_is_of_its_schema_and_has_a_result_for_each_failure() -> None:
    told = json.loads(sarif(result(check(), check("finished", passed=True), check("safe", about="y"))))
    Draft7Validator(SARIF).validate(told)
    (run,) = told["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["safe", "finished"]
    assert [one["ruleId"] for one in run["results"]] == ["safe", "safe"]
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    assert {one["level"] for one in run["results"]} == {"error"}
    assert run["properties"]["checks"] == 3
    assert run["automationDetails"]["id"] == "tocsin-gate/p/"


def test_fingerprints_are_stable_and_tell_results_apart() -> None:
    def marks(told: GateResult) -> list[str]:
        return [one["partialFingerprints"]["tocsinCheck/v1"] for one in json.loads(sarif(told))["runs"][0]["results"]]

    one = marks(result(check(), check(about="y"), check(model="other/model")))
    assert len(set(one)) == 3
    assert one == marks(
        result(check(reason="Another figure."), check(about="y"), check(model="other/model"), run="later")
    )


def test_a_result_of_ones_own_policy_is_at_the_line_of_its_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def place(file: str | None, **lines: int) -> dict[str, Any]:
        about = {"name": "p", "title": "", "version": 1, "identity": "p@0", "file": file}
        (one,) = json.loads(sarif(result(check(), policy=about, lines=lines)))["runs"][0]["results"]
        told: dict[str, Any] = one["locations"][0]["physicalLocation"]
        return told

    assert place("ci/my gate.yaml", safe=7) == {
        "artifactLocation": {"uri": "ci/my%20gate.yaml"}, "region": {"startLine": 7},
    }  # fmt: skip
    assert place("/etc/../secret/gate.yaml", safe=7)["artifactLocation"] == {"uri": "gate.yaml"}
    assert place(None, safe=7) == {"artifactLocation": {"uri": "run.json"}, "region": {"startLine": 1}}


def test_names_that_are_hostile_stay_text_in_every_form() -> None:
    told = nasty()
    root = valid_junit(junit(told))
    assert {one.tag for one in root.iter()} == {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
    }
    assert "<!DOCTYPE" not in junit(told)
    Draft7Validator(SARIF).validate(json.loads(sarif(told)))
    assert sarif(told).isascii()
    text = markdown(told)
    assert "<script" not in text
    assert "@team" not in text
    assert "http://x" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {5}
    assert not any(line.startswith("::") for line in text.splitlines())


def test_names_make_no_links_and_no_placeholders_in_sarif() -> None:
    (run,) = json.loads(sarif(nasty(r"[Fix available](https://evil.example/x) {0} \[a](b)")))["runs"]
    texts = run["results"][0]["message"]["text"], run["tool"]["driver"]["rules"][0]["shortDescription"]["text"]
    for text in texts:
        assert r"\[Fix available\](https://evil.example/x) {{0}} \\\[a\](b)" in text
        plain = re.sub(r"\\[\\\[\]]|\{\{|\}\}", "", text)
        assert not set(plain) & set("\\[]{}")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_whatever_a_name_is_the_forms_stay_whole(text: str) -> None:
    told = nasty(text)
    valid_junit(junit(told))
    Draft7Validator(SARIF).validate(json.loads(sarif(told)))
    assert markdown(told).count("\n| ") == 2 + 2
    markdown(told).encode("utf-8")


def test_a_reason_of_a_megabyte_is_cut() -> None:
    told = result(check(reason="x" * 1_000_000))
    assert max(map(len, (junit(told), sarif(told), markdown(told)))) < 10_000


def test_markdown_says_what_failed_first_and_closes_what_passed() -> None:
    text = markdown(result(check(), check("finished", passed=True), flags=["rule safe reads the mere estimate"]))
    assert text.startswith("### Gate p failed: 1 of 2 checks\n")
    assert text.index("**failed**") < text.index("mere estimate") < text.index("<details>") < text.index("| passed |")
    assert markdown(result(check(passed=True))).startswith("### Gate p passed\n")
