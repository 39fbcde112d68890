"""What a user may say about a model: ``[models.NAME]`` in ``tocsin.toml``."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tocsin.types import Usage

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a header's name may be (RFC 9110, 5.6.2)."""


ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


class ConfigError(ValueError):
    """A file the user wrote cannot be used; the message names the file, the place and the mend."""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Prices(_Written):
    """US dollars per million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def of(self, usage: Usage) -> float:
        """What an answer cost, in US dollars."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


class CallLimits(_Written):
    """How a model may be called."""

    concurrency: int | None = Field(default=None, ge=1, description="fixed number of calls at a time")
    max_concurrency: int = Field(default=256, ge=1, description="ceiling of the adaptive number")
    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    deadline: float = Field(default=120.0, gt=0, description="seconds a call may take, retries included")
    tries: int = Field(default=6, ge=1, description="tries a call may take")
    backoff: float = Field(default=0.5, ge=0, description="seconds before the second try; doubles from there")


class ModelConfig(CallLimits):
    """One model entry."""

    model: str | None = Field(default=None, description="provider/name, where the entry's own name is an alias")
    base_url: str | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = Field(default_factory=dict, description="values may be env:VARIABLE")
    prices: Prices | None = None
    image_in: bool = False
    image_out: bool = Field(default=False, description="answers with images")
    images: int | None = Field(default=None, ge=1, le=10, description="images that a call asks for")
    image_size: str | None = Field(default=None, min_length=1, description="as the endpoint writes it: 1024x1024, 2K")
    image_hosts: tuple[str, ...] = Field(default=(), description="private hosts that images may be fetched from")
    structured: bool = Field(default=False, description="holds replies to a JSON schema (response_format)")
    system: str | None = Field(default=None, description="system prompt for cases that have none")
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_tokens_field: str | None = Field(default=None, description="max_tokens or max_completion_tokens")
    reasoning_effort: ReasoningEffort | None = Field(default=None, description="how much the model is to think")
    thinking_budget: int | None = Field(default=None, ge=0, description="tokens that thinking may take")
    extra: dict[str, Any] = Field(default_factory=dict, description="sent with every request as it is")

    @field_validator("extra")
    @classmethod
    def _has_no_field_of_its_own(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in ("model", "messages", "temperature", "top_p", "max_tokens", "seed", "stop", "n", "stream"):
            if name in value:
                raise ValueError(f"{name!r} cannot stand in extra: what it is must be known to the journal")
        return value

    @model_validator(mode="after")
    def _says_how_to_reason_once(self) -> ModelConfig:
        if self.reasoning_effort is not None and "reasoning_effort" in self.extra:
            raise ValueError("reasoning_effort stands in extra, too: drop one of them")
        return self

    def reasoning(self) -> dict[str, str | int]:
        """How the model is to reason, as far as the entry says: what is not said is in no identity."""
        told = {"reasoning_effort": self.reasoning_effort, "thinking_budget": self.thinking_budget}
        return {name: value for name, value in told.items() if value is not None}

    def drawing(self) -> dict[str, Any]:
        """What is said of images that are made, as far as the entry says: what is not said is in no identity."""
        told = {"images": self.images, "image_size": self.image_size, "image_hosts": list(self.image_hosts) or None}
        return {name: value for name, value in told.items() if value is not None}

    def makes_images(self, wire_model: str, names: re.Pattern[str]) -> bool:
        """Whether a model makes images: the entry says so (``image_out``), or else its name, by a pattern of its provider."""
        return self.image_out or ("image_out" not in self.model_fields_set and names.search(wire_model) is not None)

    def fixed(self) -> dict[str, Any]:
        """What is sent with every request, for the manifest and the identity. Header values are left out."""
        return {
            "system": self.system,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            **self.reasoning(),
            **self.drawing(),
            "extra": self.extra,
        }

    def limits(self) -> CallLimits:
        """The part that says how the model may be called."""
        return CallLimits(**{name: getattr(self, name) for name in CallLimits.model_fields})

    def sent_headers(self) -> dict[str, str]:
        """The headers, with ``env:VARIABLE`` replaced.

        Raises:
            ConfigError: A variable is not set, or what is to be sent is no header.
        """
        sent = {name: _from_env(value).strip() for name, value in self.headers.items()}
        for name, value in sent.items():
            if not _HEADER.fullmatch(name) or not value.isprintable():
                raise ConfigError(f"header {name!r} cannot be sent: name or value has a character no header may have")
        return sent


class _File(_Written):
    models: dict[str, ModelConfig] = Field(default_factory=dict)


def read_config(path: Path | None = None) -> dict[str, ModelConfig]:
    """The models of a ``tocsin.toml``: the one given, else the one in the working folder, else none.

    Raises:
        ConfigError: The file is absent though named, is not TOML, or holds what is not known.
    """
    if path is None:
        path = Path("tocsin.toml")
        if not path.is_file():
            return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML ({error})") from error
    try:
        return _File.model_validate(data).models
    except ValidationError as error:
        raise ConfigError(f"{path}: {told(error)}") from error


def told(error: ValidationError) -> str:
    """A validation error in one line: where, and what is wrong. Values are left out: they may be secrets."""
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {_plainly(fault)}" for fault in error.errors())


def _plainly(fault: Any) -> str:
    known = {"extra_forbidden": "there is no such field", "missing": "is needed, and is not there"}
    return known.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")


def _from_env(value: str) -> str:
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    found = os.environ.get(name)
    if not found:
        raise ConfigError(f"a header asks for the environment variable {name}, which is not set")
    return found
