"""Published results as data: every figure of a report with its source, and whether its own arithmetic holds."""

from __future__ import annotations

from tocsin.results.published.checks import Check, as_table, check
from tocsin.results.published.rows import METRICS, Published, apart, note_texts, published, select

__all__ = ["METRICS", "Check", "Published", "apart", "as_table", "check", "note_texts", "published", "select"]
