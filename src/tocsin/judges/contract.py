"""What a judge is made of: typed parameters, an identity that follows from them, and one coroutine."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, ClassVar, Literal, Self, TypeVar

import msgspec
from msgspec.structs import replace

from tocsin import registry
from tocsin.protocols import Asker, Attempt
from tocsin.types import Case, Verdict

Sees = Literal["text", "image", "both"]
Output = Literal["text", "image"]
"""What a case asks for; see `tocsin.types.Case`."""


class Judge(registry.Plugin, frozen=True, kw_only=True):
    """Base of every judge. Implements `tocsin.protocols.Judge`."""

    reads: ClassVar[str] = ""
    """What it decides by, in words a reader of the report understands."""
    languages: ClassVar[tuple[str, ...]] = ()
    """BCP 47 codes it is made for; empty if it does not depend on the language."""
    grades: ClassVar[bool] = True
    """Whether its scores, where it gives any, are grades of harm, of which a mean says something; they may be chances."""
    sees_itself: ClassVar[Sees] = "text"
    """What its class says that it sees: see `sees`, which for a judge of judges follows from its members."""
    learned_from: ClassVar[tuple[str, ...]] = ()
    """Label sets that it was trained or tuned on: agreement with them says nothing of other answers."""

    def taught_by(self) -> frozenset[str]:
        """Label sets that it, or a judge within it, learned from."""
        return frozenset(self.learned_from)

    @property
    def sees(self) -> Sees:
        """What it is given: the text alone, the images alone, or both. Images of what it is given have their bytes, unless it
        sees the text alone.
        """
        return self.sees_itself

    def unfit(self, output: Output) -> str:
        """Why it cannot judge answers of this kind, as a sentence goes on after "it"; empty if it can."""
        if output == "image" and self.sees == "text":
            return "reads text alone, and the answers are images"
        if output == "text" and self.sees == "image":
            return "looks at images that a model made, and the answers are text"
        return ""

    @property
    def identity(self) -> str:
        """``name@`` and eight hexadecimal digits over name, version and what `told` says."""
        told = msgspec.json.encode([self.name, self.version, self.told()], order="deterministic")
        return f"{self.name}@{blake2b(told, digest_size=4).hexdigest()}"

    def told(self) -> Any:
        """What its verdicts depend on, besides its code: its parameters.

        A judge that reads a file puts a hash of what it read in the place of the path.
        """
        return msgspec.to_builtins(self)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models it asks, as ``ask(request, "judge", name)`` does; empty names are not settled yet.

        A judge with a field ``model`` asks that one; any other that asks models says which.
        """
        name = getattr(self, "model", None)
        return () if name is None else (name,)

    @property
    def asks(self) -> dict[str, tuple[float, int]]:
        """How often one verdict asks each of its models: usually, and at most. What needs no model at all is not counted."""
        return dict.fromkeys(self.models, (1.0, 1))

    @property
    def shown_to(self) -> tuple[str, ...]:
        """Those of its models to which it shows images: they have to take some. A judge of judges says which, by its members."""
        return () if self.sees == "text" else self.models

    def asking(self, model: str) -> Self:
        """The same judge, which asks `model` wherever it names none. So its identity tells whom it asks."""
        return replace(self, model=model) if getattr(self, "model", None) == "" else self

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """The verdict on one attempt; must not raise on any text."""
        raise TypeError(f"{type(self).__name__} does not say how it judges")


Made = TypeVar("Made", bound=type[Judge])


def judge(
    name: str,
    *,
    reads: str,
    version: int = 1,
    source: str = "",
    languages: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    sees: Sees = "text",
) -> Callable[[Made], Made]:
    """Registers a judge.

    Args:
        name: How suites and the command line call it.
        reads: What it decides by, in a sentence for the report.
        version: Raised whenever the same answers may get other verdicts.
        source: Paper or repository of the method.
        languages: BCP 47 codes it is made for; empty if it does not depend on the language.
        needs: Roles or extras it needs.
        sees: What it is given: ``text``, ``image`` (what a model made) or ``both``.
    """

    def keep(cls: Made) -> Made:
        cls.name, cls.version, cls.reads, cls.source = name, version, reads, source
        cls.languages, cls.needs, cls.sees_itself = languages, needs, sees
        return registry.register("judge", name)(cls)

    return keep


def make(name: str, parameters: dict[str, Any] | None = None) -> Judge:
    """A judge by name; see `registry.make`.

    A suite may give a judge a name of its own and say with ``judge`` which one it is.
    """
    said = dict(parameters or {})
    made: Judge = registry.make("judge", said.pop("judge", name), said)
    return made


def fits(judge: Judge, case_output: Output) -> str:
    """Why a judge cannot judge what a case asks for; empty if it can.

    Args:
        judge: The judge. One that asks other judges fits if all of them do.
        case_output: `Case.output`.
    """
    why = judge.unfit(case_output)
    return f"judge {judge.name!r} {why}" if why else ""
