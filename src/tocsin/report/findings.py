"""What a run found, in a few plain sentences made from its numbers."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.evaluations import multilingual
from tocsin.evaluations.adversarial import EVALUATION, POOLED
from tocsin.evaluations.counts import COMPLIANCE
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.scoring import DEMONSTRATION, TOO_FEW, TRANSFER, holds_cells
from tocsin.report import clean, drops, modalities, words
from tocsin.report.messages import begun, joined, lowered, made, message
from tocsin.report.rows import name_of

_SETS = 2
"""Sets of safe generation that a finding tells of at most."""
_HARD = 0.1
"""A tenth of the attempts without a measurement is said in the finding, not only in its section."""


class Finding(msgspec.Struct, frozen=True):
    """The finding on one model."""

    model: str
    sentences: list[str]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run is finished, and what is missing."""

    complete: bool
    word: str
    sentences: list[str]


def findings(summary: dict[str, Any]) -> list[Finding]:
    """Two or three sentences a model: how safely it answered, what it refused needlessly, what is not known."""
    return [Finding(clean.name(model["model"]), _sentences(model)) for model in summary["models"]]


def status(manifest: dict[str, Any], summary: dict[str, Any]) -> Status:
    """Whether the run is complete; of a partial one, what is missing and why."""
    errors = sum(score["error"] for score in _rates(summary))
    counted, cells = sum(score["planned"] for score in _rates(summary)), manifest["cells"]
    if summary["status"] == "complete":
        told = [_made(manifest, counted, cells)]
        if errors:
            told.append(
                message(
                    "{attempts} ended in an error and {counts} in no rate.",
                    attempts=words.count(errors, "attempt"),
                    counts="counts" if errors == 1 else "count",
                )
            )
        return Status(complete=True, word=message("Complete"), sentences=told)
    sentences = [
        message(
            "This run is not finished. Of {cells}, {counted} count so far and {missing} are missing: not "
            "begun, or finished out of turn. Short answers such as refusals finish first, so only what "
            "was finished in the drawn order is counted.",
            cells=words.count(cells, "planned attempt"),
            counted=f"{counted:,}",
            missing=f"{max(0, cells - counted):,}",
        )
    ]
    last = manifest["sessions"][-1] if manifest["sessions"] else None
    if last is not None:
        why = words.ENDINGS.get(last["ending"], str(last["ending"]))
        reason = made(clean.name(last["reason"])) if last.get("reason") else ""
        sentences.append(
            message("The last session {why}: {reason}.", why=why, reason=reason)
            if reason
            else message("The last session {why}.", why=why)
        )
    sentences.append(message("The figures may change when it is finished."))
    return Status(complete=False, word=message("Partial"), sentences=sentences)


def _made(manifest: dict[str, Any], counted: int, cells: int) -> str:
    """Which of the planned attempts a complete run made."""
    if (manifest.get("adversarial") or {}).get("mode") == "worst-case":
        return message(
            "Every case was settled: a case stops at its first success, and what was planned beyond it was not made."
        )
    if not manifest["suite"].get("stopping"):
        return message("Every planned attempt was made.")
    made = (
        message("{counted} of {cells} were made", counted=f"{counted:,}", cells=words.count(cells, "planned attempt"))
        if counted < cells
        else message("all were made")
    )
    return message(
        "This run was to stop where enough is known: {made}. Its intervals hold whenever it may have "
        "stopped, and are wider for it.",
        made=made,
    )


def _sentences(model: dict[str, Any]) -> list[str]:
    rates = [score for score in model["scores"] if holds_cells(score)]
    planned, n = sum(score["planned"] for score in rates), sum(score["n"] for score in rates)
    if not planned:
        return [message("No attempt counts yet, so this report says nothing about this model yet.")]
    if not n:
        return [
            message(
                "Nothing could be measured: {both} without a verdict. This report therefore says nothing "
                "about how safe the model is.",
                both=_both(planned),
            )
        ]
    tables = {
        (table["evaluation"], table["benchmark"], table["metric"]): table["counts"] for table in model["refusal_tables"]
    }
    apart = ("over-refusal", EVALUATION, multilingual.EVALUATION)
    kinds = [kind for kind in dict.fromkeys(score["evaluation"] for score in rates) if kind not in apart]
    told = [
        *(line for kind in kinds for some in _each(_of(rates, kind)) for line in _on(model, some, False, tables)),
        *_attacked_before(model, [score for score in rates if score["evaluation"] == EVALUATION], tables),
        *_attacked(model),
        *_spoken(model, _of(rates, multilingual.EVALUATION), tables),
        *(line for some in _each(_of(rates, "over-refusal")) for line in _on(model, some, True, tables)),
        *_without(model),
    ]
    if n < planned:
        share = (
            message(", {share} of all", share=words.percent((planned - n) / planned))
            if (planned - n) / planned >= _HARD
            else ""
        )
        empty = _empty(rates)
        among = message(", among them every one on {empty}", empty=words.listed(empty, most=3)) if empty else ""
        told.append(
            message(
                "{attempts} of {planned} could not be measured{share}{among}; the worst and best values "
                "below show what they might change.",
                attempts=words.count(planned - n, "attempt"),
                planned=f"{planned:,}",
                share=share,
                among=among,
            )
        )
    return told


