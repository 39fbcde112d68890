"""The samples that the report arXiv 2601.10527 used, as its authors released them."""

from __future__ import annotations

from tocsin.datasets import Dataset, File, GitHub
from tocsin.datasets.origin import Gate

_FOLDER = "l-safe/benchmark/data"


def sample(
    title: str,
    file: str,
    sha256: str | None,
    *,
    licence: str,
    gate: Gate | None = None,
    languages: tuple[str, ...] = ("en",),
) -> Dataset:
    """One file of the report's repository. The rows keep the licence, and the gate, of the benchmark they come from."""
    return Dataset(
        name="report_2601_10527",
        title=f"{title}, as the report arXiv 2601.10527 used it",
        origin=GitHub("XSafeAI/AI-safety-report", "f1f6858d096fadc78d3e46bb4d8b4c970f732b67"),
        files=(File(f"{_FOLDER}/{file}", sha256),),
        licence=licence,
        gate=gate,
        languages=languages,
    )
