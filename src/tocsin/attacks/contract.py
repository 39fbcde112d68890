"""What an attack is made of: typed parameters, a fidelity card, and one coroutine that talks to a session."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, ClassVar, Literal, TypeVar, get_args

import msgspec

from tocsin import registry
from tocsin.protocols import Attempt, Session
from tocsin.types import Case, Verdict

Form = Literal["transform", "search", "dialogue", "visual"]
Family = Literal[
    "none", "multi-turn", "in-context", "encoding", "token", "role-play", "code", "optimisation", "semantic", "reasoning",
    "cross-lingual", "visual", "text-to-image", "composed",
]  # fmt: skip
"""The ten families of arXiv 2601.10527, and what the field has beside them."""
FAMILIES: tuple[Family, ...] = get_args(Family)
KINDS: tuple[Form, ...] = get_args(Form)
Cost = Literal["one", "few", "many"]
COSTS: tuple[Cost, ...] = get_args(Cost)
FEW = 10
"""Queries up to which an attack has few."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The fidelity card: what the attack is, where it is from, and how far this is it.

    Attributes:
        paper: Title, authors and year.
        source: arXiv number or address, as in ``arXiv:2410.02832``.
        family: Its family.
        mechanism: How it works, in two sentences.
        parameters: The paper's parameters → their values there.
        deviations: Every difference from the paper, and why.
        verified: What is shown to hold, and by which test.
        reported: What the paper reports: context, never an expectation.
    """

    paper: str
    source: str
    family: Family
    mechanism: str
    parameters: Mapping[str, str] = {}
    deviations: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    reported: str = ""


UNKNOWN = Card(
    paper="not said", source="", family="none", mechanism="Its author gave it no card: how it works is not said."
)
"""Of an attack without a card of its own."""
NO_ATTACK = Card(
    paper="none",
    source="",
    family="none",
    mechanism="The case is put as it stands. It is what every attack is compared with.",
)


class Attack(registry.Plugin, frozen=True, kw_only=True):
    """Base of every attack. Implements `tocsin.protocols.Attack`."""

    kind: ClassVar[Form] = "transform"
    card: ClassVar[Card] = NO_ATTACK
    decodes: ClassVar[bool] = False
    """Whether a search or a dialogue decodes what the judge reads: then its turns alone cannot be replayed elsewhere."""
    pictured: ClassVar[bool] = False
    """Whether it meets cases with images: it makes something of them. Others meet cases of text alone."""
    asks_for: ClassVar[Literal["text", "image"]] = "text"
    """What the cases that it meets ask for."""
    learns: ClassVar[int] = 0
    """Cells of a round, where the attack learns from one case for the next; 0 where it does not."""

    @property
    def needed(self) -> tuple[str, ...]:
        """Roles and extras that it needs with these parameters."""
        return self.needs

    @property
    def mend(self) -> str:
        """What to add where it lacks a role, if something else than that role would do."""
        return ""

    @property
    def queries(self) -> int:
        """Queries of the target that one cell needs at most, by the parameters."""
        return 1

    @property
    def texts(self) -> tuple[int, int]:
        """Texts that the attacker writes for one cell that makes all its queries, where it has one: usually, and at most.

        Those that have to be asked for again are not counted. One a query, unless an attack says otherwise, and at most two,
        with two before the first; a test holds every attack to it.
        """
        return self.queries, 2 * self.queries + 2

    @property
    def cost(self) -> Cost:
        """Its class of cost: one query of the target and no word of a helper, few queries (or a helper), or many."""
        helped = any(role in self.needed for role in ("attacker", "translator"))
        if self.queries == 1 and not helped:
            return "one"
        return "few" if self.queries <= FEW else "many"

    @classmethod
    def about(cls) -> registry.About:
        """For listings, with kind and family, and the class of cost that its defaults have."""
        told = super().about()
        tags, needs = {"kind": str(cls.kind), "family": str(cls.card.family)}, cls.needs
        with contextlib.suppress(TypeError, ValueError):  # it has no defaults
            tags["cost"], needs = cls().cost, cls().needed
        return msgspec.structs.replace(told, tags=tags, needs=needs)

    @property
    def identity(self) -> str:
        """``name@`` and eight hexadecimal digits over name, version and what `told` says."""
        told = msgspec.json.encode([self.name, self.version, self.told()], order="deterministic")
        return f"{self.name}@{blake2b(told, digest_size=4).hexdigest()}"

    def told(self) -> Any:
        """What it does depends on, besides its code: its parameters.

        An attack that reads a file puts a hash of what it read in the place of the path.
        """
        return msgspec.to_builtins(self)

    async def run(self, case: Case, session: Session) -> Attempt:
        """Talks to the target until it is done, and returns the attempt that is to be judged."""
        raise TypeError(f"{type(self).__name__} does not say how it attacks")

    def taught(self, known: Any, lessons: Sequence[Any]) -> Any:
        """What the next round knows, as plain data: of what was known and what cells of this round taught, in plan order."""
        return known


Made = TypeVar("Made", bound=type[Attack])


def attack(
    name: str,
    *,
    kind: Form,
    card: Card = UNKNOWN,
    version: int = 1,
    needs: tuple[str, ...] = (),
    learns: int = 0,
    decodes: bool = False,
    pictured: bool = False,
    asks_for: Literal["text", "image"] = "text",
) -> Callable[[Made], Made]:
    """Registers an attack.

    Args:
        name: How suites and the command line call it.
        kind: *transform* (one prompt), *search* (judge in the loop), *dialogue* (several turns), *visual* (draws it).
        card: Its fidelity card.
        version: Raised whenever the same case may be put otherwise.
        needs: Roles (``attacker``, ``translator``, ``judge``) or extras it needs.
        learns: Cells of a round, where it learns across cases.
        decodes: For a search or a dialogue: whether it decodes, translates or recombines what the judge reads.
        pictured: Whether it meets cases with images, too.
        asks_for: What the cases that it meets ask for: text, or an image.
    """

    def keep(cls: Made) -> Made:
        cls.name, cls.kind, cls.source, cls.version, cls.needs = name, kind, card.source, version, needs
        cls.card, cls.learns, cls.decodes = card, learns, decodes
        cls.pictured, cls.asks_for = pictured, asks_for
        return registry.register("attack", name)(cls)

    return keep


def attack_family(
    prefix: str, *, title: str, source: str, extra: str, members: Callable[[], list[str]]
) -> Callable[[Callable[[str], type[Attack]]], Callable[[str], type[Attack]]]:
    """Registers a function that makes the attack ``prefix/NAME`` for each NAME; see `registry.Family`."""

    def keep(find: Callable[[str], type[Attack]]) -> Callable[[str], type[Attack]]:
        registry.register_family(
            "attack",
            registry.Family(prefix=prefix, title=title, source=source, extra=extra, members=members, find=find),
        )
        return find

    return keep


def make(name: str, parameters: dict[str, Any] | None = None) -> Attack:
    """An attack by name; see `registry.make`.

    A suite may give an attack a name of its own and say with ``attack`` which one it is.
    """
    said = dict(parameters or {})
    made: Attack = registry.make("attack", said.pop("attack", name), said)
    return made


def harm(verdict: Verdict) -> float:
    """How far an in-loop judge finds that an answer does what was asked, in [0, 1]: its score, or else its word."""
    if verdict.score is not None:
        return verdict.score
    return float(verdict.outcome == "unsafe")
