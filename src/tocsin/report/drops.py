"""What a set of safe generation says of the languages it was asked in, in sentences made from its numbers.

A set is an entry of ``multilingual`` of a model of the summary.
"""

from __future__ import annotations

from typing import Any

from tocsin.languages import same
from tocsin.report import words
from tocsin.report.messages import joined, lowered, message, messages

STATED, FLAGGED = "stated", "flagged"
STANDINGS = messages({STATED: "stated", FLAGGED: "possibly the judge's", "none": "no difference shown"})
"""Standing of a drop → in words."""
_BACKED = messages(
    {
        "corrected": "These figures are corrected for the judge's error in both.",
        "translated": "Translated into {home} and judged there, the answers show it, too.",
    }
)
"""What backs a statement → in words."""
_NAMED = 4
"""Languages that a sentence names at most."""


def sentences(told: dict[str, Any]) -> list[str]:
    """The largest stated drop, what is flagged, a judge that nobody checked, what was not understood, who answered in what."""
    return [sentence for sentence in (*_drops(told), _unproven(told), _invalid(told), _elsewhere(told)) if sentence]


def first(told: dict[str, Any], where: str) -> str:
    """What belongs into the finding of a run, in one sentence or two; empty where no drop could be told.

    Args:
        told: The set.
        where: Its name, fit to be shown.
    """
    said = _drops(told) if told["reference"] else []
    return message("By language, on {where}: {told}", where=where, told=lowered(joined(said))) if said else ""


def mends(told: dict[str, Any]) -> list[str]:
    """What would turn a flag into a statement, of what this run does without; empty where no drop could be told."""
    drops = _compared(told)
    if not drops:
        return []
    found = []
    if not any(one["drop"]["translated"] for one in drops):
        found.append(
            message(
                "a check in the reference language: `multilingual: {check: true}` in the suite, with `--role "
                "translator=MODEL`, has every answer translated and judged a second time"
            )
        )
    if not any(one["drop"]["corrected"] for one in drops):
        found.append(
            message(
                "a judge whose error is known in both languages: label some of this run's own answers with "
                "`tocsin label`, or measure the judge on labels that have both languages with `tocsin "
                "calibrate`"
            )
        )
    return found


def unread(told: dict[str, Any]) -> int:
    """Answers that do not show that the request was understood."""
    return sum(one["invalid"] for one in told["languages"])


def strange(one: dict[str, Any]) -> tuple[int, int]:
    """Of the answers to requests in a language: how many are in another, and of how many it was told at all."""
    counts = one["answered_in"]
    return sum(n for code, n in counts.items() if not same(str(code), one["language"])), sum(counts.values())


def evidence(drop: dict[str, Any]) -> dict[str, Any]:
    """The drop as what backs it has it: corrected for the judge's error where that states it, else by the verdicts."""
    found: dict[str, Any] = drop["corrected" if "corrected" in drop["by"] else "absolute"]
    return found["absolute"] if "corrected" in drop["by"] else found


def direction(drop: dict[str, Any]) -> int:
    """1 if the language is less safe by what backs the drop, -1 if it is safer, 0 if neither is known."""
    value = evidence(drop)["value"] or 0.0
    return (value > 0) - (value < 0)


def validated(told: dict[str, Any]) -> bool:
    """Whether the judge's error is known in any of the languages, or need not be."""
    return any(one.get("judge_validated", True) for one in told["languages"])


def _unproven(told: dict[str, Any]) -> str:
    if validated(told):
        return ""
    return message(
        "The judge is a model that has been validated in none of these languages: no card or label "
        "says how it errs in them."
    )


def _compared(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in told["languages"] if one["drop"]]


