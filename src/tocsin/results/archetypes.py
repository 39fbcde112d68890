"""Archetypes by a printed rule: which of them a profile is, how surely, and what it would take to say so.

The rules and their thresholds are data (`archetypes.yaml`). An archetype is assigned where its rule holds in at least 80%
of draws of all inputs from their intervals; otherwise the profile is *indeterminate*, and what it lacks is named. An input
that was not measured may be anything, and one of which some attempts have no outcome anything that these could make of it: that
can keep a rule from holding, and never helps one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.results.archetype_rules import Condition, Group, Rule, Rules, in_words, rules
from tocsin.results.axes import MODALITIES
from tocsin.results.profile_axes import OVER_REFUSAL

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

DEMONSTRATION = "This is a demonstration: its figures rank nobody"
NEAREST = "No rule holds in any draw; the nearest is {title}, {points} points away"
OPEN = "All open: {titles}, for lack of {inputs}"
LACKING = "{title} leads, and cannot be assigned for lack of {inputs}"
UNSTABLE = "{title} leads: its rule holds in {share} of draws, and {threshold} are needed"
UNFINISHED = "The run is not finished: what is left of it could change what it is"
UNASSIGNED = (DEMONSTRATION, UNFINISHED, NEAREST, OPEN, LACKING, UNSTABLE)
"""Why no archetype is assigned, as messages."""

INDETERMINATE, NONE = "indeterminate", "none"
_Z = 1.959963984540054
_STYLES = ("hard_refusal", "safe_completion", "comply_then_warn", "block")
_IMAGES = ("refusal", "leak", "safe_image")
_UNREAD = "nothing measures it: no judge says whether an answer that complies ends in a warning"


class Base(msgspec.Struct, frozen=True):
    """A measured input: its value and 95% interval, or why it cannot be used.

    Attributes:
        value: In [0, 1]; None where nothing was measured.
        low: Lower limit; None where there is none.
        high: Upper limit.
        least: The lowest that the value could be, whatever the attempts without an outcome were; None where that is not told,
            or where all have one.
        most: The highest.
        missing: How many have none, in words; empty where all have one.
        why: Why it cannot be drawn from; empty where it can.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    most: float | None = None
    missing: str = ""
    why: str = ""

    @property
    def room(self) -> tuple[float, float]:
        """How far the attempts without an outcome could move the value down, and up."""
        if self.value is None or self.least is None or self.most is None:
            return 0.0, 0.0
        return max(0.0, self.value - self.least), max(0.0, self.most - self.value)

    @property
    def usable(self) -> bool:
        """Whether it can be drawn from."""
        return not self.why and self.value is not None and self.low is not None and self.high is not None


class Drawn(msgspec.Struct, frozen=True):
    """What an input may be in each draw: equal limits where it is known."""

    low: Floats
    high: Floats


def archetype(profile: Mapping[str, Any], modality: str) -> dict[str, Any]:
    """The archetype of one modality of a profile.

    Each input is drawn from a two-piece normal distribution whose median is its value and whose 2.5% and 97.5% points are
    its limits, cut to [0, 1], all independently (`draws` times, with a fixed seed). In every draw it may lie as far to
    either side of that as the attempts without an outcome could move its value. What has no value or no interval may lie
    anywhere. A condition is then met, unmet or open; a rule holds where all its conditions are met, and is open where
    none is unmet and some are open.

    Args:
        profile: As `tocsin.results.profile.profile` makes it.
        modality: One of its modalities.

    Returns:
        ``modality``, ``name`` (an archetype's, ``indeterminate``, or ``none`` for a demonstration and a run that is not
        finished), ``title``, ``why`` (and ``because``, the same as a message), ``stable`` (share of draws in which the
        rule of the archetype, or of the one that leads, holds), ``threshold``, ``draws``, ``seed``, ``version``,
        ``by_values`` (the archetype that the values alone leave or give, and whether all its conditions are met),
        ``leading``, ``lacks`` (``input``, ``title``, ``why``), ``inputs`` (``input``, ``title``, ``value``, ``low``,
        ``high``, ``why``, ``context``: no rule reads it) and ``rules`` (``name``, ``title``, ``meaning``, ``rule`` in
        words, ``conditions``, ``share``, ``open``, ``distance``).
    """
    told = rules()
    group = told.group(modality)
    common = {
        "modality": modality,
        "threshold": told.stable,
        "draws": told.draws,
        "seed": told.seed,
        "version": told.version,
    }
    if profile["demonstration"] or profile.get("unfinished"):
        why = DEMONSTRATION if profile["demonstration"] else UNFINISHED
        return {
            **common, "name": NONE, "title": "No archetype", **_why(why),
            "stable": None, "leading": None, "by_values": None, "lacks": [], "inputs": [], "rules": [],
        }  # fmt: skip
    bases = inputs(profile, modality, told)
    drawn = _derived(_draw(bases, told), group, modality)
    at = _derived({name: _fixed(base) for name, base in bases.items()}, group, modality)
    found = [_judged(rule, told, drawn, at) for rule in group.archetypes]
    return {
        **common,
        **_decided(found, bases, told, group),
        "inputs": _shown(bases, drawn, at, told, group),
        "rules": found,
    }


