"""Holding a run against a policy."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from tocsin.api.run import Run, load_run
from tocsin.journal import open_journal
from tocsin.results.gate import gate as held_against
from tocsin.results.gate_result import GateResult
from tocsin.results.gate_scores import Side
from tocsin.results.policy import Policy
from tocsin.results.policy_file import PolicyFile, policies, read_policy

__all__ = ["GateResult", "gate", "policies"]


def gate(
    run: Path | str | Run,
    policy: str | Path | Policy,
    baseline: Path | str | Run | None = None,
    *,
    models: Sequence[str] = (),
    baseline_model: str = "",
) -> GateResult:
    """Holds a run against a policy: whether it passes, and the reason of every check.

    Figures are made anew from the journals; ``summary.json`` is not read. Nobody is asked, and no file of a run changes.

    Args:
        run: A run's folder, or the run; it is read anew either way.
        policy: A policy by name, by the path of its YAML file, or as an object.
        baseline: The folder of the run that regressions and grades are against.
        models: Models of the run that are gated; all if empty.
        baseline_model: The baseline's model, where it is neither of the same name nor the only one.

    Raises:
        ConfigError: There is no such policy, or it cannot be read.
        JournalError: A folder is no run, or cannot be read.
        ValueError: A model is not in its run, or a baseline is missing or not asked for.
    """
    told = PolicyFile(policy) if isinstance(policy, Policy) else read_policy(policy)
    with ExitStack() as opened:
        mine, *others = (_side(folder, opened) for folder in (run, baseline) if folder is not None)
        return held_against(mine, told, *others, models=models, baseline_model=baseline_model)


def _side(run: Path | str | Run, opened: ExitStack) -> Side:
    folder = run.folder if isinstance(run, Run) else Path(run)
    found = load_run(folder)
    return Side.of(folder, found.manifest, found.summary, opened.enter_context(closing(open_journal(folder))))