def _drops(told: dict[str, Any]) -> list[str]:
    drops, reference = _compared(told), told["reference"]
    if reference is None:
        return [message("No drop is told: the set has no answers in two languages of which one is the reference.")]
    home = _name(reference)
    if not any(one["drop"]["rows"] for one in drops):
        return [message("No drop is told: no request was measured both in {home} and in another language.", home=home)]
    stated = [one for one in drops if one["drop"]["standing"] == STATED]
    worse = sorted((one for one in stated if direction(one["drop"]) > 0), key=_size)
    safer = sorted((one for one in stated if direction(one["drop"]) < 0), key=lambda one: -_size(one))
    flagged = sorted((one for one in drops if one["drop"]["standing"] == FLAGGED), key=_size)
    found = []
    if worse:
        found.append(_largest(worse, home))
    elif not flagged:
        found.append(
            message(
                "In {name} answers were not shown to be less safe than in {home}; that is not to say that "
                "they are as safe.",
                name=_name(drops[0]["language"]),
                home=home,
            )
            if len(drops) == 1
            else message(
                "In none of {languages} were answers shown to be less safe than in {home}; that is not to say "
                "that all are as safe.",
                languages=words.count(len(drops), "language"),
                home=home,
            )
        )
    else:
        found.append(message("No language can be said to be less safe than {home}.", home=home))
    if flagged:
        names = words.listed(
            [message("{name} ({raw})", name=_name(one["language"]), raw=_raw(one)) for one in flagged], most=_NAMED
        )
        found.append(
            message(
                "{languages} of {all} {were} flagged: the verdicts differ from those in {home}, "
                "and it may be the judge that errs more in one of the two and not the model: {names}.",
                languages=words.count(len(flagged), "language"),
                all=f"{len(drops):,}",
                were="is" if len(flagged) == 1 else "are",
                home=home,
                names=names,
            )
        )
    if safer:
        found.append(
            message(
                "Safer than in {home}: {languages}.",
                home=home,
                languages=words.listed([_name(one["language"]) for one in safer], most=_NAMED),
            )
        )
    return found


def _largest(worse: list[dict[str, Any]], home: str) -> str:
    one = worse[0]
    drop, span = one["drop"], evidence(one["drop"])
    lost = drop["corrected"]["relative"]["value"] if "corrected" in drop["by"] else drop["relative"]["value"]
    share = (
        message(", which is {lost} of the answers that are safe in {home}", lost=words.percent(lost), home=home)
        if lost
        else ""
    )
    backed = [message(_BACKED[way], home=home) for way in drop["by"] if way in _BACKED]
    others = words.listed([_name(other["language"]) for other in worse[1:]], most=_NAMED)
    largest = message(
        "The largest drop that can be stated is in {name}: over the same {rows}, unsafe answers were {value} points more"
        " frequent than in {home} (95% interval {low} to {high}){share}.",
        name=_name(one["language"]),
        rows=words.count(drop["rows"], "request"),
        value=f"{100 * (span['value'] or 0):.1f}",
        home=home,
        low=words.points(span["low"]),
        high=words.points(span["high"]),
        share=share,
    )
    also = message("Also less safe: {others}.", others=others) if worse[1:] else ""
    return joined([largest, *backed, also])


def _invalid(told: dict[str, Any]) -> str:
    count, rows = unread(told), [one for one in told["languages"] if one["invalid"]]
    if not count:
        return ""
    judged = sum(one["safe"] + one["unsafe"] for one in told["languages"])
    most = max(rows, key=lambda one: (one["invalid"], one["language"]))
    where = (
        message(", most in {name} ({invalid})", name=_name(most["language"]), invalid=f"{most['invalid']:,}")
        if len(told["languages"]) > 1
        else ""
    )
    return message(
        "{count} of {judged} ({share}) did not show that the request was understood{where}: that "
        "is no safety, and the rate without them stands beside the other.",
        count=f"{count:,}",
        judged=words.count(judged, "judged answer"),
        share=words.percent(count / judged) if judged else "–",
        where=where,
    )


def _elsewhere(told: dict[str, Any]) -> str:
    pairs = [strange(one) for one in told["languages"]]
    other, whole = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    if not other:
        return ""
    counts: dict[str, int] = {}
    for one in told["languages"]:
        for code, n in one["answered_in"].items():
            if not same(str(code), one["language"]):
                counts[str(code)] = counts.get(str(code), 0) + n
    most = max(counts, key=lambda code: (counts[code], code))
    where = message("always in {name}", name=_name(most))
    if len(counts) > 1:
        where = message("most often in {name} ({n})", name=_name(most), n=f"{counts[most]:,}")
    return message(
        "{other} of {whole} whose language could be told {were} in another language than the request, {where}.",
        other=f"{other:,}",
        whole=words.count(whole, "answer"),
        were="was" if other == 1 else "were",
        where=where,
    )


def _size(one: dict[str, Any]) -> float:
    """Sorts the largest drop first."""
    return -float(evidence(one["drop"])["value"] or 0.0)


def _raw(one: dict[str, Any]) -> str:
    return message("{value} points", value=words.points(one["drop"]["absolute"]["value"]))


def _name(code: str) -> str:
    return words.language(code) if "-" in code else words.language_name(code)
