"""What a gate says, for other programs: JUnit XML, SARIF 2.1.0, and Markdown for a pull request.

Names of models, benchmarks and hazards come from run folders and may hold anything. They are made fit to show
(`tocsin.report.clean`), which leaves no character that XML 1.0 does not allow, and then escaped. No prompt and no answer is in a
gate's result.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree  # it writes, and reads nothing

from tocsin._version import __version__
from tocsin.report import clean
from tocsin.results.gate_result import Check, GateResult

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_REASON = 1000
_WHOLE = "the run as a whole"


def junit(result: GateResult) -> str:
    """JUnit XML: a suite for each model, a test case for each check, in the form that Jenkins and GitLab read.

    Checks take no time, so every ``time`` is 0.
    """
    name = clean.name(f"tocsin gate {result.policy['name']}")
    root = ElementTree.Element("testsuites", _counted(result.checks, name=name))
    for model in _models(result):
        mine = [check for check in result.checks if check.model == model]
        suite = ElementTree.SubElement(root, "testsuite", _counted(mine, name=clean.name(model or _WHOLE)))
        properties = ElementTree.SubElement(suite, "properties")
        for key, value in _about(result).items():
            ElementTree.SubElement(properties, "property", {"name": key, "value": clean.name(value)})
        for check in mine:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                {"name": clean.name(_named(check)), "classname": _classname(result, model), "time": "0"},
            )
            if not check.passed:
                reason = clean.name(check.reason, most=_REASON)
                failure = ElementTree.SubElement(case, "failure", {"message": reason, "type": check.kind})
                failure.text = "\n".join([reason, *(clean.name(note) for note in check.notes)])
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _counted(checks: list[Check], **more: str) -> dict[str, str]:
    failed = sum(not check.passed for check in checks)
    return more | {"tests": str(len(checks)), "failures": str(failed), "errors": "0", "time": "0"}


def _classname(result: GateResult, model: str | None) -> str:
    """Jenkins takes a point for the end of a package, so a name has none of its own."""
    parts = ("tocsin", result.policy["name"], model or "run")
    return ".".join(clean.name(part).replace(".", "_") for part in parts)


def sarif(result: GateResult) -> str:
    """SARIF 2.1.0 (OASIS, 2020): a rule for each of the policy's that were checked, a result for each check that failed.

    Checks that passed are no results, since code hosts show every result as an alert; their number is among the run's properties.
    Each result is at the rule's line in the policy's file, or, for a policy of tocsin's own, at the run's ``run.json``.
    """
    rules = list(dict.fromkeys(check.rule for check in result.checks))
    titles = {check.rule: check.title for check in reversed(result.checks) if check.title}
    told = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "tocsin",
                        "version": __version__,
                        "rules": [
                            {
                                "id": rule,
                                "shortDescription": {"text": _message(titles.get(rule) or rule)},
                                "defaultConfiguration": {"level": "error"},
                            }
                            for rule in rules
                        ],
                    }
                },
                "automationDetails": {"id": f"tocsin-gate/{clean.name(result.policy['name'])}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(result, check, rules) for check in result.failed],
                "properties": _about(result)
                | {
                    "passed": result.passed,
                    "checks": len(result.checks),
                    "failed": len(result.failed),
                    "flags": [clean.name(flag) for flag in result.flags],
                },
            }
        ],
    }
    return json.dumps(told, ensure_ascii=True, indent=1) + "\n"


def _result(result: GateResult, check: Check, rules: list[str]) -> dict[str, Any]:
    address = [check.rule, check.model, check.about, check.score]
    mark = hashlib.sha256(json.dumps(address, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    own = result.policy["file"]
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(own) if own else "run.json"}}
    place["region"] = {"startLine": result.lines.get(check.rule, 1) if own else 1}
    return {
        "ruleId": check.rule,
        "ruleIndex": rules.index(check.rule),
        "level": "error",
        "kind": "fail",
        "message": {"text": _message(f"{check.model or _WHOLE}, {_named(check)}: {check.reason}", most=_REASON)},
        "locations": [
            {
                "physicalLocation": place,
                "logicalLocations": [
                    {"fullyQualifiedName": clean.name(f"{check.model or _WHOLE}/{check.about or check.rule}")}
                ],
            }
        ],
        "partialFingerprints": {"tocsinCheck/v1": mark},
        "properties": {
            "kind": check.kind,
            "model": clean.name(check.model or _WHOLE),
            "threshold": _cleaned(check.threshold),
            "reads": _cleaned(check.reads or {}),
            "score": _cleaned(check.score or {}),
            "details": _cleaned(check.details or {}),
            "notes": [clean.name(note) for note in check.notes],
        },
    }


def _message(text: str, *, most: int = clean.NAME) -> str:
    """A plain text message, in which names make no links and no placeholders (SARIF 2.1.0, sections 3.11.5 and 3.11.6)."""
    return re.sub(r"[\\\[\]]", r"\\\g<0>", clean.name(text, most=most)).replace("{", "{{").replace("}", "}}")


def _uri(path: str) -> str:
    """A path as a relative reference where it lies below the working folder, as code hosts want it; else its name alone."""
    real, here = Path(path).resolve(), Path.cwd().resolve()
    told = real.relative_to(here) if real.is_relative_to(here) else PurePath(real.name)
    return quote(told.as_posix(), errors="backslashreplace")


def _cleaned(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: clean.name(value) if isinstance(value, str) else value for key, value in told.items()}


def markdown(result: GateResult) -> str:
    """Markdown for a pull request: the verdict, what failed and why, and what passed in a part that is closed."""
    told = clean.markdown
    failed, passed = result.failed, [check for check in result.checks if check.passed]
    word = "passed" if result.passed else f"failed: {len(failed)} of {len(result.checks)} checks"
    lines = [f"### Gate {told(result.policy['name'])} {word}", ""]
    against = f", against the baseline {told(result.baseline)}" if result.baseline else ""
    title = f": {told(result.policy['title'], most=400)}" if result.policy["title"] else ""
    lines += [
        f"Run {told(result.run)}, suite {told(result.suite)}, {told(result.status)}{against}."
        f" Policy {told(result.policy['identity'])}{title}.",
        "",
    ]
    if failed:
        lines += [*_rows(failed), ""]
    if result.judges:
        lines += [f"Judged by {', '.join(map(told, result.judges))}.", ""]
    lines += [f"- {told(flag, most=400)}" for flag in result.flags]
    if passed:
        lines += [
            "",
            "<details>",
            f"<summary>{len(passed)} checks passed</summary>",
            "",
            *_rows(passed),
            "",
            "</details>",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _rows(checks: list[Check]) -> list[str]:
    told = clean.markdown
    return [
        "| | model | check | why |",
        "|---|---|---|---|",
        *(
            f"| {'passed' if check.passed else '**failed**'} | {told(check.model or _WHOLE)} | {told(_named(check))} |"
            f" {told(check.reason, most=_REASON)} |"
            for check in checks
        ),
    ]


def _models(result: GateResult) -> list[str | None]:
    return list(dict.fromkeys(check.model for check in result.checks))


def _named(check: Check) -> str:
    return f"{check.rule}: {check.about}" if check.about else check.rule


def _about(result: GateResult) -> dict[str, str]:
    """What a reader of every form has to know of a result."""
    told = {
        "policy": result.policy["identity"],
        "run": result.run,
        "suite": result.suite,
        "status": result.status,
        "baseline": result.baseline or "",
    }
    return {key: clean.name(value) for key, value in told.items()}