def _without(model: dict[str, Any]) -> list[str]:
    """Evaluations of which the suite has sets and this run has no score; of a modality of which it has none, in one sentence."""
    empty = [axis for axis in model.get("axes", ()) if axis["left_out"] and not axis["scores"]]
    scored = {axis.get("modality", "language") for axis in model.get("axes", ()) if axis["scores"]}
    told = []
    for modality in dict.fromkeys(axis.get("modality", "language") for axis in empty):
        here = [axis for axis in empty if axis.get("modality", "language") == modality]
        if modality in scored or len(here) == 1:
            told += [
                message(
                    "There is no score of the {axis} evaluation: {left_out}",
                    axis=words.axis(axis),
                    left_out=_left_out(axis["left_out"]),
                )
                for axis in here
            ]
            continue
        names = words.listed([words.EVALUATION[axis["evaluation"]] for axis in here])
        sets = [name for axis in here for name in axis["left_out"]]
        told.append(
            message(
                "Nothing was measured of {modality} ({names}): {left_out}",
                modality=words.SHORT[modality],
                names=names,
                left_out=_left_out(sets),
            )
        )
    return told


def _left_out(names: list[str]) -> str:
    listed = words.listed([clean.name(name) for name in names], most=4)
    was = "was" if len(names) == 1 else "were"
    return message("{names} {was} left out, and the section on what was not measured says why.", names=listed, was=was)


def _of(rates: list[dict[str, Any]], evaluation: str) -> list[dict[str, Any]]:
    return [score for score in rates if score["evaluation"] == evaluation]


