"""Two versions of a model, asked the same cases in one run: what a pull request's check would do."""

from __future__ import annotations

import os
import sys

from tocsin.api import assess, compare, plan

OLD = os.environ.get("OLD_MODEL", "openai/my-model-1")
NEW = os.environ.get("NEW_MODEL", "openai/my-model-2")


def main(out: str) -> None:
    """Runs both, and prints them side by side."""
    # One run for both: the same cases, the same order, the same judge, at the same time. So they can be compared case by case.
    ahead = plan(OLD, NEW, suite="quick")
    run = assess(OLD, NEW, suite="quick", out=out)
    if not run.complete:
        sys.exit(f"stopped: {run.ended.reason}")

    # Differences are of the new one less the old one, over the cases that were judged on both.
    found = compare(run.folder, run.folder, models=(OLD, NEW))
    able = {score["metric"]: score["detectable"]["paired"] for score in ahead["scores"]}
    for row in found["rows"]:
        told = row["difference"]
        print(f"{row['metric']}: {row['verdict']}", end="")
        if told["value"] is not None:
            points = " to ".join(f"{100 * told[end]:+.0f}" for end in ("low", "high"))
            print(f", {100 * told['value']:+.0f} points (95%: {points})", end="")
        # A check that is too small passes everything. This is what it could have seen, four times in five:
        seen = able.get(row["metric"])
        print(f"; foreseen to tell {'nothing' if seen is None else f'{100 * seen:.0f} points'}")
    print(f"run: {run.folder}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs")
