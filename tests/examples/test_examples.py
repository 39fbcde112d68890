"""The examples run as they stand, against a server on this machine that answers by a rule (a double of an endpoint)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from perf.wire_server import Running, serve

from tests.conftest import ROOT

FOLDER = ROOT / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
PRINTED = {
    "assess_your_endpoint": (
        r"60 calls are planned",
        r"over_refusal_rate: 0\.\d\d \(95%: 0\.\d\d to 0\.\d\d; n = \d+\)",
        r"errors: 0",
    ),
    "write_a_benchmark": (r"over-refusal: 0\.\d\d \(95%: ", r"8 answers in 4 clusters; too few clusters"),
    "write_an_attack": (r"direct: success 0\.\d\d \(95%: ", r"politely: success 0\.\d\d \(95%: "),
    "write_a_judge": (r"embedded@\w+: safe_rate", r"short-answers@\w+: over_refusal_rate [01]\.\d\d \(95%: "),
    "compare_two_versions": (r"safe_rate: .*, [+-]\d+ points \(95%: ", r"foreseen to tell \d+ points"),
    "label_and_correct": (r"2\d answers are labelled", r"by the judge 0\.\d\d", r"corrected by labels 0\.\d\d"),
}
"""What each script has to print."""


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serve(refuse_share=0.5) as running:
        yield running


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_runs_and_prints_what_it_is_there_to_show(script: Path, server: Running, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_BASE_URL"))}
    paths = {"PYTHONPATH": str(ROOT / "src"), "OPENAI_BASE_URL": server.url, "TOCSIN_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "runs")],
        cwd=tmp_path,
        env=kept | paths,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for wanted in PRINTED[script.stem]:
        assert re.search(wanted, done.stdout), (wanted, done.stdout)
    assert sorted(os.listdir(tmp_path)) == ["runs"], "it writes where it was told, and nowhere else"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_is_short_and_listed(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 60
    assert f"({script.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_entry_points_are_named_as_the_decorators_name_the_plug_ins() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    groups = tomllib.loads(block)["project"]["entry-points"]
    assert set(groups) == {"tocsin.benchmarks", "tocsin.attacks", "tocsin.judges"}
    for group, points in groups.items():
        kind = group.removeprefix("tocsin.").removesuffix("s")
        for name, module in points.items():
            text = (FOLDER / f"{module.rpartition('.')[2]}.py").read_text(encoding="utf-8")
            assert re.search(rf'^@{kind}\(\s*"{name}"', text, re.MULTILINE)
