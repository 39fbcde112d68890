"""``tocsin plan`` on a terminal and as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def told(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", "plan", *options]
    paths = {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=folder, env=os.environ | paths, capture_output=True, text=True, encoding="utf-8", timeout=60
    )


def own(folder: Path, prices: str = "", name: str = "one") -> list[str]:
    (folder / "own.jsonl").write_text(
        "".join(json.dumps({"prompt": f"Question {n}?"}) + "\n" for n in range(40)), "utf-8"
    )
    (folder / "tocsin.toml").write_text(
        f'[models."{name}"]\nmodel = "openai/one"\nbase_url = "http://127.0.0.1:9/v1"\n{prices}', "utf-8"
    )
    return [name, "--cases", "own.jsonl"]


def test_the_tables_are_read_at_eighty_columns(tmp_path: Path) -> None:
    options = own(tmp_path, "prices = {input = 1, output = 5}\n", name="a-model-with-rather-a-long-name-of-its-own")
    done = told(tmp_path, *options, "--judge", "rubric", "--role", "judge=openai/j", "--for-precision", "0.2")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    for said in ("What it takes", "What it will show", "US $", "paired", "no prices under", "for ±20 points"):
        assert said in done.stdout
    assert '[models."openai/j"]' in " ".join(done.stdout.split())


def test_json_has_the_documented_fields(tmp_path: Path) -> None:
    done = told(tmp_path, *own(tmp_path), "--for-calls", "12", "--json")
    plan = json.loads(done.stdout)
    reference = (ROOT / "docs" / "reference" / "plan.md").read_text(encoding="utf-8")
    names = {
        *plan,
        *plan["cells"],
        *plan["calls"][0],
        *plan["total"],
        *plan["scores"][0],
        *plan["assumed"],
        *plan["wanted"],
    }
    assert [name for name in sorted(names) if f"`{name}`" not in reference] == []
    assert plan["wanted"]["limit"] == 12
    assert sorted(os.listdir(tmp_path)) == ["own.jsonl", "tocsin.toml"]


def test_wrong_input_ends_with_two_and_names_it(tmp_path: Path) -> None:
    options = own(tmp_path)
    for more, said in (
        (["--for-calls", "3", "--for-precision", "0.1"], "give one"),
        (["--rate", "1.5"], "rate is 1.5"),
        (["--for-precision", "3"], "share below 1"),
        (["--for-budget", "3"], "needs prices"),
        (["--from", "nowhere"], "nowhere"),
        (["--suite", "quickk"], "did you mean"),
    ):
        done = told(tmp_path, *options, *more)
        assert done.returncode == 2, more
        assert said in " ".join(done.stderr.split()), done.stderr


def test_names_from_files_move_nothing_on_the_terminal(tmp_path: Path) -> None:
    name = "bad\\u001b[31m\\u0007[bold]name"
    options = own(tmp_path, name=name)
    options[0] = "bad\x1b[31m\x07[bold]name"
    done = told(tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert "[bold]name" in "".join(done.stdout.split())
