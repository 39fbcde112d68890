"""How much of something a plan takes: as expected, and at most."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tocsin.types import Role


class Amount(msgspec.Struct, frozen=True):
    """How much of something.

    Attributes:
        expected: By the assumptions of the plan, or by what an earlier run measured.
        most: At most; None where nothing bounds it.
    """

    expected: float = 0.0
    most: float | None = 0.0

    def plus(self, other: Amount) -> Amount:
        """The sum. Where one has no bound, the sum has none."""
        unbound = self.most is None or other.most is None
        return Amount(self.expected + other.expected, None if unbound else (self.most or 0.0) + (other.most or 0.0))

    def times(self, how_often: Amount) -> Amount:
        """As many of them. None of something unbounded is none."""
        if how_often.most == 0:
            return Amount()
        unbound = self.most is None or how_often.most is None
        most = None if unbound else (self.most or 0.0) * (how_often.most or 0.0)
        return Amount(self.expected * how_often.expected, most)


def exactly(count: float) -> Amount:
    """An amount that is known."""
    return Amount(count, count)


def mean(amounts: Sequence[Amount]) -> Amount:
    """The mean of some, at least one."""
    told = Amount()
    for one in amounts:
        told = told.plus(one)
    return Amount(told.expected / len(amounts), None if told.most is None else told.most / len(amounts))


class Spend(msgspec.Struct, frozen=True):
    """Calls with their tokens."""

    calls: Amount = Amount()
    tokens_in: Amount = Amount()
    tokens_out: Amount = Amount()

    def plus(self, other: Spend) -> Spend:
        """The sum."""
        return Spend(
            self.calls.plus(other.calls), self.tokens_in.plus(other.tokens_in), self.tokens_out.plus(other.tokens_out)
        )

    def times(self, how_often: Amount) -> Spend:
        """As many of them."""
        return Spend(self.calls.times(how_often), self.tokens_in.times(how_often), self.tokens_out.times(how_often))


class Line(msgspec.Struct, kw_only=True):
    """What one model spends in one role."""

    role: Role
    model: str
    spend: Spend = Spend()
    pictured: bool = False
    """Whether it answers with images, which no rule here counts in tokens."""

    def add(self, spend: Spend) -> None:
        """Adds to it."""
        self.spend = self.spend.plus(spend)
