"""The reverse of a plan: the limits at which it has a wanted precision or power, or stays within a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.cast import Cast
from tocsin.evaluations.plan import Chosen, Drawing, cases_of
from tocsin.journal import PlannedCase
from tocsin.results.planning.assumed import Assumed
from tocsin.results.planning.counting import Counted, count
from tocsin.results.planning.foreseen import foresee
from tocsin.results.planning.measured import Measured
from tocsin.results.planning.precision import Foreseen, Reckoning, foreseen, pairs_of
from tocsin.stats.power import least

What = Literal["precision", "difference", "budget", "calls"]
ATTACKS = "adversarial"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of a plan.

    Attributes:
        what: *precision*: every half-width; *difference*: what can be told, paired; *budget*: US dollars; *calls*: their number.
        value: At most this.
    """

    what: What
    value: float

    def __post_init__(self) -> None:
        """Says what cannot be wanted."""
        if not self.value > 0:
            raise ValueError(f"a {self.what} of {self.value:g} cannot be planned for: give a number above 0")
        if self.what in ("precision", "difference") and self.value >= 1:
            raise ValueError(f"a {self.what} is a share below 1, such as 0.05 for five points; not {self.value:g}")

    def of(self, score: Foreseen) -> float | None:
        """The figure of a score that is held against the value."""
        return score.half_width if self.what == "precision" else score.paired

    def met(self, scores: Sequence[Foreseen]) -> bool:
        """Whether each score has what is wanted."""
        found = [self.of(score) for score in scores]
        return bool(found) and all(one is not None and one <= self.value for one in found)


def _at_most(one: Chosen, limit: int | None) -> Chosen:
    """A benchmark with no more cases than it was to have, and no more than a limit."""
    limits = [most for most in (one.limit, limit) if most is not None]
    return replace(one, limit=min(limits, default=None))


def _written(chosen: Sequence[Chosen], limit: int | None) -> dict[str, str | None]:
    """A limit over those of the benchmarks' own, as an option and as lines of a suite; None where it cannot be said so."""
    if not limit:
        return {"option": None, "suite": None}
    lower = all(
        one.limit is None or limit <= one.limit for one in chosen
    )  # the option takes the place of each one's own
    if all(one.limit is None for one in chosen):
        return {"option": f"--limit {limit}", "suite": f"limit: {limit}"}
    lines = [f"  - {{name: {one.benchmark.name}, limit: {_at_most(one, limit).limit}}}" for one in chosen]
    return {"option": f"--limit {limit}" if lower else None, "suite": "\n".join(["benchmarks:", *lines])}


