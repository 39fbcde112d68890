"""What an earlier run measured that a plan can begin from: tokens, latency, rates, correlations."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import numpy as np

from tocsin.evaluations.tally import Reader
from tocsin.results.planning import tokens
from tocsin.results.planning.units import Key
from tocsin.types import Answer, Request

_request = msgspec.json.Decoder(Request).decode
_answer = msgspec.json.Decoder(Answer).decode
SAMPLED = 400
"""Calls of each role whose texts are read."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier run measured; empty where there is none.

    Attributes:
        run: Its name.
        input_factor: Tokens of a request as the endpoints counted them, over what the rule here says; None if none counted.
        tokens: (role, model) → tokens in and out of a call, as counted. The model is empty for all of a role together.
        latency: (role, model) → seconds of a call, likewise.
        queries: Attack → calls to the target that a cell took.
        rates: (modality, evaluation, benchmark, attack, metric) → the rate, the mean over its models.
        unscored: Share of attempts without an outcome; None if there was none.
        cluster_correlation: Of the outcomes of two attempts of a cluster; None where no cluster has two.
        model_correlation: Of two models' outcomes on a case; None where there were not two.
    """

    run: str = ""
    input_factor: float | None = None
    tokens: dict[tuple[str, str], tuple[float, float]] = {}
    latency: dict[tuple[str, str], float] = {}
    queries: dict[str, float] = {}
    rates: dict[tuple[str, str, str | None, str | None, str], float] = {}
    unscored: float | None = None
    cluster_correlation: float | None = None
    model_correlation: float | None = None

    def of_tokens(self, role: str, model: str) -> tuple[float, float] | None:
        """Tokens in and out of a call: of this model, else of all that played the role."""
        return self.tokens.get((role, model)) or self.tokens.get((role, ""))

    def of_latency(self, role: str, model: str) -> float | None:
        """Seconds of a call, likewise."""
        return self.latency.get((role, model)) or self.latency.get((role, ""))

    def rate(self, key: Key) -> float | None:
        """The rate of a score."""
        return self.rates.get((key.modality, key.evaluation, key.benchmark, key.attack, key.metric))


def measured(db: sqlite3.Connection, manifest: dict[str, Any], summary: dict[str, Any]) -> Measured:
    """What a run measured.

    Args:
        db: Its journal.
        manifest: Its manifest.
        summary: Its summary.
    """
    counted, latency = _calls(db, manifest)
    correlation, shared = _correlations(db, manifest)
    rates: dict[tuple[str, str, str | None, str | None, str], list[float]] = {}
    planned = lost = 0
    for model in summary["models"]:
        for score in model["scores"]:
            if score.get("language") or score["value"] is None:
                continue
            key = (score["modality"], score["evaluation"], score["benchmark"], score.get("attack"), score["metric"])
            rates.setdefault(key, []).append(score["value"])
    for outcome, count in db.execute("SELECT outcome, count(*) FROM latest GROUP BY 1"):
        planned += count
        lost += count * (outcome not in ("safe", "unsafe"))
    queries = db.execute(
        "SELECT c.attack, count(*) * 1.0 / count(DISTINCT c.id) FROM cells c JOIN calls k ON k.cell = c.id"
        " WHERE k.role = 'target' AND c.evaluation = 'adversarial' GROUP BY 1"
    )
    return Measured(
        run=manifest["run"],
        input_factor=_factor(db),
        tokens=counted,
        latency=latency,
        queries={str(name): float(mean) for name, mean in queries},
        rates={key: float(np.mean(values)) for key, values in rates.items()},
        unscored=lost / planned if planned else None,
        cluster_correlation=correlation,
        model_correlation=shared,
    )


def _calls(
    db: sqlite3.Connection, manifest: dict[str, Any]
) -> tuple[dict[tuple[str, str], tuple[float, float]], dict[tuple[str, str], float]]:
    """Tokens and latency of a call, by role and model."""
    names = [target["name"] for target in manifest["targets"]]
    counted: dict[tuple[str, str], tuple[float, float]] = {}
    latency: dict[tuple[str, str], float] = {}
    usage = "json_extract(k.answer, '$.usage.{}_tokens')"
    query = (
        f"SELECT avg({usage.format('input')}), avg({usage.format('output')}), avg(k.latency), count(*)"
        " FROM calls k {join} WHERE k.answer IS NOT NULL AND k.tries > 0 AND k.role = ? {where}"
    )
    wanted: list[tuple[str, str, str, str, tuple[int, ...]]] = [
        (role, "", "", "", ()) for (role,) in db.execute("SELECT DISTINCT role FROM calls")
    ]
    wanted += [
        ("target", name, "JOIN cells c ON c.id = k.cell", "AND c.target = ?", (number,))
        for number, name in enumerate(names)
    ]
    wanted += [
        (role, next(iter(models)), "", "", ())
        for role, models in (manifest.get("roles") or {}).items()
        if len(models) == 1
    ]
    for role, name, join, where, values in wanted:
        given, got, seconds, count = db.execute(query.format(join=join, where=where), (role, *values)).fetchone()
        if not count:
            continue
        if given or got:
            counted[role, name] = (float(given or 0), float(got or 0))
        latency[role, name] = float(seconds)
    return counted, latency


def _factor(db: sqlite3.Connection) -> float | None:
    """Tokens of requests to targets as counted, over those that the rule gives; None where nobody counted."""
    counted = told = 0.0
    rows = db.execute(
        "SELECT k.request, k.answer FROM calls k JOIN cells c ON c.id = k.cell WHERE k.role = 'target' AND k.answer IS NOT NULL"
        " AND c.attack = 'direct' ORDER BY k.key LIMIT ?",
        (SAMPLED,),
    )
    for request, answer in rows:
        messages = _request(request).messages
        usage = _answer(answer).usage
        if usage.input_tokens and not any(message.images for message in messages):
            counted += usage.input_tokens
            told += tokens.of_messages(messages).expected
    return counted / told if told else None


def _correlations(db: sqlite3.Connection, manifest: dict[str, Any]) -> tuple[float | None, float | None]:
    """Of two attempts of a cluster, and of two models on a case, each pooled over benchmarks."""
    reader = Reader(db, together=bool(manifest.get("suite", {}).get("stopping")))
    weights, values = [], []
    for group in reader.groups():
        tally = reader.tally(group).get("")
        if tally is None:
            continue
        x, m = tally.cluster_safe.astype(float), tally.cluster_sizes.astype(float)
        n, p = m.sum(), x.sum() / max(1.0, m.sum())
        together = float(m @ m) / n if n else 1.0
        if len(m) < 2 or not 0 < p < 1 or together <= 1:
            continue
        observed = float(np.square(x - p * m).sum()) * len(m) / (len(m) - 1) / (n * p * (1 - p))
        values.append((observed - 1) / (together - 1))
        weights.append(float((m * (m - 1)).sum()))
    within = float(np.clip(np.average(values, weights=weights), 0, 1)) if values else None
    rows = db.execute(
        "SELECT s.benchmark, a.outcome = 'safe', b.outcome = 'safe', count(*) FROM cells c JOIN cells d ON"
        " d.case_ref = c.case_ref AND d.attack = c.attack AND d.repeat = c.repeat AND d.evaluation = c.evaluation"
        " AND d.target > c.target JOIN latest a ON a.cell = c.id JOIN latest b ON b.cell = d.id"
        " JOIN cases s ON s.id = c.case_ref WHERE a.outcome IN ('safe', 'unsafe') AND b.outcome IN ('safe', 'unsafe')"
        " GROUP BY 1, 2, 3"
    ).fetchall()
    tables: dict[str, list[int]] = {}
    for benchmark, one, other, count in rows:
        tables.setdefault(benchmark, [0, 0, 0, 0])[2 * one + other] = count
    phis, sizes = [], []
    for d, c, b, a in tables.values():
        spread = (a + b) * (c + d) * (a + c) * (b + d)
        if spread:
            phis.append((a * d - b * c) / spread**0.5)
            sizes.append(a + b + c + d)
    return within, float(np.clip(np.average(phis, weights=sizes), -1, 1)) if phis else None