def archetypes(profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The archetype of each modality that has an evaluation, in their order."""
    there = {one["modality"] for one in profile["sectors"]}
    return [archetype(profile, modality) for modality in MODALITIES if modality in there]


def inputs(profile: Mapping[str, Any], modality: str, told: Rules) -> dict[str, Base]:
    """What a profile measures of the inputs that others are made of."""
    scores: dict[str, Mapping[str, Any]] = {}
    for one in profile["evaluations"]:
        if one["modality"] == modality:
            scores.setdefault(one["evaluation"], one)  # judgement comes before safe generation
    found = {name: _base(scores.get(name), told) for name in told.group(modality).evaluations}
    refused = _base(scores.get(OVER_REFUSAL), told)
    ends = (refused.value, refused.high, refused.low, refused.most, refused.least)
    value, low, high, least, most = (None if end is None else 1 - end for end in ends)
    found["over_refusal"] = Base(value, low, high, least, most, refused.missing, refused.why)
    style = next((one for one in profile["refusals"] if one["modality"] == modality), None)
    if modality != "image":
        for name in _STYLES:
            share = style and style.get(name)
            lacking = _UNREAD if name == "comply_then_warn" else "no judge of plain harmful requests says what refuses"
            found[name] = _style(share, style, told) if share and style else Base(why=lacking)
        return found
    for evaluation in told.image.evaluations:
        mine = next((one for one in profile["refusals"] if one.get("evaluation") == evaluation), None)
        for name in _IMAGES:
            share = mine and mine[name]
            measured = share if share and share["value"] is not None else None
            lacking = f"no prompt of {evaluation} was measured"
            found[f"{name}:{evaluation}"] = _style(measured, mine, told) if measured and mine else Base(why=lacking)
    return found


def _style(share: Mapping[str, Any], style: Mapping[str, Any], told: Rules) -> Base:
    """A share of refusals as an input, unless too many of the requests have no outcome."""
    return _within(share, share.get("least"), share.get("most"), style.get("n"), style.get("planned"), told)


def _base(score: Mapping[str, Any] | None, told: Rules) -> Base:
    """A score as an input, unless too much of it is without an outcome."""
    if score is None:
        return Base(why="no score stands for it")
    if score["value"] is None:
        return Base(why="it has no value")
    return _within(score, score["worst"], score["best"], score["n"], score["planned"], told)


def _within(
    score: Mapping[str, Any], least: float | None, most: float | None, n: int | None, planned: int | None, told: Rules
) -> Base:
    """An input with its interval, and with the bounds of what has no outcome."""
    missing = ""
    if planned and n is not None and n < planned:
        missing = f"{planned - n} of {planned} attempts have no outcome"
        if 1 - n / planned > told.unmeasured_at_most:
            return Base(score["value"], why=missing)
    if score["low"] is None or score["high"] is None:
        return Base(score["value"], why="it has no interval")
    ends = (least, most) if missing else (None, None)
    return Base(score["value"], score["low"], score["high"], *ends, missing)


def _draw(bases: Mapping[str, Base], told: Rules) -> dict[str, Drawn]:
    rng = np.random.default_rng(told.seed)
    found = {}
    for name, base in bases.items():
        z = rng.standard_normal(told.draws)  # drawn for every input, so that one does not move the draws of another
        if base.usable:
            assert base.value is not None
            assert base.low is not None
            assert base.high is not None
            way = np.where(z < 0, base.value - base.low, base.high - base.value) / _Z
            at = np.clip(base.value + z * way, 0.0, 1.0)
            down, up = base.room
            found[name] = Drawn(np.maximum(at - down, 0.0), np.minimum(at + up, 1.0))
        else:
            found[name] = Drawn(np.zeros(told.draws), np.ones(told.draws))
    return found


def _fixed(base: Base) -> Drawn:
    """An input by its value alone; anything where there is none."""
    if base.value is None:
        return Drawn(np.zeros(1), np.ones(1))
    return Drawn(np.array([base.value]), np.array([base.value]))


def _derived(bases: Mapping[str, Drawn], group: Group, modality: str) -> dict[str, Drawn]:
    """All inputs of rules, by interval arithmetic over those that they are made of."""
    found = dict(bases)
    if modality == "image":
        for name in _IMAGES:
            parts = [bases[f"{name}:{evaluation}"] for evaluation in group.evaluations]
            found[name] = Drawn(np.mean([p.low for p in parts], axis=0), np.mean([p.high for p in parts], axis=0))
    parts = [bases[name] for name in group.evaluations]
    lows, highs = np.array([part.low for part in parts]), np.array([part.high for part in parts])
    found["level"] = Drawn(lows.mean(axis=0), highs.mean(axis=0))
    found["lowest"] = Drawn(lows.min(axis=0), highs.min(axis=0))
    found["highest"] = Drawn(lows.max(axis=0), highs.max(axis=0))
    found["spread"] = _spread(lows, highs)
    for name, first in (("drop", "benchmark"), ("gap", "compliance")):
        one, other = bases[first], bases["adversarial"]
        found[name] = Drawn(one.low - other.high, one.high - other.low)
    return found


def _spread(lows: Floats, highs: Floats) -> Drawn:
    """How far the evaluation that lies furthest from their mean is from it; shapes ``(evaluations, draws)``."""
    count = len(lows)
    # An evaluation less the mean, with itself taken out of the mean: each has one value in both.
    below = lows * (1 - 1 / count) - (highs.sum(axis=0) - highs) / count
    above = highs * (1 - 1 / count) - (lows.sum(axis=0) - lows) / count
    least = np.maximum(np.maximum(below, -above), 0.0)
    return Drawn(least.max(axis=0), np.maximum(np.abs(below), np.abs(above)).max(axis=0))


def _states(condition: Condition, drawn: Drawn) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """In which draws a condition is met, and in which it is unmet; in the others it is open."""
    above = drawn.low >= condition.limit
    below = drawn.high < condition.limit
    return (above, below) if condition.at_least is not None else (below, above)


def _judged(rule: Rule, told: Rules, drawn: Mapping[str, Drawn], at: Mapping[str, Drawn]) -> dict[str, Any]:
    """One rule over all draws, and at the values."""
    met = np.ones(told.draws, dtype=bool)
    unmet = np.zeros(told.draws, dtype=bool)
    conditions, distance, now = [], 0.0, []
    for condition in rule.rule:
        holds, fails = _states(condition, drawn[condition.input])
        met &= holds
        unmet |= fails
        here = at[condition.input]
        yes, no = (bool(one[0]) for one in _states(condition, here))
        known = bool(here.low[0] == here.high[0])
        short = condition.limit - here.high[0] if condition.at_least is not None else here.low[0] - condition.limit
        distance += max(0.0, float(short))
        now.append("met" if yes else "unmet" if no else "open")
        conditions.append(
            {
                "input": condition.input,
                "title": told.inputs[condition.input].title,
                "is": "at least" if condition.at_least is not None else "below",
                "limit": condition.limit,
                "value": float(here.low[0]) if known else None,
                "state": now[-1],
                "met": float(holds.mean()),
                "unmet": float(fails.mean()),
            }
        )
    return {
        "name": rule.name,
        "title": rule.title,
        "meaning": rule.meaning,
        "rule": "; ".join(in_words(condition, told.inputs) for condition in rule.rule),
        "conditions": conditions,
        "state": "unmet" if "unmet" in now else "open" if "open" in now else "met",
        "share": float(met.mean()),
        "open": float((~met & ~unmet).mean()),
        "distance": distance,
    }


_ORDER = {"met": 0, "open": 1, "unmet": 2}


def _decided(found: list[dict[str, Any]], bases: Mapping[str, Base], told: Rules, group: Group) -> dict[str, Any]:
    """Which archetype it is, or why it is none for sure."""
    first, *others = sorted(found, key=lambda one: (-one["share"], _ORDER[one["state"]], one["distance"], -one["open"]))
    left = [one for one in found if one["state"] in ("met", "open")]
    certain = next((one for one in left if one["state"] == "met"), None)
    chosen = certain or (left[0] if len(left) == 1 else None)
    by_values = chosen and {"name": chosen["name"], "title": chosen["title"], "certain": certain is not None}
    common = {"stable": first["share"], "leading": first["name"], "by_values": by_values}
    if first["share"] >= told.stable:
        return {**common, "name": first["name"], "title": first["title"], **_why(""), "lacks": []}
    said = {**common, "name": INDETERMINATE, "title": "Indeterminate"}
    if all(one["share"] + one["open"] == 0 for one in found):
        nearest = min(found, key=lambda one: one["distance"])
        why = _why(NEAREST, title=nearest["title"], points=f"{100 * nearest['distance']:.1f}")
        return {**said, "leading": nearest["name"], "stable": nearest["share"], **why, "lacks": []}
    tied = [first, *(one for one in others if first["share"] == 0 and one["state"] == first["state"] == "open")]
    lacks: dict[str, dict[str, Any]] = {}
    for one in tied:
        lacks |= {lack["input"]: lack for lack in _lacks(one, bases, told, group)}
    names = [lack["title"] for lack in lacks.values()]
    if len(tied) > 1:
        said |= {"leading": None}
        why = _why(OPEN, titles=[one["title"] for one in tied], inputs=names)
    elif lacks:
        why = _why(LACKING, title=first["title"], inputs=names)
    else:
        shares = {"share": f"{first['share']:.1%}", "threshold": f"{told.stable:.0%}"}
        why = _why(UNSTABLE, title=first["title"], **shares)
    return {**said, **why, "lacks": list(lacks.values())}


def _why(message: str, **values: str | list[str]) -> dict[str, Any]:
    """Why no archetype is assigned: in English, and as a message with its values."""
    said = {name: value if isinstance(value, str) else ", ".join(value) for name, value in values.items()}
    return {"why": message.format(**said), "because": {"message": message, "values": values}}


def _lacks(rule: Mapping[str, Any], bases: Mapping[str, Base], told: Rules, group: Group) -> list[dict[str, Any]]:
    """The inputs that keep a rule open, traced back to what was to be measured.

    An input with some attempts without an outcome is lacking where they could be what keeps the rule from being assigned.
    """
    found: dict[str, str] = {}
    hang = rule["share"] + rule["open"] >= told.stable
    for condition in rule["conditions"]:
        if condition["met"] + condition["unmet"] < 1:
            for name in parts_of(condition["input"], group):
                base = bases[name]
                if not base.usable:
                    found.setdefault(name, base.why)
                elif hang and any(base.room):
                    found.setdefault(name, base.missing)
    return [{"input": name, "title": title(name, told), "why": why} for name, why in found.items()]


def parts_of(name: str, group: Group) -> tuple[str, ...]:
    """The measured inputs that an input is made of."""
    if name in ("level", "lowest", "highest", "spread"):
        return group.evaluations
    if name in _IMAGES:
        return tuple(f"{name}:{evaluation}" for evaluation in group.evaluations)
    return {"drop": ("benchmark", "adversarial"), "gap": ("compliance", "adversarial")}.get(name, (name,))


def _apart(name: str, group: Group) -> tuple[str, ...]:
    """The parts of an input that are printed beneath it: those that are printed nowhere else."""
    return tuple(part for part in parts_of(name, group) if ":" in part)


def title(name: str, told: Rules) -> str:
    """What an input is called."""
    of, _, evaluation = name.partition(":")
    return told.inputs[of].title + (f" ({evaluation})" if evaluation else "")


def _shown(
    bases: Mapping[str, Base],
    drawn: Mapping[str, Drawn],
    at: Mapping[str, Drawn],
    told: Rules,
    group: Group,
) -> list[dict[str, Any]]:
    """Every input of the kind with its value and interval, or why it has none."""
    names = [part for name in group.shown for part in dict.fromkeys((name, *_apart(name, group)))]
    found = []
    for name in names:
        lacking = [part for part in parts_of(name, group) if not bases[part].usable]
        known = bool(at[name].low[0] == at[name].high[0])
        base = bases.get(name)
        low = high = None
        if not lacking:
            if base is not None:
                low, high = base.low, base.high
            else:
                low = float(np.quantile(drawn[name].low, 0.025))
                high = float(np.quantile(drawn[name].high, 0.975))
        apart = [] if base is not None else [{"title": title(p, told), "why": bases[p].why} for p in lacking]
        why = base.why if base is not None else "; ".join(f"{one['title']}: {one['why']}" for one in apart)
        found.append(
            {
                "input": name,
                "title": title(name, told),
                "text": told.inputs[name.partition(":")[0]].text,
                "value": float(at[name].low[0]) if known else None,
                "low": low,
                "high": high,
                "why": why,
                "lacking": apart,
                "context": name in group.context,
            }
        )
    return found
