"""A cell's calls as the conversation tree that they grew: branches, turns on each, and who was asked beside the target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

ROOT = ""
FINAL = "final"
"""The branch of the final judge's calls, where another judge asked in the loop."""
_BRANCH = re.compile(r"(?:/\d{1,9})+")


class Message(msgspec.Struct, frozen=True):
    """A message as the journal has it."""

    role: str = ""
    text: str = ""
    images: tuple[msgspec.Raw, ...] = ()


class Usage(msgspec.Struct, frozen=True):
    """Tokens, as the endpoint counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class Answer(msgspec.Struct, frozen=True):
    """An answer as the journal has it."""

    text: str = ""
    reasoning: str = ""
    finish: str = "stop"
    blocked: bool = False
    declined: bool = False
    usage: Usage = Usage()
    model: str = ""
    images: tuple[msgspec.Raw, ...] = ()
    withheld: str = ""
    lost: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call as the journal has it."""

    id: int
    branch: str
    ordinal: int
    role: str
    asked: tuple[Message, ...]
    answer: Answer | None
    error: str
    detail: str
    tries: int
    latency: float
    cost: float | None
    own: bool = True
    """Whether this cell made it; otherwise another cell's answer was used."""


class Step(msgspec.Struct, frozen=True):
    """A call in its place on a branch.

    Attributes:
        call: The call.
        as_above: Messages that it sent again, and that stand above already.
        fresh: The messages that are new with it.
        straight: Whether it goes on where the call before it on its branch ended.
        back: Messages of the branch that it no longer sent: the attack took them back.
    """

    call: Call
    as_above: int
    fresh: tuple[Message, ...]
    straight: bool
    back: int


class Branch(msgspec.Struct):
    """A branch and those that fork from it.

    Attributes:
        name: As the journal names it; empty for the trunk.
        steps: Its calls, in their order.
        forks: The branches that begin on it.
    """

    name: str
    steps: list[Step] = []
    forks: list[Branch] = []

    @property
    def title(self) -> str:
        """What it is called on a page."""
        if self.name == ROOT:
            return "Trunk"
        if self.name == FINAL:
            return "Final judge"
        return f"Branch {self.name.strip('/').replace('/', '.')}" if _BRANCH.fullmatch(self.name) else self.name

    def every(self) -> Iterator[Branch]:
        """This branch and all that come of it."""
        yield self
        for fork in self.forks:
            yield from fork.every()


def grown(calls: Sequence[Call]) -> list[Branch]:
    """The branches of a cell's calls: the trunk, and whatever does not fork from it.

    Args:
        calls: In the order in which they were made.
    """
    branches: dict[str, Branch] = {}
    said: dict[str, list[tuple[Message, ...]]] = {}
    """Branch → the conversations that it held, each with its answer."""
    for call in calls:
        branch = branches.setdefault(call.branch, Branch(call.branch))
        branch.steps.append(_step(call, said))
    roots: list[Branch] = []
    for name, branch in sorted(branches.items(), key=lambda one: _order(one[0])):
        parent = next((branches[up] for up in _above(name) if up in branches), None)
        (roots if parent is None else parent.forks).append(branch)
    return roots


def _step(call: Call, said: dict[str, list[tuple[Message, ...]]]) -> Step:
    if call.role != "target":
        return Step(call, 0, call.asked, True, 0)
    own = said.setdefault(call.branch, [])
    above = own or next((said[up] for up in _above(call.branch) if said.get(up)), [])
    common = max((_common(call.asked, before) for before in above), default=0)
    back = len(own[-1]) - _common(call.asked, own[-1]) if own else 0
    straight = bool(own) and common == len(own[-1])
    answer = (Message("assistant", call.answer.text, call.answer.images),) if call.answer is not None else ()
    own.append((*call.asked, *answer))
    return Step(call, common, call.asked[common:], straight, back)


def _common(one: Sequence[Message], other: Sequence[Message]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        # An answer's images come back as references, which need not be the same bytes.
        if a.role != b.role or a.text != b.text:
            break
        count += 1
    return count


def _above(name: str) -> Iterator[str]:
    """The branches that one may have forked from, the nearest first."""
    if not _BRANCH.fullmatch(name):
        return
    while name:
        name = name.rpartition("/")[0]
        yield name


def _order(name: str) -> tuple[bool, list[int], str]:
    if not _BRANCH.fullmatch(name):
        return name != ROOT, [], name
    return False, [int(part) for part in name.strip("/").split("/")], ""
