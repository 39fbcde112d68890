"""Puts the commands together. Imports nothing heavy: ``--help`` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin._version import __version__
from tocsin.cli import (
    assess,
    attack,
    calibrate,
    compliance,
    data,
    label,
    listing,
    rejudge,
    report,
    transfer,
    translate,
    view,
)


def build() -> typer.Typer:
    """The application."""
    app = typer.Typer(
        name="tocsin",
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help="Measures how safe a model is, and says how well it measured.")(_callback)
    app.command("assess", help=assess.HELP, short_help="Assess models.", epilog=assess.EPILOG)(assess.command)
    app.command("attack", help=attack.HELP, short_help="Try one attack on one prompt.")(attack.command)
    app.command("calibrate", help=calibrate.HELP, short_help="Measure a judge against people.")(calibrate.command)
    app.command("label", help=label.HELP, short_help="Have people label a run's answers.")(label.command)
    app.command("rejudge", help=rejudge.HELP, short_help="Judge a run's answers anew.", epilog=assess.EPILOG)(
        rejudge.command
    )
    app.command("report", help=report.HELP, short_help="Write a run's report anew.")(report.command)
    app.command("transfer", help=transfer.HELP, short_help="Put what succeeded to other models.", epilog=assess.EPILOG)(
        transfer.command
    )
    app.command("translate", help=translate.HELP, short_help="Translate a benchmark.")(translate.command)
    app.command("view", help=view.HELP, short_help="Look at runs in a browser.")(view.command)
    app.command("list", help=listing.HELP, short_help="List benchmarks, judges, suites …")(listing.command)
    app.add_typer(compliance.build(), name="compliance")
    app.add_typer(data.build(), name="data")
    return app


def _callback(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and end.", is_eager=True, callback=lambda v: _version(v))
    ] = False,
) -> None:
    pass


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tocsin {__version__}")
        raise typer.Exit
