"""The report page as PDF: printed by a browser that has no network, or by WeasyPrint where there is no browser."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
"""Names under which a browser of the Chromium family is looked for; `BROWSER_VARIABLE` goes before them."""
BROWSER_VARIABLE = "TOCSIN_BROWSER"
NO_SCRIPT = {"profile": {"default_content_setting_values": {"javascript": 2}}}
"""Preferences of the profile that prints: scripts blocked, a second lock beside the page's policy. (The setting of the renderer,
``--blink-settings=scriptEnabled=false``, also stops the browser's own script that prints, and then there is no PDF.)"""
TIMEOUT = 180
"""Seconds that printing may take."""

MEND = (
    "no browser was found that could print the page. Install Chromium or Chrome (on Debian: apt-get install chromium), or name"
    f" one in {BROWSER_VARIABLE}; or install WeasyPrint (pip install weasyprint)"
)


class PdfError(ValueError):
    """The page could not be printed; it says why, and what would help."""


def browser() -> str | None:
    """The browser that prints; None where there is none.

    Raises:
        PdfError: The one that is named in the environment does not exist.
    """
    if named := os.environ.get(BROWSER_VARIABLE):
        found = shutil.which(named)
        if found is None:
            raise PdfError(
                f"{BROWSER_VARIABLE} names {named!r}, which cannot be run: name a browser of the Chromium family"
            )
        return found
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def write_pdf(html: str) -> bytes:
    """A page as PDF, with all that can be unfolded unfolded.

    The browser gets the page in a folder of its own, a profile that is thrown away, no way into any network, and runs no
    script, whatever the page holds; the page itself has none, and its policy allows nothing from elsewhere.

    Args:
        html: The page, as `tocsin.report.page.write_html` makes it.

    Raises:
        PdfError: Nothing is there that prints, or it failed.
    """
    program = browser()
    # Images stay folded: who prints a page that shows them has not asked for each.
    page = re.sub(r'<details(?! class="picture")', "<details open", html)
    if program is not None:
        return _by_browser(program, page)
    if importlib.util.find_spec("weasyprint") is not None:
        return _by_weasyprint(page)
    raise PdfError(MEND)


def _by_browser(program: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tocsin-pdf-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "report.html", folder / "report.pdf"
        source.write_text(page, encoding="utf-8", errors="replace")
        preferences = folder / "profile" / "Default" / "Preferences"
        preferences.parent.mkdir(parents=True)
        preferences.write_text(json.dumps(NO_SCRIPT), encoding="utf-8")
        command = [
            program, "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--proxy-server=127.0.0.1:9", "--no-pdf-header-footer", f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={target}",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # its sandbox does not start for root
            command.append("--no-sandbox")
        try:
            done = subprocess.run(  # noqa: S603 - the program is the user's browser, the file our own
                [*command, source.as_uri()], capture_output=True, timeout=TIMEOUT, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            raise PdfError(f"{program} did not print the page within {TIMEOUT} seconds") from None
        except OSError as error:
            raise PdfError(f"{program} cannot be run: {error.strerror or error}") from None
        if not target.is_file() or not (data := target.read_bytes()).startswith(b"%PDF-"):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            why = said[-1][:200] if said else f"it ended with {done.returncode}"
            raise PdfError(f"{program} wrote no PDF: {why}")
        return data


def _by_weasyprint(page: str) -> bytes:
    weasyprint: Any = importlib.import_module("weasyprint")

    def refused(url: str, *_: object, **__: object) -> dict[str, object]:
        if url.startswith("data:image/"):
            found: dict[str, object] = weasyprint.default_url_fetcher(url)
            return found
        raise ValueError("a report asks for nothing from elsewhere")

    data: bytes = weasyprint.HTML(string=page, url_fetcher=refused).write_pdf()
    return data
