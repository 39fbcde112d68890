"""What endpoints have in common that are reached through their vendor's own SDK.

The SDK makes the request, sends it through our HTTP client (`tocsin.models.sdk_wire`), and hands back the bytes of the
reply. These are decoded here into typed structs, as those of every other endpoint: a reply of another shape is an error
and never an empty answer. The SDK's own retries are off, since `tocsin.models.caller.Caller` makes them.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import msgspec

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.unkeyed import stand_in
from tocsin.types import Answer, Capabilities, ErrorKind, Request

if TYPE_CHECKING:
    from tocsin.models.sdk_wire import Reply, Wire

Shape = TypeVar("Shape")

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_LONG_ENOUGH = 16
"""Characters from which a secret is cut out of replies: a shorter one may well be part of an answer."""


class SdkModel(ABC):
    """A chat model behind a vendor's SDK. Implements `tocsin.protocols.Model`.

    Args:
        name: The name the user gave.
        config: What ``tocsin.toml`` says of it.
        wire_model: The model's name at the vendor; what follows the slash if None.

    Raises:
        ModelUnavailable: The SDK, the key or the address is missing or cannot be used.
        ConfigError: The entry asks for what the vendor does not know.
    """

    extra: ClassVar[str]
    """The extra that installs the SDK."""
    package: ClassVar[str]
    """The SDK's module."""
    key_variable: ClassVar[str]
    url_variable: ClassVar[str]
    """The vendor's own variables for the key and the endpoint."""
    default_url: ClassVar[str]
    header_variable: ClassVar[str] = ""
    """A variable from which the SDK takes headers by itself, if it does: they may hold secrets, too."""

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None) -> None:
        self._name = name
        self._config = config
        self._wire_model = wire_model or name.partition("/")[2] or name
        self._answered = False
        """Whether a call was answered: then the endpoint takes what is fixed for all calls."""
        self._check()
        self._sdk = self._imported(self.package)
        self._url = self._address()
        headers = config.sent_headers()
        key = self._key()
        own = os.environ.get(self.header_variable, "") if self.header_variable else ""
        words = (*(word for value in headers.values() for word in _apart(value)), *_apart(own)[1:])
        self._secrets = tuple(filter(None, (key, *words)))
        self._echoes = tuple(secret.encode() for secret in self._secrets if len(secret) >= _LONG_ENOUGH)
        fixed = {name: value for name, value in self.parameters.items() if value not in (None, {}, "")}
        self._identity = f"{self._wire_model}@{self._url}#{msgspec.json.encode(fixed, order='deterministic').decode()}"
        self._imported("httpx2")
        from tocsin.models.sdk_wire import Wire

        try:
            self._wire = Wire()
            self._open(self._wire, key, headers)
        except (ImportError, ValueError, TypeError) as error:  # a proxy's address; its message may show a password
            why = "its client cannot be made: look at base_url, HTTPS_PROXY and ALL_PROXY"
            raise ModelUnavailable(f"model {name!r}: {why} ({type(error).__name__})") from error

    # -- what a vendor says ----------------------------------------------------------------------------------------

    @abstractmethod
    def _check(self) -> None:
        """Raises `ConfigError` where the entry asks for what the vendor does not know."""

    @abstractmethod
    def _check_sampling(self, request: Request) -> None:
        """Raises `ModelUnavailable` where a suite asks for what this model cannot take: the first call ends the run."""

    @abstractmethod
    def _open(self, wire: Wire, key: str, headers: dict[str, str]) -> None:
        """Makes the SDK's client, with its retries off."""

    @abstractmethod
    async def _ask(self, request: Request, timeout: float) -> bytes:
        """Sends a request through the SDK; returns the body of a reply with status 200."""

    @abstractmethod
    def _answer(self, body: bytes) -> Answer:
        """The answer in it; raises `ModelError` of kind malformed where there is none."""

    @abstractmethod
    def _block_or_fault(self, reply: Reply, prompts: tuple[str, ...]) -> Answer:
        """What a reply with another status says: a block is an answer, all else raises `ModelError`."""

    # -- tocsin.protocols.Model ------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """As the user writes it."""
        return self._name

    @property
    def identity(self) -> str:
        """The vendor's name of the model, base URL, and the parameters sent with every request."""
        return self._identity

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What is fixed for every request, for the manifest. Header values are left out."""
        return self._config.fixed()

    @property
    def base_url(self) -> str:
        """The endpoint."""
        return self._url

    @property
    def capabilities(self) -> Capabilities:
        """Text in and out; images in unless the configuration says otherwise."""
        return Capabilities(image_in=self._config.image_in or "image_in" not in self._config.model_fields_set)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request, of at most `timeout` seconds.

        Raises:
            ModelError: With its kind; a block by the provider's filter is an answer and no error.
            ModelUnavailable: What the suite or the entry fixes for every request is what this model cannot take.
        """
        self._check_sampling(request)
        try:
            async with asyncio.timeout(timeout):
                body = await self._ask(request, timeout)
        except TimeoutError as error:
            raise ModelError(ErrorKind.TIMEOUT, f"no complete reply within {timeout:.3g} s") from error
        except Exception as error:
            from tocsin.models.sdk_wire import Reply, cause

            found = cause(error, timeout)
            if not isinstance(found, Reply):
                raise found from error
            reply = Reply(found.status, found.headers, self._without_secrets(found.body))
            return self._block_or_fault(reply, tuple(message.text for message in request.messages))
        answer = self._answer(self._without_secrets(body))
        self._answered = True
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        await self._wire.aclose()

    # -- for the vendors -------------------------------------------------------------------------------------------

    def _sampled(self, request: Request) -> dict[str, Any]:
        """Temperature, top_p and the limit on the answer: what the suite says, else the entry."""
        sampling, config = request.sampling, self.parameters
        return {
            name: config[name] if getattr(sampling, name) is None else getattr(sampling, name)
            for name in ("temperature", "top_p", "max_tokens")
        }

    def _system(self, request: Request) -> str:
        """The system prompt: the request's, else the entry's."""
        said = [message.text for message in request.messages if message.role == "system"]
        return "\n\n".join(said) if said else self._config.system or ""

    def _without_secrets(self, body: bytes) -> bytes:
        for secret in self._echoes:
            if secret in body:
                body = body.replace(secret, b"[key]")
        return body

    def _parameter_in(self, message: str, parameters: re.Pattern[str], prompts: tuple[str, ...]) -> str:
        """The parameter that an endpoint refuses, by its own words; empty if that is not certain.

        A word that the request itself holds may be quoted from it, and what was taken once is not refused.
        """
        named = parameters.search(message)
        if named is None or self._answered or any(named[1].lower() in prompt.lower() for prompt in prompts):
            return ""
        return named[1]

    def _refused(self, named: str) -> ModelUnavailable:
        """For a parameter that the model does not take: it is fixed for every request, so every one would fail."""
        return ModelUnavailable(
            f"model {self._name!r}: the endpoint refuses {named}, and would in every call: change it in tocsin.toml, or in a"
            " suite whose sampling does not say it"
        )

    def _unknown(self, what: str) -> ConfigError:
        return ConfigError(f"model {self._name!r}: {what}")

    def _imported(self, module: str) -> ModuleType:
        try:
            return importlib.import_module(module)
        except ImportError as error:
            raise ModelUnavailable(
                f"model {self._name!r} needs the extra {self.extra!r}: pip install 'tocsin[{self.extra}]'"
            ) from error

    def _address(self) -> str:
        base = self._config.base_url or os.environ.get(self.url_variable) or self.default_url
        try:
            parts = urlsplit(base.strip())
            plain = parts.username is None and not parts.query and not parts.fragment
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and plain:
                return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
        except ValueError:  # its message would show parts of the address, which may hold a password
            pass
        raise ModelUnavailable(
            f"model {self._name!r}: base_url must be like {self.default_url}, without a user, a password or a query"
        )

    def _key(self) -> str:
        named = self._config.api_key_env or self.key_variable
        key = stand_in(os.environ.get(named, "").strip())
        if not key:
            raise ModelUnavailable(f"model {self._name!r} needs a key: set the environment variable {named}")
        if not key.isascii() or not key.isprintable():
            raise ModelUnavailable(
                f"model {self._name!r}: the key in {named} holds a character that no header may have"
            )
        return key


