"""What a run spent: calls, tokens, time and dollars, by who was asked and by evaluation. Counted in SQL, in one pass."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.messages import message, messages

_CALLS = """
WITH told AS MATERIALIZED (
    SELECT a.role, c.target, c.evaluation, a.error IS NOT NULL AS failed, a.tries, a.latency, a.cost,
           json_extract(a.answer, '$.usage.input_tokens') AS tokens_in,
           json_extract(a.answer, '$.usage.output_tokens') AS tokens_out, {model} AS model
    FROM calls a LEFT JOIN cells c ON c.id = a.cell
)
SELECT role, target, evaluation, model, count(*), sum(failed), sum(max(tries - 1, 0)), sum(tries = 0),
       sum(latency), sum(cost), count(cost), sum(tokens_in), sum(tokens_out)
FROM told GROUP BY 1, 2, 3, 4
"""
"""Materialised, so that what is sorted into groups are numbers and not answers."""
_MODEL = "coalesce(json_extract(a.answer, '$.model'), '')"

ROLES = messages(
    {
        "target": "the model under test",
        "judge": "judge",
        "attacker": "attacker",
        "translator": "translator",
    }
)
"""Role of a call → what a table calls it."""


class Sum(msgspec.Struct, kw_only=True):
    """Calls added up."""

    calls: int = 0
    failed: int = 0
    again: int = 0
    """Tries beyond the first of each call."""
    taken: int = 0
    """Calls that another run had made: nothing was asked, and nothing paid again."""
    seconds: float = 0.0
    cost: float = 0.0
    priced: int = 0
    """Calls whose price is known."""
    tokens_in: int = 0
    tokens_out: int = 0

    def add(self, other: Sum) -> None:
        """Adds another sum to this one."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a table of what was spent."""

    name: str
    role: str
    calls: str
    failed: str
    tokens_in: str
    tokens_out: str
    time: str
    cost: str
    share: str
    """Of all tokens."""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """The section."""

    sentence: str
    notes: list[str]
    parties: list[Row]
    evaluations: list[Row]
    total: Row


def spent(db: sqlite3.Connection, manifest: Mapping[str, Any], *, most: int = 40) -> Spent | None:
    """What the calls of a run came to; None for a run that made none.

    Args:
        db: The run's journal.
        manifest: The run's manifest.
        most: Lines of a table at most.
    """
    parties: dict[tuple[str, str], Sum] = {}
    evaluations: dict[str, Sum] = {}
    whole = Sum()
    for role, name, evaluation, one in _sums(db, manifest):
        parties.setdefault((role, name), Sum()).add(one)
        evaluations.setdefault(evaluation, Sum()).add(one)
        whole.add(one)
    if not whole.calls:
        return None
    order = {role: place for place, role in enumerate(ROLES)}
    ranked = sorted(parties.items(), key=lambda one: (order.get(one[0][0], len(order)), -one[1].calls, one[0][1]))
    return Spent(
        sentence=_sentence(whole),
        notes=_notes(manifest, whole),
        parties=[_row(name, one, whole, ROLES.get(role) or clean.name(role)) for (role, name), one in ranked[:most]],
        evaluations=[
            _row(words.EVALUATION.get(name) or (clean.name(name) if name else message("before the plan")), one, whole)
            for name, one in sorted(evaluations.items(), key=lambda one: -one[1].calls)[:most]
        ],
        total=_row(message("Together"), whole, whole),
    )


