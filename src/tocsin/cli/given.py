"""What is said on the command line, read; and what is to be said to go on."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tocsin.engine import Engine


def listed(value: str | None) -> list[str]:
    """Names from a list with commas."""
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def roles(given: list[str] | None) -> dict[str, str]:
    """Role → model, from ``ROLE=MODEL``."""
    found: dict[str, str] = {}
    for one in given or ():
        name, equals, model = one.partition("=")
        if not equals or not model or name not in ("judge", "attacker", "translator"):
            raise typer.BadParameter(f"--role {one}: say judge=MODEL, attacker=MODEL or translator=MODEL")
        found[name] = model
    return found


def parameters(given: list[str] | None) -> dict[str, Any]:
    """Name → value, from ``NAME=VALUE``; values as YAML has them: numbers, true and false, lists in brackets, or text."""
    import yaml

    found: dict[str, Any] = {}
    for one in given or ():
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"--parameter {one}: say NAME=VALUE")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, RecursionError):
            found[name.strip()] = value
    return found


class Watching:
    """Shows the progress of a run, unless it is to be quiet, and knows how to go on with it.

    Args:
        command: The command that goes on: ``assess``, ``calibrate`` or ``compliance generate``.
        home: The run's folder, or the one in which it is made.
        config: The ``tocsin.toml`` that was named.
        quiet: Whether nothing is shown.
        resumed: Whether `home` is the run's own folder.
    """

    def __init__(self, command: str, home: Path, config: Path | None, *, quiet: bool, resumed: bool = False) -> None:
        self._command, self._home, self._config = command, home, config
        self._quiet, self._resumed = quiet, resumed
        self.how = ""
        """The command that goes on with the run, as it can be pasted; empty until there is one."""

    def __call__(
        self, engine: Engine, manifest: dict[str, Any], todo: dict[str, int]
    ) -> contextlib.AbstractContextManager[None]:
        """The display, for the time that the run takes."""
        from tocsin.cli.progress import watcher

        folder = self._home if self._resumed else self._home / manifest["run"]
        config = ["--config", str(self._config)] if self._config else []
        self.how = shlex.join(["tocsin", *self._command.split(), "--resume", str(folder), *config])
        return contextlib.nullcontext() if self._quiet else watcher()(engine, manifest, todo)

    def interrupted(self) -> int:
        """Says how to go on after an interrupt; returns the exit code."""
        from tocsin.cli.errors import Exit, say

        say(f"interrupted; go on with: {self.how}" if self.how else "interrupted before anything was asked")
        return Exit.INTERRUPTED
