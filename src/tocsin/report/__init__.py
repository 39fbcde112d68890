"""The report: HTML for people, Markdown for pull requests. JSON is `tocsin.results.summary`."""

from __future__ import annotations

from tocsin.report.compliance_text import write_compliance_markdown, write_csv
from tocsin.report.oscal import assessment_results
from tocsin.report.page import write_html
from tocsin.report.text import write_markdown

__all__ = ["assessment_results", "write_compliance_markdown", "write_csv", "write_html", "write_markdown"]
