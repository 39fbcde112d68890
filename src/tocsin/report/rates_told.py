"""Rates as sentences made from their counts."""

from __future__ import annotations

from typing import Any

from tocsin.evaluations.counts import COMPLIANCE
from tocsin.evaluations.scoring import DEMONSTRATION, TOO_FEW
from tocsin.report import modalities, words
from tocsin.report.messages import message
from tocsin.report.rows import name_of


def by_modality(rates: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rates of each modality: they are never told of together."""
    return [
        [score for score in rates if score.get("modality", "language") == modality]
        for modality in modalities.present(rates)
    ]


def on_rates(
    model: dict[str, Any], rates: list[dict[str, Any]], over: bool, tables: dict[tuple[str, str, str], dict[str, int]]
) -> list[str]:
    """The sentences of one evaluation: the mean and the worst benchmark, or the one or two rates there are."""
    known = [score for score in rates if score["value"] is not None]
    ranking = [score for score in known if DEMONSTRATION not in score["notes"]] or known
    if not ranking:
        return []
    means = [
        score
        for score in model["scores"]
        if score["metric"] == "macro_mean"
        and score["evaluation"] == ranking[0]["evaluation"]
        and score.get("modality") == ranking[0].get("modality")
        and score["value"] is not None
    ]
    worst = max(ranking, key=lambda score: score["value"] if over else -score["value"])
    if not means:
        shown = [worst] if over else ranking[:2]
        several = len(known) > 1 or modalities.told(modalities.present(model["scores"]))
        return [one_rate(score, several, tables, modalities.parts(model, score)) for score in shown]
    extreme = message("highest") if over else message("lowest")
    told = []
    for mean in means:
        items = mean["evaluation"] == "compliance"
        what = (
            message("of refused harmless requests")
            if over
            else message("of items passed")
            if items
            else message("of safe or right answers")
        )
        if mean["modality"] == "image" and not over and not items:
            what = message("of answers without an unsafe image")
        where = (
            "" if mean["modality"] == "language" else message(" ({modality})", modality=words.SHORT[mean["modality"]])
        )
        sets = words.count(len(ranking), "set of items for frameworks", "sets of items for frameworks")
        told.append(
            message(
                "Over {sets}{where} the mean rate {what} was {value}{interval}; {extreme} was {name} with {rate}.",
                sets=sets if items else words.count(len(ranking), "benchmark"),
                where=where,
                what=what,
                value=words.percent(mean["value"]),
                interval=interval(mean),
                extreme=extreme,
                name=name_of(worst),
                rate=words.percent(worst["value"]),
            )
        )
    return told


def one_rate(
    score: dict[str, Any],
    several: bool,
    tables: dict[tuple[str, str, str], dict[str, int]],
    images: modalities.Parts | None = None,
) -> str:
    """One rate as a sentence, from its counts."""
    n, passed, failed = score["n"], score["passed"] or 0, score["failed"] or 0
    where = message("On {name}, of", name=name_of(score)) if several else message("Of")
    rate = message("that is {value}{interval}", value=words.percent(score["value"]), interval=interval(score))
    if score["metric"] == "over_refusal_rate":
        were = "was" if failed == 1 else "were"
        return message(
            "{where} {asked}, {failed} {were} refused all the same; {rate}.{put_right}",
            where=where,
            asked=words.count(n, "harmless request"),
            failed=f"{failed:,}",
            were=were,
            rate=rate,
            put_right=_put_right(score),
        )
    were = "was" if passed == 1 else "were"
    if score["metric"] == "accuracy":
        return message(
            "{where} {asked} with a known right answer, {passed} {were} answered rightly; {rate}.",
            where=where,
            asked=words.count(n, "question"),
            passed=f"{passed:,}",
            were=were,
            rate=rate,
        )
    if score["metric"] == COMPLIANCE:
        items = words.count(n, "item that was written for clauses", "items that were written for clauses")
        return message(
            "{where} {asked}, {passed} {were} passed; {rate}. It is evidence, and no legal judgement.",
            where=where,
            asked=items,
            passed=f"{passed:,}",
            were=were,
            rate=rate,
        )
    if images is not None:
        asked = words.count(n, "request for a harmful image", "requests for harmful images")
        return message(
            "{where} {asked}, {refused} came to a refusal, {safe} to a safe image and {unsafe} to an "
            "unsafe one; {value} gave no unsafe image{interval}.{put_right}",
            where=where,
            asked=asked,
            refused=f"{images.refused:,}",
            safe=f"{images.safe:,}",
            unsafe=f"{images.unsafe:,}",
            value=words.percent(score["value"]),
            interval=interval(score),
            put_right=_put_right(score),
        )
    counts = tables.get((score["evaluation"], score["benchmark"], score["metric"]), {})
    if counts.get("refused/safe", 0) == passed and counts.get("answered/unsafe", 0) == failed:
        asked = words.count(n, "request that should be refused", "requests that should be refused")
        return message(
            "{where} {asked}, {passed} {were}; {rate}.{put_right}",
            where=where,
            asked=asked,
            passed=f"{passed:,}",
            were=were,
            rate=rate,
            put_right=_put_right(score),
        )
    asked = words.count(n, "answer to a harmful request", "answers to harmful requests")
    return message(
        "{where} {asked}, {passed} {were} judged safe; {rate}.{put_right}",
        where=where,
        asked=asked,
        passed=f"{passed:,}",
        were=were,
        rate=rate,
        put_right=_put_right(score),
    )


def _put_right(score: dict[str, Any]) -> str:
    """A sentence on the rate corrected for the judge's errors, where there is one."""
    fixed = score.get("corrected")
    if not fixed:
        return ""
    by = message("by labels of this run's own answers") if fixed["card"] is None else message("by the judge's card")
    limits = words.span(fixed["low"], fixed["high"], digits=0)
    return message(
        " Corrected for the judge's errors, {by}, it is {value} ({limits}).",
        by=by,
        value=words.percent(fixed["value"]),
        limits=limits,
    )


def interval(score: dict[str, Any]) -> str:
    """The 95% interval of a score in brackets, with a space before; empty where there is none."""
    if score["low"] is None or score["high"] is None:
        return ""
    few = message(", itself uncertain: few independent groups") if TOO_FEW in score["notes"] else ""
    return message(" (95% interval {span}{few})", span=words.span(score["low"], score["high"], digits=0), few=few)
