"""Models: endpoints, and what they share: limits, retries, typed errors, cost."""

from __future__ import annotations

from tocsin import registry
from tocsin.models.caller import CallAbandoned, Called, Caller
from tocsin.models.config import ConfigError, ModelConfig, Prices, read_config
from tocsin.models.errors import FATAL, ModelError, ModelUnavailable
from tocsin.models.family import family
from tocsin.models.ready import with_ready
from tocsin.models.recalled import Recalled, recalled

__all__ = [
    "EMBEDDED",
    "FATAL",
    "CallAbandoned",
    "Called",
    "Caller",
    "ConfigError",
    "ModelConfig",
    "ModelError",
    "ModelUnavailable",
    "Prices",
    "Recalled",
    "family",
    "open_caller",
    "read_config",
    "recalled",
    "with_ready",
]

EMBEDDED = "local/smollm2-135m"
"""The model that is assessed where none is named."""

IMAGES_AT_A_TIME = 32
"""Ceiling of the adaptive number of calls to a model that makes images, unless its entry says another: each reply is megabytes
of base64, and all that are under way lie in memory.
"""


def open_caller(name: str, configs: dict[str, ModelConfig], *, concurrency: int | None = None) -> Caller:
    """Opens a model by the name a user gives.

    Args:
        name: An entry of ``tocsin.toml``, a ready one, or ``provider/name``.
        configs: The entries of ``tocsin.toml``.
        concurrency: A fixed number of calls at a time, over what the entry says.

    Raises:
        UnknownName: No entry and no provider has that name; the nearest are suggested.
        ModelUnavailable: A key, a package or a file is missing; the message says which.
        ConfigError: Its entry does not say what it is, has a header that cannot be sent, or asks for what its provider
            does not know.
    """
    configs = with_ready(configs)
    config = configs.get(name, ModelConfig())
    wire = config.model or name
    provider, slash, rest = wire.partition("/")
    if name in configs and not (slash and rest):
        raise ConfigError(
            f'[models."{name}"] does not say what it is: add model = "openai/{wire or "NAME"}", or another'
        )
    if not slash or not rest:
        known = sorted({*configs, *(f"{found}/{wire}" for found in registry.names("provider")), EMBEDDED})
        raise registry.UnknownName("model", wire, known)
    try:
        opener = registry.find("provider", provider)
    except registry.UnknownName as error:
        known = sorted({*configs, *(f"{found}/{rest}" for found in error.known)} - {wire})
        raise registry.UnknownName("model", wire, known) from None
    model = opener(name, config, wire_model=rest)
    limits = config.limits()
    fixed = concurrency or limits.concurrency
    if slots := getattr(model, "default_concurrency", None):  # more at a time would only wait, and time out
        fixed = min(fixed or slots, slots)
    ceiling = limits.max_concurrency
    if model.capabilities.image_out and "max_concurrency" not in config.model_fields_set:
        ceiling = min(ceiling, IMAGES_AT_A_TIME)
    return Caller(model, limits.model_copy(update={"concurrency": fixed, "max_concurrency": ceiling}), config.prices)