class Planner:
    """Plans the same assessment with other limits. Every benchmark's cases are read once.

    Args:
        assessment: What would be run.
        cast: Who would play which role.
        assumed: What is taken for granted.
        known: What an earlier run measured.
    """

    def __init__(self, assessment: Assessment, cast: Cast, assumed: Assumed, known: Measured | None) -> None:
        self._assessment, self._cast, self._assumed, self._known = assessment, cast, assumed, known or Measured()
        self._reckoning = Reckoning(assumed=assumed, known=self._known, pairs=pairs_of(cast.targets))
        self._cases: dict[str, list[PlannedCase]] = {}

    def answer(self, wanted: Wanted) -> dict[str, Any]:
        """The limits at which the plan has what is wanted, as plain data: ``wanted`` in docs/reference/plan.md.

        Raises:
            ValueError: A budget is wanted, and a price is not known.
        """
        if wanted.what in ("budget", "calls"):
            return self._within(wanted)
        return self._enough(wanted)

    # -- precision and power -------------------------------------------------------------------------------------------

    def _enough(self, wanted: Wanted) -> dict[str, Any]:
        rows = [self._benchmark(one, wanted) for one in self._assessment.chosen if _plain(one, self._assessment)]
        if any(one.attacks for one in self._assessment.chosen):
            rows.append(self._attacks(wanted))
        reached = all(row["enough"] for row in rows)
        plain = [row for row in rows if row["benchmark"] is not None and row["limit"] is not None]
        lines = ["benchmarks:", *(f"  - {{name: {row['benchmark']}, limit: {row['limit']}}}" for row in plain)]
        lines = lines if plain else []
        lines += [
            f"adversarial: {{limit: {row['limit']}}}" for row in rows if row["benchmark"] is None and row["limit"]
        ]
        return {
            "what": wanted.what,
            "value": wanted.value,
            "reached": reached,
            "limits": rows,
            "option": f"--limit {max(row['limit'] for row in rows)}"
            if reached and all(row["limit"] for row in rows)
            else None,
            "suite": "\n".join(lines) or None,
            "notes": ["repeats do not help: a case that is asked again is no other case"],
        }

    def _benchmark(self, one: Chosen, wanted: Wanted) -> dict[str, Any]:
        alone = replace(self._assessment, chosen=[replace(one, attacks=())])

        def scores(limit: int | None) -> list[Foreseen]:
            limited = replace(alone, chosen=[replace(one, attacks=(), limit=limit)])
            found = foreseen(self._count(limited), limited, self._reckoning)
            return [score for score in found if score.key.benchmark is not None]

        return self._found(one.benchmark.name, self._many([one]), scores, wanted)

    def _attacks(self, wanted: Wanted) -> dict[str, Any]:
        attacked = [replace(one, only=(ATTACKS,)) for one in self._assessment.chosen if one.attacks]

        def scores(limit: int | None) -> list[Foreseen]:
            limited = replace(self._assessment, chosen=[replace(one, attack_limit=limit) for one in attacked])
            found = foreseen(self._count(limited), limited, self._reckoning)
            return [score for score in found if score.key.benchmark is None and score.key.evaluation == ATTACKS]

        every = max(
            sum(
                planned.case is None or one.attacked(planned.case)
                for planned in self._kept(one, self._assessment.drawing)
            )
            for one in attacked
        )
        return self._found(None, every, scores, wanted)

    def _found(
        self, name: str | None, every: int, scores: Callable[[int | None], list[Foreseen]], wanted: Wanted
    ) -> dict[str, Any]:
        whole = scores(None)
        limit = least(lambda n: wanted.met(scores(n)), most=max(1, every)) if wanted.met(whole) else None
        at = whole if limit is None else scores(limit)
        figures = [wanted.of(score) for score in at]
        known = [figure for figure in figures if figure is not None]
        return {
            "benchmark": name,
            "limit": limit,
            "cases": every,
            "enough": limit is not None,
            "worst": round(max(known), 6) if len(known) == len(figures) and known else None,
            "n": min((score.n for score in at), default=0),
        }

    # -- budgets -------------------------------------------------------------------------------------------------------

    def _within(self, wanted: Wanted) -> dict[str, Any]:
        told: dict[int | None, dict[str, Any]] = {}

        def total(limit: int | None) -> dict[str, Any]:
            if limit not in told:
                limited = replace(self._assessment, chosen=[_at_most(one, limit) for one in self._assessment.chosen])
                counted = self._count(limited)
                told[limit] = foresee(limited, self._cast, self._assumed, self._known, counted=counted)["total"]
            return told[limit]

        def spent(limit: int | None) -> float:
            found = total(limit)["cost"] if wanted.what == "budget" else total(limit)["calls"]
            if found is None:
                names = ", ".join(total(limit)["cost_unknown"])
                raise ValueError(f"a budget needs prices, and those of {names} are not known: say them in tocsin.toml")
            return float(found["expected"])

        every = max(self._many([one]) for one in self._assessment.chosen)
        if spent(None) <= wanted.value:
            limit, whole = None, True
        else:
            first = least(lambda n: spent(n) > wanted.value, most=every)
            limit, whole = (first or every) - 1, False
        reached = whole or bool(limit)
        at = total(limit) if reached else total(1)
        return {
            "what": wanted.what,
            "value": wanted.value,
            "reached": reached,
            "limit": limit or None,
            "whole": whole,
            "calls": at["calls"],
            "cost": at["cost"],
            **_written(self._assessment.chosen, limit),
            "notes": [
                "it is what is expected, not a bound: "
                + ("--max-cost" if wanted.what == "budget" else "--max-calls")
                + " stops a run that takes more"
            ],
        }

    # -- counting ------------------------------------------------------------------------------------------------------

    def _count(self, assessment: Assessment) -> Counted:
        return count(assessment, self._cast, self._assumed, self._known, self._kept)

    def _kept(self, one: Chosen, drawing: Drawing) -> Iterable[PlannedCase]:
        name = one.benchmark.name
        if name not in self._cases:
            self._cases[name] = list(cases_of(one, drawing))
        return self._cases[name]

    def _many(self, chosen: Sequence[Chosen]) -> int:
        return max(len(list(self._kept(one, self._assessment.drawing))) for one in chosen)


def _plain(one: Chosen, assessment: Assessment) -> bool:
    """Whether its cases are also asked as they stand."""
    wanted = {name for name in assessment.drawing.evaluations if name in one.only or not one.only}
    return bool(wanted - {ATTACKS}) or one.benchmark.evaluation == ATTACKS
