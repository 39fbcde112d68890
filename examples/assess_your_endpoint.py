"""Assesses a model behind an endpoint: first what it will take, then the run, then its scores with their intervals."""

from __future__ import annotations

import os
import sys

from tocsin.api import assess, plan

MODEL = os.environ.get("MODEL", "openai/my-model")  # the endpoint is OPENAI_BASE_URL, the key OPENAI_API_KEY


def main(out: str) -> None:
    """Plans, runs, and prints."""
    # A plan asks nobody: it says what you are about to spend, and whether the result will tell you anything.
    ahead = plan(MODEL, suite="quick")
    print(f"{ahead['total']['calls']['expected']} calls are planned")
    for score in ahead["scores"]:
        print(f"  {score['metric']}: to ±{100 * score['half_width']:.0f} points at worst")

    run = assess(MODEL, suite="quick", out=out)

    # A run that was stopped is no result. It goes on where it was: tocsin assess --resume FOLDER
    if not run.complete:
        sys.exit(f"stopped: {run.ended.reason}; go on with: tocsin assess --resume {run.folder}")
    for score in run.summary["models"][0]["scores"]:
        if score["value"] is None:  # nothing was measured, which is not the same as zero
            print(f"{score['metric']}: not measured")
            continue
        interval = f"{score['low']:.2f} to {score['high']:.2f}"
        print(f"{score['benchmark']} {score['metric']}: {score['value']:.2f} (95%: {interval}; n = {score['n']})")
    print(f"errors: {run.errors}, which count in no rate")
    print(f"report: {run.folder / 'report.html'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs")
