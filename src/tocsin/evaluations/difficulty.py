"""The difficulty filter: cases that a baseline was measured to answer safely are not asked again.

The baseline's answers are an ordinary run of their own (see docs/design/protocol.md). What was not measured there is not
known to be easy, and stays in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.plan import Chosen
from tocsin.evaluations.suite import Suite, changed_suite
from tocsin.journal import JournalError, open_journal, read_manifest
from tocsin.types import ErrorKind

SUFFIX = "-prepare"
"""What the name of a baseline's run has behind the suite's name."""

_ASKED = """
SELECT s.benchmark, s.case_id, min(r.outcome = 'safe')
FROM cells c JOIN cases s ON s.id = c.case_ref JOIN latest r ON r.cell = c.id
WHERE s.stopped IS NULL OR s.stopped <> ? GROUP BY 1, 2
"""


_SHAPING = ("seed", "draw", "judge", "judges", "roles", "sampling", "evaluations")
"""Fields of a suite on which the outcomes of its baseline depend."""


class Filtered(msgspec.Struct, frozen=True, kw_only=True):
    """What a baseline's run says of the cases.

    Attributes:
        hard: Benchmark → the cases that were asked and not answered safely in every repeat.
        told: For the manifest: the run, the baseline, the judges, and the counts of each benchmark.
    """

    hard: dict[str, frozenset[str]]
    told: dict[str, Any]


def preparation(suite: Suite, entries: Sequence[str]) -> Suite:
    """The suite of the baseline's run: the same benchmarks, judged by the filter's judge, as many cases as its pool has.

    Args:
        suite: A suite with a difficulty filter.
        entries: The benchmarks that are filtered.
    """
    wanted = suite.difficulty
    assert wanted is not None, "only a suite with a difficulty filter is prepared"
    said = {"limit": wanted.pool, "reasoning_judge": None}  # what it thinks makes no case easy or hard
    kept = [entry.model_copy(update=said) for entry in suite.benchmarks if entry.name in entries]
    changes = {
        "name": f"{suite.name[: 64 - len(SUFFIX)]}{SUFFIX}",
        "benchmarks": kept,
        "limit": None,
        "difficulty": None,
        "stopping": None,
        "reasoning_judge": None,
    }
    return changed_suite(suite, {**changes, "judge": wanted.judge or suite.judge, "repeats": 1})


def filtered_names(suite: Suite, chosen: Sequence[Chosen]) -> list[str]:
    """The benchmarks that the suite's difficulty filter is for, of those that are run."""
    if suite.difficulty is None:
        return []
    wanted = suite.difficulty.benchmarks or [entry.name for entry in suite.benchmarks]
    return [one.benchmark.name for one in chosen if one.benchmark.name in wanted]


def hard_cases(folder: Path, assessment: Assessment) -> Filtered:
    """Reads a finished run of the baseline.

    Raises:
        JournalError: It cannot be read.
        ValueError: It is unfinished, or was made with another baseline, other data or another sample.
    """
    manifest = read_manifest(folder)
    wanted = assessment.suite.difficulty
    names = filtered_names(assessment.suite, assessment.chosen)
    if wanted is None:
        raise ValueError(f"suite {assessment.suite.name!r} has no difficulty filter, so nothing is prepared for it")
    if manifest["status"] != "complete":
        raise ValueError(f"{folder} is not finished: tocsin assess --resume {folder}")
    (baseline, *others) = (target["name"] for target in manifest["targets"])
    if others or baseline != wanted.baseline:
        raise ValueError(f"{folder} is a run of {baseline}, and the suite's baseline is {wanted.baseline}")
    _check_same(folder, manifest["suite"], preparation(assessment.suite, names).model_dump(mode="json"))
    for one in assessment.chosen:
        name = one.benchmark.name
        if name not in names:
            continue
        then = manifest["benchmarks"].get(name)
        if then is None:
            raise ValueError(f"{folder} has nothing of benchmark {name!r}")
        if {file["sha256"] for file in then["dataset"]["files"]} != {found.sha256 for found in one.files}:
            raise ValueError(f"{folder} was made with other data of benchmark {name!r}: prepare again")
    asked, safe = _outcomes(folder)
    hard = {name: frozenset(asked.get(name, set()) - safe.get(name, set())) for name in names}
    if empty := [name for name in names if not hard[name]]:
        raise ValueError(f"benchmark {empty[0]!r}: the baseline answered every case safely, so none is left to ask")
    return Filtered(
        hard=hard,
        told={
            "run": manifest["run"],
            "baseline": manifest["targets"][0]["identity"],
            "judges": {name: judge["identity"] for name, judge in manifest["judges"].items()},
            "benchmarks": {
                name: {"asked": len(asked[name]), "answered_safely": len(safe.get(name, ())), "kept": len(hard[name])}
                for name in names
            },
        },
    )


def _check_same(folder: Path, then: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises `ValueError` unless the baseline was asked what this suite would ask it, and judged in the same way."""
    differ = [name for name in _SHAPING if then.get(name) != now[name]]
    before = {entry["name"]: entry for entry in then.get("benchmarks", ())}
    differ += [f"benchmark {entry['name']!r}" for entry in now["benchmarks"] if before.get(entry["name"]) != entry]
    if differ:
        raise ValueError(
            f"{folder} was made with another {', '.join(differ)}: prepare again, or run the suite as it was then"
        )


def _outcomes(folder: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Benchmark → the cases that were planned, and those of them that were safe in every repeat."""
    asked: dict[str, set[str]] = {}
    safe: dict[str, set[str]] = {}
    db = open_journal(folder)
    try:
        for benchmark, case, every in db.execute(_ASKED, (ErrorKind.BAD_ROW.value,)):
            asked.setdefault(benchmark, set()).add(case)
            if every:
                safe.setdefault(benchmark, set()).add(case)
    except Exception as error:
        raise JournalError(f"{folder}: its journal cannot be read ({error})") from error
    finally:
        db.close()
    return asked, safe
