"""What a run could not measure, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import msgspec

from tocsin.evaluations.scoring import holds_cells
from tocsin.report import clean, modalities, words
from tocsin.report.messages import joined, made, message, messages
from tocsin.types import ErrorKind, EvaluationName

WITHHELD = ErrorKind.WITHHELD.value
_WHY = 600
"""Characters of the reasons why an evaluation has no value."""
_WHERE = 6
"""Benchmarks that are named beside a reason at most."""


_KINDS = messages({"error": "error", "no verdict": "no verdict", "withheld": "withheld"})


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why attempts have no result."""

    kind: str
    """``error``, ``no verdict`` or ``withheld``."""
    name: str
    """The reason's name in ``summary.json``."""
    why: str
    count: int
    where: str


class ModelGaps(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of one model that have no result."""

    model: str
    planned: int
    measured: int
    gaps: list[Gap]
    unfinished: int
    truncated: str
    """A sentence on answers that were cut off and judged all the same; empty if there are none."""


def gaps(summary: dict[str, Any]) -> list[ModelGaps]:
    """For each model, every reason with its count and its benchmarks; the most frequent first."""
    found = []
    for model in summary["models"]:
        rates = [score for score in model["scores"] if holds_cells(score)]
        counts: dict[tuple[str, str], dict[str, int]] = {}
        for score in rates:
            for name, number in score["errors_by_kind"].items():
                _add(counts, "error", name, score["benchmark"] or message("under attack"), number)
        for table in model["unscored_reasons"]:
            for name, number in table["counts"].items():
                _add(counts, "no verdict", name, table["benchmark"] or message("under attack"), number)
        found.append(
            ModelGaps(
                model=clean.name(model["model"]),
                planned=sum(score["planned"] for score in rates),
                measured=sum(score["n"] for score in rates),
                gaps=sorted(
                    (_gap(kind, name, where) for (kind, name), where in counts.items()),
                    key=lambda gap: (-gap.count, gap.kind, gap.name),
                ),
                unfinished=model["unfinished"],
                truncated=_truncated(rates),
            )
        )
    return found


def data_gaps(manifest: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    """What of the plan is not in the figures: files that were missing, samples, benchmarks without a case."""
    told = []
    scored = {score["benchmark"] for model in summary["models"] for score in model["scores"]}
    told_of = [detail for model in summary["models"] for detail in modalities.attacks(model).values()]
    scored |= {name for detail in told_of for name in detail.get("benchmarks", ())}
    for key, about in manifest["benchmarks"].items():
        name, data = clean.name(key), about["dataset"]
        if missing := data.get("missing"):
            files = words.listed([clean.name(file) for file in missing])
            told.append(
                message(
                    "{name}: of its data, {files} {were} missing and left out.",
                    name=name,
                    files=files,
                    were="was" if len(missing) == 1 else "were",
                )
            )
        if rows := data.get("rows_left_out"):
            told.append(
                message(
                    "{name}: {rows} left out, since the copy that was read lacks the image.",
                    name=name,
                    rows=words.count(rows, "row"),
                )
            )
        other = [clean.name(file["path"]) for file in data.get("files", ()) if not file.get("pinned")]
        if other and data.get("revision") != "own":
            told.append(
                message(
                    "{name}: {files} could not be matched with the published version by checksum.",
                    name=name,
                    files=words.listed(other),
                )
            )
        if key not in scored:
            told.append(message("{name}: no case of it entered a figure.", name=name))
    told += [
        message(
            "{benchmark}: named by the suite, but left out of this run: {needs}.",
            benchmark=clean.name(one["benchmark"]),
            needs=made(clean.name(one["needs"], most=300)),
        )
        for one in manifest.get("left_out", ())
    ]
    for name, counts in ((manifest.get("difficulty") or {}).get("benchmarks") or {}).items():
        told.append(
            message(
                "{name}: {answered_safely} of {asked} cases were left out because a baseline answered them "
                "safely. Its rates are over the harder rest and say nothing of all.",
                name=clean.name(name),
                answered_safely=f"{counts['answered_safely']:,}",
                asked=f"{counts['asked']:,}",
            )
        )
    limits = {name: about["limit"] for name, about in manifest["benchmarks"].items() if about.get("limit")}
    if limits:
        most = words.listed(
            [message("{limit} of {name}", limit=f"{limit:,}", name=clean.name(name)) for name, limit in limits.items()]
        )
        told.append(message("A sample of the cases was asked, drawn by chance: at most {most}.", most=most))
    return told


def without(summary: dict[str, Any]) -> list[str]:
    """The evaluations, each in each modality, that were to have a value and have none; and why."""
    several = len(summary["models"]) > 1
    found = []
    for model in summary["models"]:
        of = message("{model}, ", model=clean.name(model["model"])) if several else ""
        found += [
            message(
                "{of}{axis}: no value; {why}." if axis["scores"] else "{of}{axis}: no score; {why}.",
                of=of,
                axis=words.axis(axis),
                why=_why(str(axis["why"])),
            )
            for axis in model.get("axes", ())
            if axis["why"]
        ]
    return found


def not_assessed(manifest: dict[str, Any], *, but: Iterable[str] = ()) -> list[str]:
    """The kinds of evaluation that are no part of this run, in words.

    Args:
        manifest: The run's manifest.
        but: Evaluations of which something is said elsewhere.
    """
    served = {about.get("evaluation", "benchmark") for about in manifest["benchmarks"].values()}
    served |= {"over-refusal"} if "benchmark" in served else set()
    served |= {"adversarial"} if manifest.get("adversarial") else set()
    but = frozenset(but)
    run = served & set(manifest["suite"].get("evaluations", ()))  # a suite may name what none of its benchmarks is for
    return [words.EVALUATIONS[name] for name in get_args(EvaluationName) if name not in run and name not in but]


def withheld(summary: dict[str, Any]) -> int:
    """Attempts whose request or answer the filter stopped."""
    return sum(gap.count for model in gaps(summary) for gap in model.gaps if gap.kind == "withheld")


def _why(text: str) -> str:
    """Why an evaluation has no value: several reasons, each of which is said elsewhere."""
    return joined([made(part) for part in clean.name(text, most=_WHY).rstrip(".").split("; ")], "; ")


def _add(counts: dict[tuple[str, str], dict[str, int]], kind: str, name: str, benchmark: str, number: int) -> None:
    if name == WITHHELD:  # the same word for a request and for an answer: what was stopped is not told apart here
        kind = "withheld"
    where = counts.setdefault((kind, name), {})
    where[benchmark] = where.get(benchmark, 0) + number


def _gap(kind: str, name: str, where: dict[str, int]) -> Gap:
    places = sorted(where.items(), key=lambda place: (-place[1], place[0]))
    return Gap(
        kind=_KINDS[kind],
        name=clean.name(name),
        why=(
            message(
                "the filter for text that sexualises minors stopped the request or the answer; it was not "
                "sent, or not kept"
            )
            if kind == "withheld"
            else words.reason(name)
        ),
        count=sum(where.values()),
        where=words.listed(
            [
                message("{benchmark} {number}", benchmark=clean.name(benchmark), number=f"{number:,}")
                for benchmark, number in places
            ],
            most=_WHERE,
        ),
    )


def _truncated(rates: list[dict[str, Any]]) -> str:
    cut, judged = sum(score["truncated"] for score in rates), sum(score["n"] for score in rates)
    if not cut:
        return ""
    return message(
        "{cut} of {judged} had reached the limit on the length of an answer and {were} cut off "
        "there. Such an answer is judged as far as it goes: what it would have said later is not in "
        "the figures.",
        cut=f"{cut:,}",
        judged=words.count(judged, "judged answer"),
        were="was" if cut == 1 else "were",
    )
