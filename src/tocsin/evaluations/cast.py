"""Who plays which role in a run. Every model is opened once, so that its limits hold over all its roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tocsin.judges import Judge
from tocsin.models import Caller, ModelConfig, Recalled, open_caller
from tocsin.types import Role


class Cast(msgspec.Struct, frozen=True):
    """The models of a run.

    Attributes:
        targets: What is assessed, in the order of the manifest.
        judges: Whom the judges ask, by name.
    """

    targets: Sequence[Caller]
    judges: Mapping[str, Caller] = {}
    helpers: Mapping[Role, Caller] = {}
    """The attacker and the translator, where there is one."""

    def callers(self) -> dict[tuple[Role, int], Caller]:
        """Role and index → caller, as the engine takes them."""
        found: dict[tuple[Role, int], Caller] = {("target", index): caller for index, caller in enumerate(self.targets)}
        found |= {("judge", index): caller for index, caller in enumerate(self.judges.values())}
        return found | {(role, 0): caller for role, caller in self.helpers.items()}

    def places(self) -> dict[tuple[Role, str], int]:
        """Role and model's name → index."""
        places: dict[tuple[Role, str], int] = {("judge", name): index for index, name in enumerate(self.judges)}
        return places | {(role, ""): 0 for role in self.helpers}

    def everyone(self) -> list[Caller]:
        """Each caller once."""
        return list(
            {id(caller): caller for caller in (*self.targets, *self.judges.values(), *self.helpers.values())}.values()
        )

    async def close(self) -> None:
        """Closes every model."""
        for caller in self.everyone():
            await caller.close()


def open_cast(
    targets: Sequence[Caller],
    judges: Iterable[Judge],
    configs: dict[str, ModelConfig],
    *,
    concurrency: int | None = None,
    helpers: Mapping[Role, str] | None = None,
) -> Cast:
    """Opens the models that judges ask, and the helpers by role, beside targets that are open already.

    One that is only recalled is opened anew.

    Raises:
        UnknownName, ModelUnavailable, ConfigError: As `open_caller`.
        ValueError: A judge is to show images to a model that takes none.
    """
    judges = tuple(judges)
    opened = {caller.model.name: caller for caller in targets if not isinstance(caller.model, Recalled)}
    asked: dict[str, Caller] = {}
    for name in sorted({name for judge in judges for name in judge.models}):
        if name not in opened:
            opened[name] = open_caller(name, configs, concurrency=concurrency)
        asked[name] = opened[name]
    _check_eyes(judges, asked)
    helping: dict[Role, Caller] = {}
    for role, name in (helpers or {}).items():
        if name not in opened:
            opened[name] = open_caller(name, configs, concurrency=concurrency)
        helping[role] = opened[name]
    return Cast(targets, asked, helping)


def _check_eyes(judges: Iterable[Judge], asked: Mapping[str, Caller]) -> None:
    """Raises `ValueError` if a judge is to show images to a model that takes none: endpoints may drop them without a word."""
    for judge in judges:
        for name in judge.shown_to:
            if not asked[name].model.capabilities.image_in:
                raise ValueError(
                    f"judge {judge.name!r} shows images to {name!r}, which takes none:"
                    " if it does, say image_in = true in tocsin.toml; else name another model"
                )
