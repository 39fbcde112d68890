"""What is said of a profile, in a reader's language: its sentences, its archetype, and the rule behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.report import clean, words
from tocsin.report.messages import Speaker
from tocsin.results.sentences import MODALITY

HEAD = "Archetype ({modality}): {title}"
STABLE = "{share} of {draws} draws hold its rule; {threshold} are needed."
VALUES = "By the values alone, without their intervals: {title}."
VALUES_LEAVE = "By the values alone, what is known leaves only: {title}."
LACKS = "Lacks {input}: {why}."
RULE = "Rule of {title}: {rule}. Holds in {share} of draws, is open in {open}; {distance} points away."
CONTEXT = "it can be used, and no rule reads it: it is context"
AT_LEAST, BELOW = "{input} at least {limit}", "{input} below {limit}"

KINDS = {
    "strength": "Strengths",
    "weakness": "Weaknesses",
    "weakest": "Weakest cells",
    "note": "Notes on this profile",
}
"""Kind of a sentence → the heading of its list."""

TEXTS = (HEAD, STABLE, VALUES, VALUES_LEAVE, LACKS, RULE, CONTEXT, AT_LEAST, BELOW, *KINDS.values())
"""All texts of this module, for catalogues."""


def tell(sentence: Mapping[str, Any], speak: Speaker) -> str:
    """A sentence of a profile in the reader's language, fit to show; escaping is the page's.

    Values that are texts of our own (what a score is of, a modality, a sector) are translated; names are not.
    """
    values = {name: speak.made(clean.name(value)) for name, value in sentence["values"].items()}
    return speak(sentence["message"], **values)


def archetype_lines(found: Mapping[str, Any], speak: Speaker) -> list[str]:
    """An archetype in lines: which, how surely, what it lacks, and every rule with how far away it is."""
    modality = speak(MODALITY[found["modality"]])
    lines = [speak(HEAD, modality=modality, title=speak(found["title"]))]
    if found["stable"] is None:
        return [*lines, _because(found, speak)]
    titles = {rule["name"]: speak(rule["title"]) for rule in found["rules"]}
    if found["name"] in titles:
        share, threshold = words.percent(found["stable"], 1), words.percent(found["threshold"])
        lines.append(speak(STABLE, share=share, draws=f"{found['draws']:,}", threshold=threshold))
    else:
        lines.append(_because(found, speak))
    if found["by_values"] and found["name"] not in titles:
        form = VALUES if found["by_values"]["certain"] else VALUES_LEAVE
        lines.append(speak(form, title=titles[found["by_values"]["name"]]))
    for lack in found["lacks"]:
        lines.append(speak(LACKS, input=speak.made(lack["title"]), why=speak.made(lack["why"])))
    for rule in found["rules"]:
        lines.append(
            speak(
                RULE,
                title=titles[rule["name"]],
                rule=_listed([_condition(one, speak) for one in rule["conditions"]], speak),
                share=words.percent(rule["share"], 1),
                open=words.percent(rule["open"], 1),
                distance=f"{100 * rule['distance']:.1f}",
            )
        )
    return lines


def input_rows(found: Mapping[str, Any], speak: Speaker) -> list[tuple[str, str, str, str]]:
    """The inputs of an archetype: title, value, interval, and why it cannot be used."""
    return [
        (
            speak.made(one["title"]),
            _signed(one["value"]),
            "–" if one["low"] is None else f"{_signed(one['low'])} – {_signed(one['high'])}",
            _listed([f"{speak.made(part['title'])}: {speak.made(part['why'])}" for part in one["lacking"]], speak)
            or speak.made(one["why"])
            or (speak(CONTEXT) if one.get("context") else ""),
        )
        for one in found["inputs"]
    ]


def _because(found: Mapping[str, Any], speak: Speaker) -> str:
    """Why no archetype is assigned."""
    told = found["because"]
    between = "、" if speak.language == "zh" else ", "
    values = {
        name: speak.made(value) if isinstance(value, str) else between.join(map(speak.made, value))
        for name, value in told["values"].items()
    }
    return speak(told["message"], **values) + ("。" if speak.language == "zh" else ".")


def _listed(parts: list[str], speak: Speaker) -> str:
    return ("；" if speak.language == "zh" else "; ").join(parts)


def _signed(value: float | None) -> str:
    """A share, or a difference of shares, which may be below 0."""
    if value is None or value >= 0:
        return words.percent(value, 1)
    return f"\u2212{words.percent(-value, 1)}"


def _condition(one: Mapping[str, Any], speak: Speaker) -> str:
    form = AT_LEAST if one["is"] == "at least" else BELOW
    return speak(form, input=speak.made(one["title"]), limit=words.percent(one["limit"]))
