"""The command that does a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from tocsin.evaluations.suite import EVALUATIONS, read_suite, suite_names
from tocsin.report import clean

AD_HOC = "own"
"""Name of the suite of a run for which benchmarks or cases are named and no suite."""

OWN_CASES = "cases"
"""Name of the benchmark that ``--cases`` makes."""


def again(manifest: dict[str, Any]) -> str:
    """The command that does a run again: names from the manifest, quoted for a shell."""
    if "rejudged" in manifest:
        return _rejudge_again(manifest)
    return _transfer_again(manifest) if "transferred" in manifest else _again(manifest)


def _again(manifest: dict[str, Any]) -> str:
    """The command that plans the same run: names from the manifest, quoted for a shell."""
    suite = manifest["suite"]
    benchmarks = [name for name in manifest["benchmarks"] if name != OWN_CASES]
    base = read_suite(suite["name"]) if suite["name"] in suite_names() else None
    parts: list[str] = ["tocsin", "assess", *(target["name"] for target in manifest["targets"])]
    if suite["name"] != AD_HOC:
        parts += ["--suite", suite["name"] if base else "FILE"]
    left_out = {one["benchmark"] for one in manifest.get("left_out", ()) if not one.get("model")}
    usual = [entry.name for entry in base.benchmarks if entry.name not in left_out] if base else []
    if benchmarks and (suite["name"] == AD_HOC or (base and benchmarks != usual)):
        parts += ["--benchmark", ",".join(benchmarks)]
    if OWN_CASES in manifest["benchmarks"]:
        parts += ["--cases", _own_file(manifest["benchmarks"][OWN_CASES])]
    if tuple(suite.get("evaluations", EVALUATIONS)) != EVALUATIONS:
        parts += ["--evaluation", ",".join(suite["evaluations"])]
    for option in ("judge", "limit", "seed"):
        if suite.get(option) is not None and (base is None or getattr(base, option) != suite[option]):
            parts += [f"--{option}", str(suite[option])]
    shipped = base.model_dump(mode="json") if base else {}
    attacked, before = suite.get("adversarial") or {}, shipped.get("adversarial") or {}
    if attacked.get("attacks") and attacked["attacks"] != before.get("attacks"):
        parts += ["--attack", ",".join(attacked["attacks"])]
    if attacked.get("mode", "exhaustive") != before.get("mode", "exhaustive"):
        parts += ["--mode", attacked["mode"]]
    if (rule := suite.get("stopping")) and rule != shipped.get("stopping"):
        parts += ["--precision", str(rule["precision"])] if rule["precision"] is not None else []
        parts += ["--decide"] if rule["decide"] else []
    if manifest.get("difficulty"):
        parts += ["--prepared", "PREPARED"]
    for role, model in (suite.get("roles") or {}).items():
        parts += ["--role", f"{role}={model}"]
    if suite.get("repeats", 1) != 1:
        parts += ["--repeats", str(suite["repeats"])]
    for licence in manifest["licences_accepted"]:
        parts += ["--accept-licence", licence]
    return " ".join(_quoted(parts))


def _transfer_again(manifest: dict[str, Any]) -> str:
    """The command that puts the same to the same models."""
    told = manifest["transferred"]
    models = (target["name"] for target in manifest["targets"])
    return " ".join(_quoted(["tocsin", "transfer", told["run"], *models, "--from", told["source"]]))


def _rejudge_again(manifest: dict[str, Any]) -> str:
    """The command that judges the same answers in the same way."""
    suite = manifest["suite"]
    parts = ["tocsin", "rejudge", manifest["rejudged"]["run"], "--judge", str(suite["judge"])]
    for role, model in (suite.get("roles") or {}).items():
        parts += ["--role", f"{role}={model}"]
    return " ".join(_quoted([*parts, *(["--partial"] if manifest["rejudged"].get("partial") else [])]))


def _own_file(about: dict[str, Any]) -> str:
    files = about["dataset"].get("files") or [{"path": "FILE"}]
    return str(files[0]["path"])


def _quoted(parts: Iterable[object]) -> list[str]:
    return [shlex.quote(clean.name(part)) for part in parts]
