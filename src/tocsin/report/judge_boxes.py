"""Who judged: what each judge reads and sees, and what is known of its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin import registry
from tocsin.evaluations.correcting import ATTACKED, SUBJECTS
from tocsin.languages import same
from tocsin.report import clean, words
from tocsin.report.judged import sentences
from tocsin.report.messages import joined, made, message

_TEXT_ALONE = message(
    "Its error was measured on answers to text alone, not with images: how often it is wrong where there are images is"
    " not known."
)
_CARDS = 2
"""Sets of labels that the box of a judge tells of in full."""


class JudgeBox(msgspec.Struct, frozen=True, kw_only=True):
    """Which judge stands behind the figures, and how far it can be trusted."""

    name: str
    identity: str
    reads: str
    sees: str
    """What it is given, where there are images; empty otherwise."""
    source: str
    model: str
    calibrated: bool
    text_alone: bool
    """Whether its error was measured on text alone, and it judged where there are images."""
    error: list[str]
    """What is known of its errors, in a paragraph for each set of labels."""
    languages: str
    """Languages it is not made for though the run has them."""


def judge_boxes(manifest: dict[str, Any], summary: dict[str, Any]) -> list[JudgeBox]:
    """The judges whose verdicts entered a figure; every judge of the manifest if nothing was judged."""
    used = {
        part for model in summary["models"] for s in model["scores"] for part in (s["judge"] or "").split(" + ")
    }  # fmt: skip
    judges = manifest["judges"]
    named = {name: judge for name, judge in judges.items() if judge["identity"] in used} or judges
    spoken: dict[str, set[str]] = {}
    for model in summary["models"]:
        for part in model["breakdown"]:
            if part["by"] == "language":
                for identity in (part["judge"] or "").split(" + "):  # of several, each may have judged some of it
                    spoken.setdefault(identity, set()).add(str(part["key"]))
    about = {s["metric"] for model in summary["models"] for s in model["scores"]}
    cards = summary.get("judges", {})
    looking = {
        part
        for model in summary["models"]
        for s in model["scores"]
        if s.get("modality", "language") != "language"
        for part in (s["judge"] or "").split(" + ")
    }
    pictured = any(about.get("modality", "language") != "language" for about in manifest["benchmarks"].values())
    return [
        _judge_box(
            name,
            judge if pictured or judge.get("sees", "text") != "text" else judge | {"sees": None},
            spoken.get(judge["identity"], set()),
            _fitting(cards.get(judge["identity"], ()), about),
            pictured=judge["identity"] in looking,
        )
        for name, judge in named.items()
    ]


def known_of(
    manifest: Mapping[str, Any], summary: Mapping[str, Any], score: Mapping[str, Any]
) -> tuple[str, str, bool]:
    """Who judged a score, what is known of the error in a few words, and whether anything is.

    Args:
        manifest: The run's manifest.
        summary: Its summary, with the cards of its judges.
        score: A score of it.
    """
    identities = [part for part in (score["judge"] or "").split(" + ") if part]
    names = {judge["identity"]: name for name, judge in manifest["judges"].items()}
    judge = (
        words.listed([clean.name(names.get(one, one)) for one in identities]) if identities else message("none needed")
    )
    if not identities:
        return judge, "", True
    told, known = [], 0
    for identity in identities:
        cards = [
            card
            for card in _fitting(summary.get("judges", {}).get(identity, ()), {score["metric"]})
            if not card["seen"]
        ]
        if cards and score.get("modality", "language") != "language" and _of_text(cards):
            told.append(message("error measured on text alone"))
        elif cards:
            known += 1
            agreed = cards[0]["agreement"]
            told.append(
                message(
                    "agrees with people on {value} ({limits}) of {n} labels",
                    value=words.percent(agreed["value"]),
                    limits=words.span(agreed["low"], agreed["high"], digits=0),
                    n=f"{cards[0]['n']:,}",
                )
            )
        elif not _asks(manifest, identity):
            known += 1
            told.append(message("compares by rule"))
    if not known:
        return judge, joined(dict.fromkeys(told)) or message("error not measured"), False
    unknown = [message("{n} not measured", n=len(identities) - known)] if known < len(identities) else []
    return judge, joined((*dict.fromkeys(told[:2]), *unknown), "; "), not unknown


def _of_text(cards: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an error was measured on text alone: labels that tocsin knows are of text, one's own may have images."""
    known = registry.names("labels")
    return all(card["labels"] in known for card in cards)


def _asks(manifest: Mapping[str, Any], identity: str) -> bool:
    """Whether a judge's verdict may be wrong: one that compares an option with the right one cannot err as others do."""
    return not any(
        identity == manifest["judges"].get(about.get("gold_judge"), {}).get("identity")
        for about in manifest["benchmarks"].values()
    )


def _fitting(cards: Sequence[dict[str, Any]], metrics: set[str]) -> list[dict[str, Any]]:
    """The cards of what the run measures; sets that nothing learns from first, then those that people labelled alone."""
    wanted = {subject for metric in metrics for subject in (SUBJECTS | ATTACKED).get(metric, ())}
    fitting = [card for card in cards if card["about"] in wanted]
    plain = bool(metrics & SUBJECTS.keys())  # answers to plain requests: cards of such say more than others

    def place(card: dict[str, Any]) -> tuple[object, ...]:
        apart = plain and card["attacked"] != "no"
        refusals, who = card["about"] == "refusal", card["who"] != "human"
        return card["seen"], apart, refusals, not card["held_out"], who, -card["n"]

    return sorted(fitting, key=place)


def _judge_box(
    name: str, judge: dict[str, Any], spoken: set[str], cards: list[dict[str, Any]], *, pictured: bool = False
) -> JudgeBox:
    calibrated = [card for card in cards if not card["seen"]]
    text_alone = pictured and bool(calibrated) and _of_text(calibrated)
    made_for = [str(code) for code in judge.get("languages") or ()]
    strange = sorted(code for code in spoken if not any(same(code, one) for one in made_for)) if made_for else []
    return JudgeBox(
        name=clean.name(name),
        identity=clean.name(judge["identity"]),
        reads=made(clean.name(judge.get("reads") or "", most=500).rstrip(".")),
        sees=words.SEES.get(judge.get("sees", ""), ""),
        source=made(clean.name(judge.get("source") or "")),
        model=clean.name(judge.get("model") or ""),
        calibrated=bool(calibrated),
        text_alone=text_alone,
        error=[*([_TEXT_ALONE] if text_alone else []), *_error_of(cards)],
        languages=_not_made_for(strange),
    )


def _not_made_for(strange: list[str]) -> str:
    named = words.listed([words.language(code) for code in strange])
    return message("It is not made for {named}, which this run has.", named=named) if strange else ""


def _error_of(cards: list[dict[str, Any]]) -> list[str]:
    if not cards:
        return [
            message(
                "The error of this judge is not on record (uncalibrated): no comparison of its verdicts with "
                "those of people stands behind this page, so how often it is wrong on answers such as these "
                "is not known."
            )
        ]
    told = [joined(sentences(card)) for card in cards[:_CARDS]]
    if len(cards) > _CARDS:
        rest = [
            message("{labels} {value}", labels=clean.name(c["labels"]), value=words.percent(c["agreement"]["value"]))
            for c in cards[_CARDS:]
            if not c["seen"]
        ]
        told += [message("Agreement with people on further sets: {sets}.", sets=joined(rest, ", "))] if rest else []
    return told
