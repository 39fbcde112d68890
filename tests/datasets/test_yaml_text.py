"""YAML of people: text alone, a line for each part, and no text that could end the interpreter."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tocsin.datasets.yaml_text import YamlFault, parsed

BRACKETS = "items: " + "[" * 30_000


def test_text_of_a_few_kilobytes_does_not_end_the_interpreter() -> None:
    code = "import sys\nfrom tocsin.datasets.yaml_text import parsed\nparsed(sys.stdin.read())"
    done = subprocess.run([sys.executable, "-c", code], input=BRACKETS, capture_output=True, text=True, check=False)
    assert done.returncode == 1, "a named fault, and no signal"
    assert "YamlFault: line 1: is nested too deeply" in done.stderr


def test_deep_text_is_refused_at_once() -> None:
    start = time.perf_counter()
    with pytest.raises(YamlFault, match="nested too deeply"):
        parsed(BRACKETS * 20)
    assert time.perf_counter() - start < 1


def test_every_part_has_its_line_and_every_scalar_is_text() -> None:
    data, lines = parsed("a: [no, 1.10]\nb:\n  c: ~\n  d: 'null'\n  e: |\n    two\n    lines\n")
    assert data == {"a": ["no", "1.10"], "b": {"c": "", "d": "null", "e": "two\nlines\n"}}
    assert lines == {
        (): 1, ("a",): 1, ("a", 0): 1, ("a", 1): 1, ("b",): 3, ("b", "c"): 3, ("b", "d"): 4, ("b", "e"): 5,
    }  # fmt: skip


def test_text_without_a_document_is_nothing() -> None:
    assert parsed("# only a comment\n") == (None, {})
    assert parsed("--- a\n...\n") == ("a", {(): 1})


def test_anchor_used_again_is_refused_before_it_can_grow() -> None:
    bomb = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b]\n"
    with pytest.raises(YamlFault, match="line 1: has an anchor that is used again"):
        parsed(bomb)
