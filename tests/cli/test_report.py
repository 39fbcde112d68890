"""``tocsin report`` as it is typed: languages, PDF, and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.report.browser import executable
from tests.report.grown import grow
from tocsin.cli.app import build
from tocsin.cli.errors import guarded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return grow(tmp_path_factory.mktemp("reported"), cases=12, models=1).folder


def typed(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["tocsin", "report", *map(str, words)])
    return guarded(build())


def test_the_page_is_written_in_the_language_that_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / "report.html"
    assert typed(monkeypatch, folder, "--language", "zh") == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert '<html lang="zh-Hans">' in page.read_text(encoding="utf-8")
    assert "## Safety of harbour-large" in (folder / "report.md").read_text(encoding="utf-8")
    assert typed(monkeypatch, folder) == 0
    assert '<html lang="en">' in page.read_text(encoding="utf-8")


def test_another_language_or_form_is_a_wrong_usage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, folder, "--language", "fr") == 2
    assert typed(monkeypatch, folder, "--format", "docx") == 2


@pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")
def test_a_pdf_is_written_beside_the_page_and_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, folder, "--format", "pdf") == 0
    assert capsys.readouterr().out == f"{folder / 'report.pdf'}\n"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_browser_it_ends_with_2_and_the_mend(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOCSIN_BROWSER", "no-such-browser")
    assert typed(monkeypatch, folder, "--format", "pdf") == 2
    assert "TOCSIN_BROWSER names 'no-such-browser', which cannot be run" in capsys.readouterr().err
