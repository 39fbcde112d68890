"""Manifests that are cut or were mended by hand end in a fault that names what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.results import gated
from tocsin.api import load_run
from tocsin.journal import JournalError


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda m: m.update(benchmarks={}), "benchmarks.cases"),
        (lambda m: m["suite"].pop("version"), "suite.version"),
        (lambda m: m.update(left_out=[{}]), "left_out.0.benchmark"),
        (
            lambda m: m["benchmarks"]["cases"].update(dataset={"files": [{"sha256": "a"}]}),
            "benchmarks.cases.dataset.files.0.path",
        ),
        (lambda m: m.update(suite=None), "suite as an object"),
        (lambda m: m.update(targets={}), "targets as a list"),
        (lambda m: m["judges"].update(refusal={}), "judges.refusal.identity"),
    ],
)
def test_what_a_manifest_lacks_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], named: str) -> None:
    run = gated.run(tmp_path / "run", gated.cases(2))
    assert load_run(run).summary["status"] == "complete"
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    change(told)
    (run / "run.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(JournalError) as fault:
        load_run(run)
    assert f"it lacks {named}" in str(fault.value)
