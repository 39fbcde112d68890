"""How well a model tells safe texts from unsafe ones as a guardrail, language by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.evaluations.scoring import TOO_FEW
from tocsin.report import clean, words
from tocsin.report.charts import Chart, chart
from tocsin.report.messages import joined, made, message, messages
from tocsin.report.naming import Named, machine_made, named
from tocsin.results.translated import Counts

SUBJECTS = ("prompt", "response")
_SUBJECTS = messages({"prompt": "prompts", "response": "responses"})
ALARM = "false_positive_rate"


class Measure(msgspec.Struct, frozen=True):
    """A number with its interval, as they are shown."""

    value: str
    interval: str


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """One language, or the average over all of them."""

    language: Named | None
    """None for the average."""
    f1: Measure
    chart: Chart
    precision: Measure
    recall: Measure
    alarm: Measure
    """The false-positive rate."""
    unread: str
    """Replies without a verdict."""
    errors: int
    notes: list[str]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One set of safety judgement on one subject."""

    title: str
    subject: str
    """``prompts`` or ``responses``."""
    sentence: str
    rows: list[Guarded]
    more: int


def judged_sets(model: dict[str, Any], counts: Counts, most: int) -> list[Judged]:
    """The tables of a model: one for each set and subject.

    Args:
        model: A model of the summary.
        counts: Benchmark → language → how many cases were translated.
        most: Languages that a table shows at most, beside the average; the worst come first.
    """
    tables: dict[tuple[str, str], dict[str | None, dict[str, dict[str, Any]]]] = {}
    for score in model["scores"]:
        subject, _, measure = str(score["metric"]).partition("_")
        if subject in SUBJECTS and score["benchmark"]:
            languages = tables.setdefault((score["benchmark"], subject), {})
            languages.setdefault(score["language"], {})[measure] = score
    return [_table(*key, languages, counts.get(key[0], {}), most) for key, languages in tables.items()]


def _table(
    benchmark: str,
    subject: str,
    languages: dict[str | None, dict[str, dict[str, Any]]],
    counts: Mapping[str, Mapping[str, int]],
    most: int,
) -> Judged:
    average = languages.get(None)
    apart = sorted(((code, found) for code, found in languages.items() if code is not None), key=_badness)
    rows = [] if average is None else [_row(None, average, "")]
    rows += [_row(named(code), found, machine_made(counts, code)) for code, found in apart[:most]]
    return Judged(
        title=clean.name(benchmark),
        subject=_SUBJECTS[subject],
        sentence=_sentence(subject, average, apart),
        rows=rows,
        more=max(0, len(apart) - most),
    )


def _badness(one: tuple[str, dict[str, dict[str, Any]]]) -> tuple[bool, float, str]:
    code, found = one
    value = found["f1"]["value"] if "f1" in found else None
    return value is None, value or 0.0, code


def _row(language: Named | None, found: dict[str, dict[str, Any]], translated: str) -> Guarded:
    whole = found.get("f1") or next(iter(found.values()))
    notes = [translated, *(made(clean.name(note, most=300)) for note in whole["notes"] if note != TOO_FEW)]
    if TOO_FEW in whole["notes"] and whole["value"] is not None:
        notes.append(message("fewer than ten independent groups of cases"))
    return Guarded(
        language=language,
        f1=_measure(found.get("f1")),
        chart=chart(whole | {"value": None, "low": None, "high": None} if "f1" not in found else whole),
        precision=_measure(found.get("precision")),
        recall=_measure(found.get("recall")),
        alarm=_measure(found.get(ALARM)),
        unread=message("{n} of {planned}", n=f"{whole['unscored']:,}", planned=f"{whole['planned']:,}"),
        errors=whole["error"],
        notes=[note for note in notes if note],
    )


def _measure(score: dict[str, Any] | None) -> Measure:
    if score is None:
        return Measure("", "")
    return Measure(words.figure(score["value"], plus=False), words.span(score["low"], score["high"]))


def _sentence(
    subject: str, average: dict[str, dict[str, Any]] | None, apart: list[tuple[str, dict[str, dict[str, Any]]]]
) -> str:
    """The average, the weakest language, and the one with the most false alarms, from their numbers."""
    known = [(code, found) for code, found in apart if found.get("f1", {}).get("value") is not None]
    of = _SUBJECTS[subject]
    if not known:
        return message(
            "No F1 on {of} could be told: nothing was unsafe or was called so, or nothing could be read.", of=of
        )
    told: list[str] = []
    if average is not None and average["f1"]["value"] is not None:
        f1 = average["f1"]
        told.append(
            message(
                "On average over {languages} its F1 on {of} is {value} (95% interval {span}).",
                languages=words.count(len(known), "language"),
                of=of,
                value=words.figure(f1["value"], plus=False),
                span=words.span(f1["low"], f1["high"]),
            )
        )
    code, worst = known[0]
    lowest = words.figure(worst["f1"]["value"], plus=False)
    told.append(message("It is lowest in {name}, with {value}.", name=named(code).name, value=lowest))
    alarms = [(found[ALARM]["value"], code) for code, found in apart if found.get(ALARM, {}).get("value")]
    if alarms:
        value, code = max(alarms)
        told.append(
            message(
                "It calls the most safe {of} unsafe in {name}: {value}.",
                of=of,
                name=named(code).name,
                value=words.figure(value, plus=False),
            )
        )
    unread = sum(found["f1"]["unscored"] for _, found in apart if "f1" in found)
    if unread:
        told.append(
            message(
                "{replies} could not be read as safe or unsafe and {counts} nowhere.",
                replies=words.count(unread, "reply", "replies"),
                counts="counts" if unread == 1 else "count",
            )
        )
    return joined(told)
