"""Model output, dataset rows and names are hostile: nothing of them becomes markup or misleads the eye."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from tests.report.planted import Page, Planted, comply, failed, plant, refuse, unsafe
from tocsin.journal import PlannedCase
from tocsin.report import clean, write_html, write_markdown
from tocsin.types import Answer, Case, ErrorKind

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)" x="',
    "</title></svg></style></pre></details><h1>fake</h1>",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "<!-- --> ]]> <![CDATA[ <?php",
    "javascript:alert(1)",
    "&lt;script&gt;&#x3c;",
    "\u202eevil\u2066\u200b\x00\x1b[31m\x9b",
    "| a | b |\n# heading\n- [x](http://evil.example) `code` ![i](http://evil.example/i.png) @everyone #12",
    "x" * 100_000,
    "\u0301" * 5000,
]


def everywhere(evil: str, tmp_path: Path, base: dict[str, Any]) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """A run in which every text that comes from outside is this one."""
    manifest = copy.deepcopy(base)
    target, judge = manifest["targets"][0], manifest["judges"]["refusal"]
    target |= {
        "name": evil,
        "base_url": f"http://host/{evil}",
        "family": evil,
        "parameters": {evil: evil, "extra": {evil: [evil]}},
    }
    judge |= {"reads": evil, "source": evil, "model": evil, "languages": [evil], "parameters": {evil: evil}}
    manifest["flags"] = [evil]
    manifest["versions"] = {evil: evil, "tocsin": evil}
    manifest["licences_accepted"] = [evil]
    manifest["suite"] |= {"name": evil, "title": evil, "judge": evil}
    manifest["attacks"] = {evil: {"identity": evil}}
    manifest["sessions"] = [{"started": evil, "ended": evil, "ending": evil, "reason": evil, "calls": 1, "cost": 0}]
    manifest["benchmarks"]["cases"]["title"] = evil
    manifest["benchmarks"]["cases"]["dataset"] |= {
        "title": evil, "origin": evil, "revision": evil, "licence": evil, "gate": evil, "notes": [evil], "missing": [evil],
        "files": [{"path": evil, "sha256": evil, "from": evil, "pinned": False}],
    }  # fmt: skip
    keep = evil[:20_000].replace("\x00", "")
    records = [
        Planted(Case(id=f"{n}{keep}", prompt=evil, hazard=f"{n}{keep}", language=f"{n}{keep}"), outcome, Answer(evil),
                refused=False, reason=evil[:50] if outcome == "unscored" else "", detail=evil)
        for n, outcome in enumerate(("unsafe", "safe", "unscored", "unsafe"))
    ]  # fmt: skip
    bad = PlannedCase("cases", f"{keep}:1", None, ErrorKind.BAD_ROW, evil)
    records += [
        Planted(bad, "error", reason="bad_row", detail=evil),
        unsafe(comply(1)),
        failed(refuse(99), detail=evil),
    ]
    built = plant(tmp_path / "run", records, manifest, status="partial")
    for model in built.summary["models"]:
        for score in model["scores"]:
            score["notes"] = [*score["notes"], evil]
    return built


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_no_text_breaks_out_wherever_it_stands(evil: str, tmp_path: Path, base: dict[str, Any]) -> None:
    mild = plant(tmp_path / "mild", [unsafe(refuse(1))], base)
    known = {element.tag for element in Page(write_html(*mild)).find()} | {"details", "summary", "pre", "strong", "ol"}
    names = {name for element in Page(write_html(*mild)).find() for name in element.attributes} | {
        "lang",
        "dir",
        "colspan",
    }
    built = everywhere(evil, tmp_path, base)
    for reveal in (False, True):
        html = write_html(*built, reveal=reveal)
        page = Page(html)
        assert page.faults == []
        assert {element.tag for element in page.find()} <= known
        assert not {name for element in page.find() for name in element.attributes} - names
        assert not page.find("script")
        assert len(page.find("style")) == 1 + len(page.find("svg", class_="tocsin-polar"))
        assert len(page.find("h1")) == 1
        assert len(html.encode()) < 3_000_000
        assert not set(html) & set("\x00\x1b\x9b\u202e\u2066\u200b")
        assert all(element.attributes.get("href", "#").startswith("#") for element in page.find())


def test_templates_are_not_rendered_twice(tmp_path: Path, base: dict[str, Any]) -> None:
    html = write_html(*everywhere("{{ 7 * 7 }}{% raw %}", tmp_path, base), reveal=True)
    assert "{{ 7 * 7 }}{% raw %}" in html
    assert "49" not in Page(html).section("examples").text


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_no_name_means_anything_to_markdown(evil: str, tmp_path: Path, base: dict[str, Any]) -> None:
    _db, manifest, summary = everywhere(evil, tmp_path, base)
    told = write_markdown(manifest, summary)
    assert "<" not in told.replace("<sub>", "").replace("</sub>", "")
    assert "](" not in told
    assert "`" not in told
    assert "http://" not in told
    assert "@everyone" not in told
    assert re.search(r"(?<!&)#\d", told) is None
    table = [line for line in told.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1
    assert sum(line.startswith("#") for line in told.splitlines()) == 1
    assert len(told) < 40_000


def test_names_are_one_line_of_visible_text_with_an_end() -> None:
    assert clean.name("a\nb\tc\r\nd") == "a b c d"
    assert clean.name("\u202eabc") == "⟨U+202E⟩abc"
    assert clean.name("x" * 200, most=10) == "xxxxxxxxxx … (190 more characters)"
    assert clean.name("\ud800") == "⟨U+D800⟩"
    assert clean.name("क्‍ष 👩‍👩‍👧 日本") == "क्‍ष 👩‍👩‍👧 日本"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host.example:8443/v1?key=abc#frag", "https://host.example:8443/v1"),
        ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1"),
        ("http://host:notaport/", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert clean.address(url) == shown


def test_parameters_that_sound_like_secrets_are_not_shown() -> None:
    given: dict[str, object] = {"api_key": "k", "max_tokens": 96, "extra": {"Authorization": "Bearer k"}, "seed": None}
    shown = dict(clean.parameters(given))
    assert shown["api_key"] == "(not shown)"
    assert shown["max_tokens"] == "96"
    assert "Bearer" not in shown["extra"]
    assert "seed" not in shown