def _each(rates: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rates of each modality: they are never told of together."""
    return [
        [score for score in rates if score.get("modality", "language") == modality]
        for modality in modalities.present(rates)
    ]


def _spoken(
    model: dict[str, Any], rates: list[dict[str, Any]], tables: dict[tuple[str, str, str], dict[str, int]]
) -> list[str]:
    """What was found in other languages: how safely it answered on each set, where it was worse, how well it judges texts."""
    sets = {told["benchmark"]: told for told in model.get("multilingual") or ()}
    found: list[str] = []
    for score in rates:
        if score["benchmark"] in sets and score["value"] is not None and len(found) < 2 * _SETS:
            found.append(_sentence(score, True, tables))
            if said := drops.first(sets[score["benchmark"]], clean.name(score["benchmark"])):
                found.append(said)
    for mean in model["scores"]:
        if mean["metric"] == JUDGEMENT and mean["value"] is not None:
            found.append(
                message(
                    "Asked to judge texts in several languages as safe or unsafe, it reached a mean F1 of "
                    "{value}{interval}.",
                    value=words.percent(mean["value"]),
                    interval=_interval(mean),
                )
            )
    return found


def _attacked_before(
    model: dict[str, Any], rates: list[dict[str, Any]], tables: dict[tuple[str, str, str], dict[str, int]]
) -> list[str]:
    """What published attacks did, which nobody makes here."""
    published = [score for score in rates if score["benchmark"] is not None]
    lines = [line for some in _each(published) for line in _on(model, some, False, tables)]
    return [message("Under published attacks: {told}", told=lowered(line)) for line in lines]


def _attacked(model: dict[str, Any]) -> list[str]:
    """What the attacks did in each modality."""
    found = modalities.attacks(model)
    live = [s for s in model["scores"] if s["evaluation"] == EVALUATION and s["benchmark"] is None]
    told = []
    for modality, detail in found.items():
        mine = [score for score in live if score.get("modality", "language") == modality]
        if said := _transferred(mine) or _withstood(mine, detail):
            apart = message("{modality}: {told}", modality=begun(words.SHORT[modality]), told=lowered(said))
            told.append(apart if modalities.told(list(found)) else said)
    return told


def _withstood(mine: list[dict[str, Any]], detail: dict[str, Any]) -> str:
    """The cases that withstood all attacks, the pooled rate, the attack that succeeded most; empty if nothing was measured."""
    scores = {score["metric"]: score for score in mine}
    if POOLED not in scores or not scores[POOLED]["n"]:
        return ""
    worst, pooled = scores["safe_worst"], scores[POOLED]
    single = [s for s in mine if s["metric"] == "attack_success_rate" and s["value"] is not None]
    named = [name for name in detail["attacks"] if name != DIRECT]
    attacks = words.count(len(named), "attack") if named else message("the plain request")
    if named and len(named) < len(detail["attacks"]):
        attacks = message("{attacks} and the plain request", attacks=attacks)
    if worst["value"] is None:
        stood = message(
            "Under {attacks}, between {worst} and {best} of {cases} withstood every one: of {unknown} it is not known.",
            attacks=attacks,
            worst=words.percent(worst["worst"]),
            best=words.percent(worst["best"]),
            cases=words.count(worst["planned"], "case"),
            unknown=f"{worst['unscored']:,}",
        )
    else:
        stood = message(
            "Under {attacks}, {safe} of {cases} withstood every one; that is {value}{interval}.",
            attacks=attacks,
            safe=f"{worst['safe']:,}",
            cases=words.count(worst["planned"], "case"),
            value=words.percent(worst["value"]),
            interval=_interval(worst),
        )
    by_refusal = str(pooled["judge"]).startswith("refusal@")
    told = [
        stood,
        message(
            "Of all answers to attacked requests, {value} {judged}{interval}.",
            value=words.percent(pooled["value"]),
            judged=message("refused") if by_refusal else message("were judged safe"),
            interval=_interval(pooled),
        ),
    ]
    if by_refusal:
        told.append(
            message("The judge reads refusals and nothing else: every other answer counts as a success of the attack.")
        )
    single = [score for score in single if score["attack"] != "direct"]
    most = max((score["value"] for score in single), default=0.0)
    strongest = [clean.name(score["attack"]) for score in single if score["value"] == most]
    if len(single) > 1 and most > 0 and not detail["searched"]:  # of a search there are few of each
        told.append(
            message(
                "Most successful {were} {strongest}, on {most} of cases.",
                were="was" if len(strongest) == 1 else "were",
                strongest=words.listed(strongest, most=4),
                most=words.percent(most),
            )
        )
    return joined(told)


def _transferred(mine: list[dict[str, Any]]) -> str:
    """How much of what succeeded on another model succeeds on this one; empty in a run of another kind."""
    found = {score["attack"]: score for score in mine if score["metric"] == TRANSFER}
    whole, plain = found.get(None), found.get(DIRECT)
    if whole is None or not whole["n"]:
        return ""
    share, some = words.percent(whole["value"]), words.count(whole["planned"], "success", "successes")
    if whole["n"] == whole["planned"]:
        told = message(
            "Of {some} in the run before, {share} succeeded on this model{interval}.",
            some=some,
            share=share,
            interval=_interval(whole),
        )
    else:
        told = message(
            "Of {some} in the run before that were put to this model, {n} could be measured, and {share} "
            "of these succeeded again{interval}.",
            some=some,
            n=f"{whole['n']:,}",
            share=share,
            interval=_interval(whole),
        )
    if plain is not None and plain["n"]:
        control = message(
            "The plain request, without an attack, broke it on {value} of the same cases.",
            value=words.percent(plain["value"]),
        )
        return joined((told, control))
    return told


def _empty(rates: list[dict[str, Any]]) -> list[str]:
    """Benchmarks of which nothing was measured; where it is but one figure of a benchmark, that figure."""
    measured = {name_of(score) for score in rates if score["n"]}
    return [
        message("{name} ({metric})", name=name, metric=lowered(words.METRICS[score["metric"]]))
        if name in measured
        else name
        for score in rates
        if not score["n"]
        for name in (name_of(score),)
    ]


def _both(planned: int) -> str:
    return (
        message("the one attempt that was planned ended")
        if planned == 1
        else message("all {planned} attempts ended", planned=f"{planned:,}")
    )


def _on(
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
        return [_sentence(score, several, tables, modalities.parts(model, score)) for score in shown]
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
                interval=_interval(mean),
                extreme=extreme,
                name=name_of(worst),
                rate=words.percent(worst["value"]),
            )
        )
    return told


def _sentence(
    score: dict[str, Any],
    several: bool,
    tables: dict[tuple[str, str, str], dict[str, int]],
    images: modalities.Parts | None = None,
) -> str:
    """One rate as a sentence, from its counts."""
    n, passed, failed = score["n"], score["passed"] or 0, score["failed"] or 0
    where = message("On {name}, of", name=name_of(score)) if several else message("Of")
    rate = message("that is {value}{interval}", value=words.percent(score["value"]), interval=_interval(score))
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
            interval=_interval(score),
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


def _interval(score: dict[str, Any]) -> str:
    if score["low"] is None or score["high"] is None:
        return ""
    few = message(", itself uncertain: few independent groups") if TOO_FEW in score["notes"] else ""
    return message(" (95% interval {span}{few})", span=words.span(score["low"], score["high"], digits=0), few=few)


def _rates(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [score for model in summary["models"] for score in model["scores"] if holds_cells(score)]
