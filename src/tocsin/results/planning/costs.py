"""What one cell of an attack and one verdict of a judge spend."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tocsin.attacks import Attack
from tocsin.engine.session import ATTACKER
from tocsin.judges import Judge
from tocsin.results.planning import probing, tokens
from tocsin.results.planning.amounts import Amount, Spend, exactly, mean
from tocsin.results.planning.assumed import HELPER_IN, HELPER_OUT
from tocsin.types import Allowance, Case, Role

TRIES = 5
"""Times that an attacker is asked for one text at most, where it gives none that can be used."""
TRANSLATED = 2
"""Texts that are translated for a query: the prompt, and the answer."""
TRANSLATION = 4096
"""Tokens of a translation at most."""
GROWTH = 1.5
"""By how much an attack's prompt is longer than the request, where it could not be tried out."""
VERDICT_IN, VERDICT_OUT = 900, 120
"""Tokens of a judge's call where it could not be tried out, beside the answer; and of its reply."""


class AttackCosts(msgspec.Struct, frozen=True):
    """What one cell of an attack spends.

    Attributes:
        spent: Role → calls and tokens: the target's, and the helpers' it needs.
        in_loop: How often the judge that steers is asked.
    """

    spent: dict[Role, Spend]
    in_loop: Amount = Amount()


def attack_costs(
    attack: Attack, allowance: Allowance, cases: Sequence[Case], answer: Amount, *, queries: float | None = None
) -> AttackCosts:
    """What one cell of an attack spends.

    Queries of the target: one for a transform; of others half of what they may make at most, since a search ends about half
    way, and at least two. The attacker writes its texts in the same proportion, and is asked `TRIES` times for each at most.
    The first request is what the attack writes for the sampled cases, tried out; where it asks a helper before, the request and
    half as much again. In a dialogue each turn repeats those before it.

    Args:
        attack: The attack.
        allowance: What one cell may spend.
        cases: Some that it meets.
        answer: Tokens of an answer.
        queries: Of a cell, as an earlier run took them on the mean.
    """
    limit = min(attack.queries, allowance.queries or attack.queries)
    usual = 1.0 if limit == 1 else max(2.0, limit / 2)
    asked = Amount(min(limit, usual if queries is None else queries), limit)
    first = mean([_first(attack, case) for case in cases])
    first = first if limit == 1 else Amount(first.expected, None)
    spent: dict[Role, Spend] = {
        "target": Spend(asked, _turns(first, asked, answer, attack.kind == "dialogue"), answer.times(asked))
    }
    helper_in = Amount(HELPER_IN, None)
    if "attacker" in attack.needed:
        usual_texts, most_texts = attack.texts
        calls = Amount(usual_texts * asked.expected / max(1, attack.queries), TRIES * most_texts)
        each = Amount(HELPER_OUT, ATTACKER.max_tokens)
        spent["attacker"] = Spend(calls, helper_in.times(calls), each.times(calls))
    if "translator" in attack.needed:
        calls = exactly(TRANSLATED).times(asked)
        each = Amount(HELPER_OUT, TRANSLATION)
        spent["translator"] = Spend(calls, helper_in.times(calls), each.times(calls))
    return AttackCosts(spent, asked if "judge" in attack.needed else Amount())


def _first(attack: Attack, case: Case) -> Amount:
    """Tokens of an attack's first request."""
    asked = probing.first_request(attack, case)
    return tokens.of_messages(asked) if asked else Amount(GROWTH * tokens.of_messages(case.messages()).expected, None)


def _turns(first: Amount, queries: Amount, answer: Amount, dialogue: bool) -> Amount:
    """Tokens that all queries of a cell send: in a dialogue each repeats the turns before it."""
    told = first.times(queries)
    if not dialogue:
        return told
    before = max(0.0, queries.expected * (queries.expected - 1) / 2)
    return told.plus(Amount(before * (first.expected + answer.expected), None))


def judge_costs(judge: Judge, cases: Sequence[Case], answer: Amount) -> dict[str, Spend]:
    """What one verdict of a judge spends, by the model that it asks; empty where it asks none.

    It is tried out on the sampled cases with an answer of the expected length: its own words are then counted as they are.

    Args:
        judge: The judge.
        cases: Some that it reads.
        answer: Tokens of an answer.
    """
    if not judge.models:
        return {}
    seen: dict[str, list[tuple[Amount, int | None]]] = {name: [] for name in judge.models}
    for case in cases:
        for model, request in probing.judge_requests(judge, case, max(1, round(answer.expected))):
            if model in seen:
                seen[model].append((tokens.of_messages(request.messages), request.sampling.max_tokens))
    found = {}
    for name, (usual, most) in judge.asks.items():
        calls = Amount(usual, most)
        told = seen[name]
        asked = mean([length for length, _ in told]) if told else Amount(VERDICT_IN + answer.expected, None)
        limits = [limit for _, limit in told if limit is not None]
        reply = max(limits) if told and len(limits) == len(told) else None
        longer = None if answer.most is None or asked.most is None else asked.most + answer.most - answer.expected
        each = Amount(min(VERDICT_OUT, reply or VERDICT_OUT), reply)
        found[name] = Spend(calls, Amount(asked.expected, longer).times(calls), each.times(calls))
    return found


def translation_cost(answer: Amount) -> Spend:
    """What it spends to have one answer translated."""
    told = Amount(answer.expected + HELPER_IN / 4, None if answer.most is None else answer.most + HELPER_IN / 4)
    return Spend(exactly(1), told, Amount(min(answer.expected * 1.2, TRANSLATION), TRANSLATION))
