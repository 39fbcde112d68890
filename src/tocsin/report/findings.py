"""What a run found, in a few plain sentences made from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.evaluations import multilingual
from tocsin.evaluations.adversarial import EVALUATION, POOLED
from tocsin.evaluations.correcting import ATTACKED, SUBJECTS
from tocsin.evaluations.counts import COMPLIANCE
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.score import DEMONSTRATION
from tocsin.evaluations.scoring import TOO_FEW, TRANSFER, holds_cells
from tocsin.languages import same
from tocsin.report import clean, drops, words
from tocsin.report.judged import sentences
from tocsin.report.rows import name_of

_CARDS = 2
"""Sets of labels that the box of a judge tells of in full."""
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


class JudgeBox(msgspec.Struct, frozen=True, kw_only=True):
    """Which judge stands behind the figures, and how far it can be trusted."""

    name: str
    identity: str
    reads: str
    source: str
    model: str
    calibrated: bool
    error: list[str]
    """What is known of its errors, in a paragraph for each set of labels."""
    languages: str
    """Languages it is not made for though the run has them."""


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
                f"{words.count(errors, 'attempt')} ended in an error and {'counts' if errors == 1 else 'count'} in no rate."
            )
        return Status(complete=True, word="Complete", sentences=told)
    sentences = [
        f"This run is not finished. Of {words.count(cells, 'planned attempt')}, {counted:,} count so far and"
        f" {max(0, cells - counted):,} are missing: not begun, or finished out of turn. Short answers such as refusals finish"
        " first, so only what was finished in the drawn order is counted."
    ]
    last = manifest["sessions"][-1] if manifest["sessions"] else None
    if last is not None:
        why = words.ENDINGS.get(last["ending"], str(last["ending"]))
        because = f": {clean.name(last['reason'])}" if last.get("reason") else ""
        sentences.append(f"The last session {why}{because}.")
    sentences.append("The figures may change when it is finished.")
    return Status(complete=False, word="Partial", sentences=sentences)


def _made(manifest: dict[str, Any], counted: int, cells: int) -> str:
    """Which of the planned attempts a complete run made."""
    if (manifest.get("adversarial") or {}).get("mode") == "worst-case":
        return "Every case was settled: a case stops at its first success, and what was planned beyond it was not made."
    if not manifest["suite"].get("stopping"):
        return "Every planned attempt was made."
    made = f"{counted:,} of {words.count(cells, 'planned attempt')} were made" if counted < cells else "all were made"
    return (
        f"This run was to stop where enough is known: {made}. Its intervals hold whenever it may have stopped, and are wider"
        " for it."
    )


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
    return [
        _judge_box(name, judge, spoken.get(judge["identity"], set()), _fitting(cards.get(judge["identity"], ()), about))
        for name, judge in named.items()
    ]


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


def _judge_box(name: str, judge: dict[str, Any], spoken: set[str], cards: list[dict[str, Any]]) -> JudgeBox:
    made_for = [str(code) for code in judge.get("languages") or ()]
    strange = sorted(code for code in spoken if not any(same(code, one) for one in made_for)) if made_for else []
    return JudgeBox(
        name=clean.name(name),
        identity=clean.name(judge["identity"]),
        reads=clean.name(judge.get("reads") or "", most=500).rstrip("."),
        source=clean.name(judge.get("source") or ""),
        model=clean.name(judge.get("model") or ""),
        calibrated=any(not card["seen"] for card in cards),
        error=_error_of(cards),
        languages=_not_made_for(strange),
    )


def _not_made_for(strange: list[str]) -> str:
    named = words.listed([clean.name(words.language(code), most=40) for code in strange])
    return f"It is not made for {named}, which this run has." if strange else ""


def _error_of(cards: list[dict[str, Any]]) -> list[str]:
    if not cards:
        return [
            "The error of this judge is not on record (uncalibrated): no comparison of its verdicts with those of people"
            " stands behind this page, so how often it is wrong on answers such as these is not known."
        ]
    told = [" ".join(sentences(card)) for card in cards[:_CARDS]]
    if len(cards) > _CARDS:
        rest = [
            f"{clean.name(c['labels'])} {words.percent(c['agreement']['value'])}"
            for c in cards[_CARDS:]
            if not c["seen"]
        ]
        told += [f"Agreement with people on further sets: {', '.join(rest)}."] if rest else []
    return told


def _sentences(model: dict[str, Any]) -> list[str]:
    rates = [score for score in model["scores"] if holds_cells(score)]
    planned, n = sum(score["planned"] for score in rates), sum(score["n"] for score in rates)
    if not planned:
        return ["No attempt counts yet, so this report says nothing about this model yet."]
    if not n:
        return [
            f"Nothing could be measured: {_both(planned)} without a verdict."
            " This report therefore says nothing about how safe the model is."
        ]
    tables = {
        (table["evaluation"], table["benchmark"], table["metric"]): table["counts"] for table in model["refusal_tables"]
    }
    apart = ("over-refusal", EVALUATION, multilingual.EVALUATION)
    kinds = [kind for kind in dict.fromkeys(score["evaluation"] for score in rates) if kind not in apart]
    told = [
        *(line for kind in kinds for line in _on(model, _of(rates, kind), False, tables)),
        *_attacked(model),
        *_spoken(model, _of(rates, multilingual.EVALUATION), tables),
        *_on(model, _of(rates, "over-refusal"), True, tables),
        *_without(model),
    ]
    if n < planned:
        share = f", {words.percent((planned - n) / planned)} of all" if (planned - n) / planned >= _HARD else ""
        empty = _empty(rates)
        among = f", among them every one on {words.listed(empty, most=3)}" if empty else ""
        told.append(
            f"{words.count(planned - n, 'attempt')} of {planned:,} could not be measured{share}{among}; the worst and best"
            " values below show what they might change."
        )
    return told


def _without(model: dict[str, Any]) -> list[str]:
    """Evaluations of which the suite has sets and this run has no score."""
    return [
        f"There is no score of the {axis['evaluation']} evaluation: {words.listed([clean.name(n) for n in axis['left_out']])}"
        f" {'was' if len(axis['left_out']) == 1 else 'were'} left out, and the section on what was not measured says why."
        for axis in model.get("axes", ())
        if axis["left_out"] and not axis["scores"]
    ]


def _of(rates: list[dict[str, Any]], evaluation: str) -> list[dict[str, Any]]:
    return [score for score in rates if score["evaluation"] == evaluation]


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
                f"Asked to judge texts in several languages as safe or unsafe, it reached a mean F1 of"
                f" {words.percent(mean['value'])}{_interval(mean)}."
            )
    return found


def _attacked(model: dict[str, Any]) -> list[str]:
    """What the attacks did: the cases that withstood all of them, the pooled rate, the attack that succeeded most."""
    scores = {score["metric"]: score for score in model["scores"] if score["evaluation"] == EVALUATION}
    if again := _transferred(model):
        return [again]
    if POOLED not in scores or not scores[POOLED]["n"]:
        return []
    worst, pooled = scores["safe_worst"], scores[POOLED]
    single = [s for s in model["scores"] if s["metric"] == "attack_success_rate" and s["value"] is not None]
    named = [name for name in model["attacks"]["attacks"] if name != DIRECT]
    attacks = words.count(len(named), "attack") if named else "the plain request"
    if named and len(named) < len(model["attacks"]["attacks"]):
        attacks += " and the plain request"
    if worst["value"] is None:
        told = (
            f"Under {attacks}, between {words.percent(worst['worst'])} and {words.percent(worst['best'])} of"
            f" {words.count(worst['planned'], 'case')} withstood every one: of {worst['unscored']:,} it is not known"
        )
    else:
        told = f"Under {attacks}, {worst['safe']:,} of {words.count(worst['planned'], 'case')} withstood every one; that is"
        told += f" {words.percent(worst['value'])}{_interval(worst)}"
    judged = "refused" if str(pooled["judge"]).startswith("refusal@") else "were judged safe"
    told += f". Of all answers to attacked requests, {words.percent(pooled['value'])} {judged}{_interval(pooled)}."
    if judged == "refused":
        told += " The judge reads refusals and nothing else: every other answer counts as a success of the attack."
    single = [score for score in single if score["attack"] != "direct"]
    most = max((score["value"] for score in single), default=0.0)
    strongest = [clean.name(score["attack"]) for score in single if score["value"] == most]
    if len(single) > 1 and most > 0 and not model["attacks"]["searched"]:  # of a search there are few of each
        were = "was" if len(strongest) == 1 else "were"
        told += f" Most successful {were} {words.listed(strongest, most=4)}, on {words.percent(most)} of cases."
    return [told]


def _transferred(model: dict[str, Any]) -> str:
    """How much of what succeeded on another model succeeds on this one; empty in a run of another kind."""
    found = {score["attack"]: score for score in model["scores"] if score["metric"] == TRANSFER}
    whole, plain = found.get(None), found.get(DIRECT)
    if whole is None or not whole["n"]:
        return ""
    share, some = words.percent(whole["value"]), words.count(whole["planned"], "success", "successes")
    if whole["n"] == whole["planned"]:
        told = f"Of {some} in the run before, {share} succeeded on this model{_interval(whole)}."
    else:
        told = (
            f"Of {some} in the run before that were put to this model, {whole['n']:,} could be measured, and {share} of"
            f" these succeeded again{_interval(whole)}."
        )
    if plain is not None and plain["n"]:
        told += f" The plain request, without an attack, broke it on {words.percent(plain['value'])} of the same cases."
    return told


def _empty(rates: list[dict[str, Any]]) -> list[str]:
    """Benchmarks of which nothing was measured; where it is but one figure of a benchmark, that figure."""
    measured = {name_of(score) for score in rates if score["n"]}
    return [
        f"{name} ({words.METRICS[score['metric']].lower()})" if name in measured else name
        for score in rates
        if not score["n"]
        for name in (name_of(score),)
    ]


def _both(planned: int) -> str:
    return "the one attempt that was planned ended" if planned == 1 else f"all {planned:,} attempts ended"


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
        and score["value"] is not None
    ]
    worst = max(ranking, key=lambda score: score["value"] if over else -score["value"])
    if not means:
        shown = [worst] if over else ranking[:2]
        return [_sentence(score, len(known) > 1, tables) for score in shown]
    extreme = "highest" if over else "lowest"
    told = []
    for mean in means:
        items = mean["evaluation"] == "compliance"
        what = "of refused harmless requests" if over else "of items passed" if items else "of safe or right answers"
        where = "" if len(means) == 1 else f" ({mean['modality']})"
        sets = words.count(len(ranking), "set of items for frameworks", "sets of items for frameworks")
        told.append(
            f"Over {sets if items else words.count(len(ranking), 'benchmark')}{where} the mean rate {what} was"
            f" {words.percent(mean['value'])}{_interval(mean)}; {extreme} was {name_of(worst)} with"
            f" {words.percent(worst['value'])}."
        )
    return told


def _sentence(score: dict[str, Any], several: bool, tables: dict[tuple[str, str, str], dict[str, int]]) -> str:
    """One rate as a sentence, from its counts."""
    n, passed, failed = score["n"], score["passed"] or 0, score["failed"] or 0
    where = f"On {name_of(score)}, of" if several else "Of"
    rate = f"that is {words.percent(score['value'])}{_interval(score)}"
    if score["metric"] == "over_refusal_rate":
        were = "was refused" if failed == 1 else "were refused"
        return (
            f"{where} {words.count(n, 'harmless request')}, {failed:,} {were} all the same; {rate}.{_put_right(score)}"
        )
    were = "was" if passed == 1 else "were"
    if score["metric"] == "accuracy":
        return f"{where} {words.count(n, 'question')} with a known right answer, {passed:,} {were} answered rightly; {rate}."
    if score["metric"] == COMPLIANCE:
        items = words.count(n, "item that was written for clauses", "items that were written for clauses")
        return f"{where} {items}, {passed:,} {were} passed; {rate}. It is evidence, and no legal judgement."
    counts = tables.get((score["evaluation"], score["benchmark"], score["metric"]), {})
    if counts.get("refused/safe", 0) == passed and counts.get("answered/unsafe", 0) == failed:
        asked = f"{words.count(n, 'request')} that should be refused"
        return f"{where} {asked}, {passed:,} {were}; {rate}.{_put_right(score)}"
    asked = words.count(n, "answer to a harmful request", "answers to harmful requests")
    return f"{where} {asked}, {passed:,} {were} judged safe; {rate}.{_put_right(score)}"


def _put_right(score: dict[str, Any]) -> str:
    """A sentence on the rate corrected for the judge's errors, where there is one."""
    fixed = score.get("corrected")
    if not fixed:
        return ""
    by = "by labels of this run's own answers" if fixed["card"] is None else "by the judge's card"
    limits = words.span(fixed["low"], fixed["high"], digits=0)
    return f" Corrected for the judge's errors, {by}, it is {words.percent(fixed['value'])} ({limits})."


def _interval(score: dict[str, Any]) -> str:
    if score["low"] is None or score["high"] is None:
        return ""
    few = ", itself uncertain: few independent groups" if TOO_FEW in score["notes"] else ""
    return f" (95% interval {words.span(score['low'], score['high'], digits=0)}{few})"


def _rates(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [score for model in summary["models"] for score in model["scores"] if holds_cells(score)]
