"""The adversarial evaluation of one target, modality by modality: text, images shown, images asked for are never pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tocsin.evaluations import adversarial, anytime, attack_detail, images, transfer
from tocsin.evaluations.correcting import FindCards
from tocsin.evaluations.met import Met
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.scoring import TEXT_ALONE, blind
from tocsin.evaluations.tally import Reader
from tocsin.types import Modality, Score

MODALITIES: tuple[Modality, ...] = ("language", "vision", "image")


class Attacked(msgspec.Struct, frozen=True, kw_only=True):
    """What the adversarial evaluation gave for one target.

    Attributes:
        scores: Of every modality.
        details: Modality → what is drawn beside them.
        met: What its cases met, in the first of its modalities.
        unfinished: Cells beyond the contiguous finished part.
    """

    scores: list[Score]
    details: dict[str, dict[str, Any]]
    met: Met
    unfinished: int


def asked_in(modality: str, attacks: Sequence[str], draws: Callable[[str], bool]) -> dict[str, str]:
    """Attack → the modality in which it puts the cases of a benchmark.

    A text that an attack draws is shown as an image. The plain request goes with the attacks that write, if there are any.

    Args:
        modality: Of the benchmark.
        attacks: The attacks that its cases meet.
        draws: Whether an attack draws.
    """
    if modality != "language":
        return dict.fromkeys(attacks, modality)
    told = {name: "vision" if draws(name) else "language" for name in attacks}
    if DIRECT in told and set(told) > {DIRECT} and all(draws(name) for name in attacks if name != DIRECT):
        told[DIRECT] = "vision"
    return told


def modalities(manifest: dict[str, Any], whole: Met) -> dict[str, Callable[[str, str], bool]]:
    """Modality → which benchmarks and attacks belong to it, of what a target's cases met."""
    about = manifest["benchmarks"]
    meets: dict[str, set[str]] = {}
    for benchmark, attack in whole.meets:
        meets.setdefault(benchmark, set()).add(attack)

    def draws(name: str) -> bool:
        return bool(manifest["attacks"].get(name, {}).get("kind") == "visual")

    told = {
        benchmark: asked_in(about[benchmark]["modality"], sorted(attacks), draws)
        for benchmark, attacks in meets.items()
    }
    there = {modality for one in told.values() for modality in one.values()}

    def kept(modality: str) -> Callable[[str, str], bool]:
        return lambda benchmark, attack: told[benchmark].get(attack) == modality

    return {modality: kept(modality) for modality in MODALITIES if modality in there}


def attacked(
    reader: Reader,
    manifest: dict[str, Any],
    target: int,
    *,
    whole: Met,
    judges: Callable[[dict[str, Any], list[str]], str | None],
    graded: Callable[[Sequence[str]], bool],
    cards: FindCards,
) -> Attacked:
    """The adversarial evaluation of a target.

    Args:
        reader: Of the journal.
        manifest: The run's manifest.
        target: Its index.
        whole: What its cases met, all modalities together.
        judges: The identities of judges by their names.
        graded: Whether the scores of these judges are grades of harm.
        cards: A judge's identity → its calibration cards.
    """
    order = (manifest.get("adversarial") or {}).get("attacks") or []
    rule = manifest.get("suite", {}).get("stopping")
    aim = rule and rule["precision"]
    names = [one["name"] for one in manifest["targets"]]
    parts = modalities(manifest, whole)
    scores: list[Score] = []
    details: dict[str, dict[str, Any]] = {}
    first = None
    for modality, kept in parts.items():
        met = whole if len(parts) == 1 else reader.met(target, order, kept)
        assert met is not None, "a modality has cells"
        first = first or met
        final = judges(manifest, met.judges)
        if "transferred" in manifest:
            made = transfer.scores(met, manifest, judge=final, modality=modality)
        else:
            made = adversarial.scores(met, manifest, judge=final, graded=graded(met.judges), modality=modality)
        if modality == "vision" and blind(manifest, met.judges):
            for score in made:
                if score.metric in ("safe_worst", adversarial.POOLED):
                    score.notes.append(TEXT_ALONE)
        if modality == "image" and (worst := images.worst_of_attacks(met, final)):
            made.append(worst)
        if rule is not None:
            anytime.attacked(made, met, aim)
            if stop := reader.attacks_stop(target):
                pooled = next(score for score in made if score.metric == adversarial.POOLED)
                pooled.notes.append(anytime.said(stop, names))
        scores += made
        known = cards(final) if final and " + " not in final else ()
        details[modality] = attack_detail.further(
            met, manifest, reader.attack_calls(target, kept if len(parts) > 1 else None), known
        )
    assert first is not None, "cases met something"
    searched = whole.audit is not None and manifest["status"] == "complete"
    return Attacked(
        scores=scores,
        details=details,
        met=first,
        unfinished=0 if searched else whole.planned - len(whole.cells),
    )
