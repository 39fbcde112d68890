"""The reference beside the published datasets, where there is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.report.conftest import base, real_run

__all__ = ["base", "real_run", "reference"]


@pytest.fixture(scope="session")
def reference(shared_data: Path) -> dict[str, Any]:
    """The figures of arXiv 2601.10527 as they were first taken down, independently of the package's file."""
    file = shared_data.parent / "reference" / "reference_results.json"
    if not file.is_file():
        pytest.skip("needs reference/reference_results.json beside the folder of TOCSIN_TEST_DATA")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
