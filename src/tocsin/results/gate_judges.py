"""What a policy asks of the judges of a score, held against their calibration cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.evaluations.correcting import ATTACKED, SUBJECTS
from tocsin.results.gate_scores import Score, Side, number
from tocsin.results.policy import JudgeEntry


def judge_faults(run: Side, score: Score, asked: JudgeEntry) -> list[str]:
    """What is not known of the judges of a score, in sentences; an empty list if enough is.

    Judges of cases with a right option or label compare and do not judge: nothing is asked of them. Of the cards of the others
    those count that are about what the metric is about, and from whose labels the judge did not learn. The one that people
    alone labelled, and of those the largest, decides, whatever it says; its figures are read at their lower limits.
    """
    if not asked.asks and asked.names is None:
        return []
    manifest = run.manifest
    gold = {
        manifest["judges"][about["gold_judge"]]["identity"]
        for about in manifest["benchmarks"].values()
        if about.get("gold_judge") in manifest["judges"]
    }
    identities = [one for one in (score["judge"] or "").split(" + ") if one and one not in gold]
    if not score["judge"]:
        return ["it names no judge, and the policy asks for one that is known"]
    said = []
    for identity in identities:
        if asked.names is not None and identity.partition("@")[0] not in asked.names:
            said.append(f"it was judged by {identity}, and the policy takes {' or '.join(asked.names)}")
        if asked.asks:
            said += _of_cards(identity, run.summary["judges"].get(identity, ()), score, asked)
    return said


def _of_cards(identity: str, cards: Sequence[Mapping[str, Any]], score: Score, asked: JudgeEntry) -> list[str]:
    about = _subject(score)
    fitting = [card for card in cards if not card["seen"] and (about is None or card["about"] in about)]
    what = f" about {' or '.join(sorted(about))}" if about else ""
    if not fitting:
        return [f"its judge {identity} is uncalibrated: it has no card of labels{what} that it did not learn from"]
    card = min(fitting, key=lambda one: (one["who"] != "human", -one["n"], one["labels"]))
    said = []
    if card["n"] < asked.min_labels:
        said.append(
            f"the card of its judge on {card['labels']} has {card['n']} labels, and {asked.min_labels} are needed"
        )
    for name, least in asked.figures():
        if least is None:
            continue
        limit = number((card[name] or {}).get("low"))
        if limit is None:
            said.append(f"the card of its judge on {card['labels']} has no {name}")
        elif limit < least:
            told = f"{name} on {card['labels']} is {card[name]['value']:.2f}, at its lower limit {limit:.2f}"
            said.append(f"the {told}, and {least:g} is needed of its judge {identity}")
    return said


def _subject(score: Score) -> frozenset[str] | None:
    """What labels have to be about to say how the judge of a score errs; None where the metric tells nothing."""
    told = SUBJECTS.get(score["metric"]) or ATTACKED.get(score["metric"])
    if told is None and score["metric"] == "macro_mean":
        return SUBJECTS["over_refusal_rate" if score["evaluation"] == "over-refusal" else "safe_rate"]
    return told
