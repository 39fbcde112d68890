"""What a run's tests say about the clauses of frameworks, read from its journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin import registry
from tocsin.evaluations.compliance import DISCLAIMER, read_evidence
from tocsin.evaluations.frameworks import of_run
from tocsin.journal import check_manifest, open_journal, read_manifest, readable
from tocsin.journal.folder import JOURNAL


def compliance_evidence(folder: Path | str, frameworks: Sequence[str] = ()) -> dict[str, Any]:
    """The evidence of a run for each clause of the frameworks, model by model.

    Args:
        folder: The run's folder. It is read and not changed.
        frameworks: Frameworks by name or by the path of a file, also such as the run's suite does not name; those of the
            suite, else of its item sets, if empty.

    Returns:
        ``run``, ``suite``, ``status``, ``demonstration``, ``disclaimer`` and ``models``: for each target its name as ``model``
        and the frameworks as ``compliance``, in the form of ``summary.json`` (docs/reference/compliance.md).

    Raises:
        JournalError: It is not a run folder, or cannot be read.
        UnknownName, ConfigError: A framework is not there, or its file cannot be used.
        ValueError: No framework is named, neither here nor by the run.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest)
    if not of_run(manifest, frameworks):
        known = ", ".join(registry.names("framework"))
        raise ValueError(
            f"{path}: neither its suite nor its benchmarks name a framework: add --framework NAME ({known})"
        )
    db = open_journal(path)
    try:
        with readable(path / JOURNAL):
            models = [
                {"model": target["name"], "compliance": read_evidence(db, manifest, number, frameworks)}
                for number, target in enumerate(manifest["targets"])
            ]
    finally:
        db.close()
    return {
        "schema": 1,
        "run": manifest["run"],
        "suite": manifest["suite"]["name"],
        "status": manifest["status"],
        "demonstration": manifest["demonstration"],
        "disclaimer": DISCLAIMER,
        "models": models,
    }
