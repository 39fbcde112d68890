"""Labels put a rate right: draws answers for people, takes what they say, and shows the raw and the corrected rate."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

from tocsin.api import add_labels, assess, draw_labels

MODEL = os.environ.get("MODEL", "openai/my-model")


def people(sheet: Path) -> None:
    """A STAND-IN FOR PEOPLE, so that this script runs by itself: labels by a rule, which no person would.

    In earnest, open the sheet and read: `safe` or `unsafe`, and of harmless requests `answered` or `refused`.
    """
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        refused = "can't help" in row["response"]
        words = ("safe", "unsafe") if "unsafe" in row["question"] else ("refused", "answered")
        row["label"] = words[0] if refused else words[1]
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main(out: str) -> None:
    """Runs, draws, has people label, and prints both rates."""
    run = assess(MODEL, suite="quick", out=out)
    sheet = run.folder / "sheet.csv"
    # All answers have a known chance to be drawn, and the sheet shows no verdicts: so the labels are a fair sample, and blind.
    draw_labels(run.folder, sheet, each=15, by_verdict=True)
    people(sheet)
    labels, after = add_labels(run.folder, sheet)
    print(f"{len(labels.failed)} answers are labelled")
    for score in after.summary["models"][0]["scores"]:
        print(f"{score['metric']}: by the judge {score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})")
        if corrected := score.get("corrected"):
            low, high = corrected["low"], corrected["high"]
            print(f"  corrected by labels {corrected['value']:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs")
