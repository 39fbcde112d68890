"""The page as PDF: whole, without blank pages, in both languages; and what is said where nothing can print."""

from __future__ import annotations

import http.server
import io
import threading
import unicodedata
from pathlib import Path

import pytest

from tests.report.browser import executable
from tests.report.grown import grow
from tocsin.api import Run, write_results
from tocsin.report import pdf

pypdf = pytest.importorskip("pypdf")
prints = pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return grow(tmp_path_factory.mktemp("printed"), cases=18, models=1)


@prints
@pytest.mark.parametrize(("language", "headline", "unfolded"), [
    ("en", "Headline scores", "Every axis of the profile as a table"), ("zh", "主要得分", "以表格列出画像的每个轴"),
])  # fmt: skip
def test_a_printed_report_is_whole(run: Run, language: str, headline: str, unfolded: str) -> None:
    write_results(run.folder, run.manifest, language=language, pdf=True)
    printed = run.folder / "report.pdf"
    assert printed.stat().st_mode & 0o777 == 0o600
    pages = [unicodedata.normalize("NFKC", page.extract_text()) for page in pypdf.PdfReader(printed).pages]
    assert 3 <= len(pages) <= 40
    assert headline in pages[0]
    assert "harbour-large" in pages[0]
    assert all(len(text) > 100 for text in pages), "no page is blank"
    assert all(f"{number} / {len(pages)}" in text for number, text in enumerate(pages, 1))
    whole = " ".join(" ".join(pages).split())
    assert unfolded in whole
    assert "Safe_worst-3" in whole, "what is folded on the screen is open on paper"
    box = pypdf.PdfReader(printed).pages[0].mediabox
    assert (round(float(box.width)), round(float(box.height))) == (595, 842)


@prints
def test_printing_asks_the_network_for_nothing(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/seen"
        data = pdf.write_pdf(
            f'<title>t</title><p>words</p><img src="{address}"><link rel="stylesheet" href="{address}.css">'
        )
        server.shutdown()
    assert data.startswith(b"%PDF-")
    assert asked == []


@prints
def test_a_page_that_was_broken_into_runs_no_script_even_without_its_policy() -> None:
    page = (
        "<title>t</title><p id=x>kept</p><script>document.getElementById('x').textContent = 'run'</script>"
        "<img src='data:,' onerror=\"document.getElementById('x').textContent = 'run'\"><noscript><p>none</p></noscript>"
    )
    (printed,) = pypdf.PdfReader(io.BytesIO(pdf.write_pdf(page))).pages
    assert printed.extract_text().split() == ["kept", "none"]


def test_the_browser_is_given_no_way_to_other_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program, given = tmp_path / "tells", tmp_path / "given"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {given}\nexit 1\n', encoding="utf-8")
    program.chmod(0o700)
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(program))
    with pytest.raises(pdf.PdfError):
        pdf.write_pdf("<p>")
    options = given.read_text(encoding="utf-8").split()
    assert "--headless" in options
    assert [one for one in options if "file-access" in one or "web-security" in one] == []


def test_without_anything_that_prints_the_mend_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(pdf.BROWSER_VARIABLE, raising=False)
    monkeypatch.setattr(pdf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="Install Chromium or Chrome"):
        pdf.write_pdf("<p>")
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, "no-such-browser")
    with pytest.raises(ValueError, match="names 'no-such-browser', which cannot be run"):
        pdf.write_pdf("<p>")


def test_a_browser_that_fails_or_hangs_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, script in (("fails", "echo it broke >&2; exit 7"), ("hangs", "exec sleep 30")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o700)
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(tmp_path / "fails"))
    with pytest.raises(pdf.PdfError, match="wrote no PDF: it broke"):
        pdf.write_pdf("<p>")
    monkeypatch.setattr(pdf, "TIMEOUT", 0.3)
    monkeypatch.setenv(pdf.BROWSER_VARIABLE, str(tmp_path / "hangs"))
    with pytest.raises(pdf.PdfError, match="did not print the page within"):
        pdf.write_pdf("<p>")
