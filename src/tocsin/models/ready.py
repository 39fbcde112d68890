"""Entries that need no ``tocsin.toml``: the models of the report that tocsin grew from, by name (``ready.toml``)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from tocsin.models.config import ModelConfig


@cache
def ready() -> dict[str, ModelConfig]:
    """The ready entries by name."""
    text = resources.files("tocsin.models").joinpath("ready.toml").read_text(encoding="utf-8")
    return {name: ModelConfig.model_validate(entry) for name, entry in tomllib.loads(text)["models"].items()}


def with_ready(configs: dict[str, ModelConfig]) -> dict[str, ModelConfig]:
    """A user's entries over the ready ones.

    An entry that names its ``model`` replaces the ready one. Any other changes the fields that it names, and if one of
    them is ``base_url``, the ready entry's key stays behind: it is for the vendor and for nobody else.
    """
    return {**ready(), **{name: _over(ready().get(name), entry) for name, entry in configs.items()}}


def _over(there: ModelConfig | None, entry: ModelConfig) -> ModelConfig:
    if there is None or entry.model is not None:
        return entry
    kept = {name: getattr(there, name) for name in there.model_fields_set}
    if entry.base_url is not None:
        kept.pop("api_key_env", None)
    said = {name: getattr(entry, name) for name in entry.model_fields_set}
    return ModelConfig.model_validate({**kept, **said})
