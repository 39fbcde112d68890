"""What all tests share: an environment of their own, and the folder with published datasets where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

_LEAKING = (
    "OPENAI_",
    "ANTHROPIC_",
    "GEMINI_",
    "GOOGLE_",
    "ARK_",
    "TOCSIN_",
    "HF_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)
_WANTED = ("TOCSIN_TEST_DATA",)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key, endpoint, proxy, data folder or cache of the machine reaches a test; children inherit this."""
    for name in os.environ:
        if name.upper().startswith(_LEAKING) and name not in _WANTED:
            monkeypatch.delenv(name)
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "no-cache-of-the-machine"))
    monkeypatch.setenv("TOCSIN_CARDS", str(tmp_path / "no-cards-of-the-machine"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with published datasets, laid out as for ``--data``: read only, and never to be printed."""
    if given := os.environ.get("TOCSIN_TEST_DATA"):
        folder = Path(given).expanduser()
        if not folder.is_dir():
            pytest.fail(f"TOCSIN_TEST_DATA names {folder}, which is no folder")
        return folder
    beside = ROOT.parent / "shared" / "data"
    if not beside.is_dir():
        pytest.skip("needs published datasets: name their folder in TOCSIN_TEST_DATA")
    return beside