def decoded(body: bytes, shape: type[Shape]) -> Shape:
    """A reply's body as typed records.

    Half a surrogate pair in a string is JSON but no Unicode: it becomes U+FFFD.

    Raises:
        ModelError: `ErrorKind.MALFORMED`; it is no JSON, or of another shape.
    """
    try:
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.DecodeError as error:
            if isinstance(error, msgspec.ValidationError) or "surrogate" not in str(error):
                raise
            mended = _HALF_PAIR.sub("\ufffd", json.dumps(json.loads(body), ensure_ascii=False))
            return msgspec.json.decode(mended, type=shape)
    except msgspec.ValidationError as error:
        why = str(error).split(" - ")[-1][:80]
        raise ModelError(ErrorKind.MALFORMED, f"the reply has another shape than the wire format ({why})") from error
    except RecursionError as error:
        raise ModelError(ErrorKind.MALFORMED, "the reply is nested too deep") from error
    except ValueError as error:  # of which msgspec's, json's and UTF-8's are
        raise ModelError(ErrorKind.MALFORMED, f"the reply is not complete JSON ({len(body)} bytes)") from error


def _apart(value: str) -> tuple[str, ...]:
    """A header's value, and its words: of ``Bearer KEY`` an endpoint may repeat one."""
    return (value, *(word for word in value.split() if len(word) >= 8))