def _sums(db: sqlite3.Connection, manifest: Mapping[str, Any]) -> list[tuple[str, str, str, Sum]]:
    """Role, who was asked, evaluation, and what it came to."""
    targets = [target["name"] for target in manifest["targets"]]
    roles = manifest.get("roles") or {}
    several = any(len(models) > 1 for models in roles.values())  # only then does an answer have to say whose it is
    found = []
    for row in db.execute(_CALLS.format(model=_MODEL if several else "''")):
        role, target, evaluation, said, calls, failed, again, taken, seconds, cost, priced, tokens_in, tokens_out = row
        names = list(roles.get(role) or ())
        if role == "target":
            name = targets[target] if target is not None and target < len(targets) else ""
        elif len(names) == 1:
            name = names[0]
        else:
            name = _named(roles.get(role) or {}, str(said))
        one = Sum(
            calls=calls,
            failed=failed or 0,
            again=again or 0,
            taken=taken or 0,
            seconds=seconds or 0.0,
            cost=cost or 0.0,
            priced=priced or 0,
            tokens_in=tokens_in or 0,
            tokens_out=tokens_out or 0,
        )
        found.append((str(role), clean.name(name), str(evaluation or ""), one))
    return found


def _named(models: Mapping[str, Any], said: str) -> str:
    """The model of a role that an answer came from, by the name that its endpoint gave; that name where it is none of them."""
    for name, about in models.items():
        asked = str(about.get("identity", "")).partition("@")[0]
        if said and (said in (name, asked) or asked.endswith(f"/{said}") or name.endswith(f"/{said}")):
            return str(name)
    return said


def _sentence(whole: Sum) -> str:
    tokens = message(
        "{calls}, {tokens_in} tokens in and {tokens_out} out",
        calls=words.count(whole.calls, "call"),
        tokens_in=f"{whole.tokens_in:,}",
        tokens_out=f"{whole.tokens_out:,}",
    )
    if not whole.priced:
        return message("{spent}. No price is known, so the cost in dollars is not.", spent=tokens)
    if whole.priced < whole.calls:
        return message(
            "{spent}; {cost} at least, since the price of {unpriced} is not known.",
            spent=tokens,
            cost=_dollars(whole.cost),
            unpriced=words.count(whole.calls - whole.priced, "call"),
        )
    return message("{spent}; {cost}.", spent=tokens, cost=_dollars(whole.cost))


def _notes(manifest: Mapping[str, Any], whole: Sum) -> list[str]:
    notes = []
    if "rejudged" in manifest:
        notes.append(
            message("The answers were taken over from the run before: its calls to the target are counted here, too.")
        )
    elif whole.taken:
        notes.append(
            message(
                "{calls} were taken over from an earlier run: they were not asked again, nor paid again.",
                calls=words.count(whole.taken, "call"),
            )
        )
    if whole.again:
        notes.append(
            message("{tries} were made beyond the first of each call.", tries=words.count(whole.again, "try", "tries"))
        )
    if not whole.tokens_in + whole.tokens_out:
        notes.append(message("No endpoint said how many tokens it counted."))
    return notes


def _row(name: str, one: Sum, whole: Sum, role: str = "") -> Row:
    tokens = whole.tokens_in + whole.tokens_out
    return Row(
        name=name,
        role=role,
        calls=f"{one.calls:,}",
        failed=f"{one.failed:,}",
        tokens_in=f"{one.tokens_in:,}",
        tokens_out=f"{one.tokens_out:,}",
        time=_time(one.seconds),
        cost=_cost(one),
        share=words.percent((one.tokens_in + one.tokens_out) / tokens) if tokens else "–",
    )


def _cost(one: Sum) -> str:
    if not one.priced:
        return message("no price known")
    if one.priced < one.calls:
        return message("{cost} at least", cost=_dollars(one.cost))
    return _dollars(one.cost)


def _dollars(cost: float) -> str:
    return f"${cost:,.2f}" if cost >= 0.005 or not cost else "<$0.01"


def _time(seconds: float) -> str:
    """Time of calls, added up: many run at once, so a run takes less."""
    if seconds < 60:
        return message("{n} s", n=f"{seconds:.0f}")
    if seconds < 3600:
        return message("{n} min", n=f"{seconds / 60:.0f}")
    return message("{n} h", n=f"{seconds / 3600:,.1f}")
