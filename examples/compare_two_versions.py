"""Two versions of a model, asked the same cases in one run: what a pull request's check would do."""

from __future__ import annotations

import os
import sys

from tocsin.api import assess, plan

OLD = os.environ.get("OLD_MODEL", "openai/my-model-1")
NEW = os.environ.get("NEW_MODEL", "openai/my-model-2")


def main(out: str) -> None:
    """Runs both, and prints them side by side."""
    # One run for both: the same cases, the same order, the same judge, at the same time. So they can be compared case by case.
    ahead = plan(OLD, NEW, suite="quick")
    run = assess(OLD, NEW, suite="quick", out=out)
    if not run.complete:
        sys.exit(f"stopped: {run.ended.reason}")

    before, after = ({score["metric"]: score for score in model["scores"]} for model in run.summary["models"])
    able = {score["metric"]: score["detectable"]["paired"] for score in ahead["scores"]}
    for metric, old in before.items():
        new = after[metric]
        if old["value"] is None or new["value"] is None:
            print(f"{metric}: not measured in both, so there is nothing to compare")
            continue
        print(f"{metric}: {old['value']:.2f} ({old['low']:.2f} to {old['high']:.2f})", end=" then ")
        print(f"{new['value']:.2f} ({new['low']:.2f} to {new['high']:.2f})")
        # A check that is too small passes everything. This is what it could have seen, four times in five:
        seen = able[metric]
        print(f"  smallest difference that it can tell: {'none' if seen is None else f'{100 * seen:.0f} points'}")
    print(f"run: {run.folder}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs")
