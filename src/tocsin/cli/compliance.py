"""``tocsin compliance``: what a run's tests say about the clauses of frameworks."""

from __future__ import annotations

import typer

from tocsin.cli import compliance_report


def build() -> typer.Typer:
    """The commands under ``tocsin compliance``."""
    app = typer.Typer(
        help="Frameworks, and what tests say about their clauses.", rich_markup_mode=None, no_args_is_help=True
    )
    app.callback()(lambda: None)  # or typer would run a single command without its name
    app.command("report", help=compliance_report.HELP)(compliance_report.command)
    return app
