"""Pipelines of the library diffusers on this machine (extra ``diffusers``, which brings torch).

``diffusers/NAME`` is a repository on the hub or a folder with a pipeline. It is loaded at the first call, beside its time, and
draws one request at a time in a thread. A call that is out of time ends after the step that it is at.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.openai_images import refuse_text_fields, to_draw
from tocsin.models.providers import provider
from tocsin.types import Answer, Capabilities, ErrorKind, Image, Request

EXTRA = "diffusers"

_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_OURS = frozenset(
    {"prompt", "image", "width", "height", "num_images_per_prompt", "generator", "output_type", "return_dict"}
    | {"callback_on_step_end"}
)
"""Arguments of a pipeline that ``extra`` cannot hold."""


class _Ended(Exception):
    """The call is out of time, or was given up."""


@provider("diffusers")
class DiffusersModel:
    """A pipeline that makes images. Implements `tocsin.protocols.Model`.

    Args:
        name: ``diffusers/`` with a repository or a folder.
        config: What ``tocsin.toml`` says of it. What stands in its ``extra`` are arguments of the pipeline's call.
        wire_model: What follows the slash, if not in the name.
        pipeline: A pipeline that is loaded already.

    Raises:
        ModelUnavailable: diffusers or torch is not installed.
        ConfigError: The entry asks for what a pipeline does not know.
    """

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None, pipeline: Any = None) -> None:
        self._name, self._config = name, config
        self._wire_model = wire_model or name.partition("/")[2] or name
        refuse_text_fields(name, config)
        if given := sorted(_OURS & config.extra.keys()):
            raise ConfigError(
                f"model {name!r}: {given[0]!r} cannot stand in extra: what it is must be known to the journal"
            )
        if config.image_hosts or config.base_url:
            raise ConfigError(f"model {name!r}: a pipeline on this machine has no base_url and no image_hosts")
        size = _SIZE.fullmatch(config.image_size or "64x64")
        if size is None:
            raise ConfigError(f"model {name!r}: image_size must be like 1024x1024")
        self._size = {"width": int(size[1]), "height": int(size[2])} if config.image_size else {}
        self._pipeline = pipeline
        self._editor: Any = None
        if pipeline is None:
            self._imported("torch")
            self._imported("diffusers")
        self._drawing = asyncio.Lock()

    @property
    def name(self) -> str:
        """As the user writes it."""
        return self._name

    @property
    def identity(self) -> str:
        """The pipeline's name, and what is fixed for every call."""
        fixed = {name: value for name, value in self.parameters.items() if value not in (None, {}, "")}
        return f"diffusers/{self._wire_model}#{msgspec.json.encode(fixed, order='deterministic').decode()}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """For the manifest."""
        return {**self._config.fixed(), "image_out": True}

    @property
    def base_url(self) -> str:
        """None: it runs on this machine."""
        return ""

    @property
    def default_concurrency(self) -> int:
        """Calls at a time: a pipeline is not made for more."""
        return 1

    @property
    def capabilities(self) -> Capabilities:
        """Text in and images out; images in where the entry says that the pipeline can edit."""
        return Capabilities(image_in=self._config.image_in, text_out=False, image_out=True)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One call of the pipeline, of at most `timeout` seconds and the step that it is at.

        Raises:
            ModelError: With its kind. What the pipeline's safety checker keeps back is a block, and no error.
            ModelUnavailable: The pipeline cannot be loaded.
        """
        prompt, images = to_draw(request)
        if images and not self._config.image_in:
            raise ModelError(ErrorKind.REJECTED, "the model takes no images: it cannot edit one")
        given_up = threading.Event()
        async with self._drawing:
            drawing = asyncio.ensure_future(asyncio.to_thread(self._draw, prompt, images, request, timeout, given_up))
            try:
                return await asyncio.shield(drawing)
            except asyncio.CancelledError:
                given_up.set()  # the thread ends after its step; the next call waits for that
                await asyncio.wait([drawing])
                raise

    async def close(self) -> None:
        """Lets go of the pipeline."""
        self._pipeline = self._editor = None

    def _draw(
        self, prompt: str, images: Sequence[Image], request: Request, timeout: float, given_up: threading.Event
    ) -> Answer:
        def between_steps(_pipeline: Any, _step: int, _time: Any, told: dict[str, Any]) -> dict[str, Any]:
            if given_up.is_set() or time.monotonic() > deadline:
                raise _Ended
            return told

        pipeline = self._loaded(edit=bool(images))
        deadline = time.monotonic() + timeout
        options: dict[str, Any] = {**self._size, "num_images_per_prompt": self._config.images or 1}
        if images:
            options["image"] = [_opened(image) for image in images] if len(images) > 1 else _opened(images[0])
        if request.sampling.seed is not None:
            options["generator"] = self._imported("torch").Generator(device="cpu").manual_seed(request.sampling.seed)
        options |= {**self._config.extra, **request.sampling.extra}
        try:
            made = pipeline(prompt=prompt, output_type="pil", callback_on_step_end=between_steps, **options)
        except _Ended as error:
            raise ModelError(ErrorKind.TIMEOUT, "the pipeline did not end in time") from error
        except MemoryError as error:
            raise ModelError(ErrorKind.SERVER, "the pipeline lacks memory") from error
        except (RuntimeError, OSError) as error:  # torch's, for want of memory among others; it may quote anything
            raise ModelError(ErrorKind.SERVER, f"the pipeline failed ({type(error).__name__})") from error
        except (TypeError, ValueError) as error:
            raise ModelError(ErrorKind.REJECTED, f"the pipeline takes no such call ({type(error).__name__})") from error
        return self._answer(made)

    def _answer(self, made: Any) -> Answer:
        drawn = list(getattr(made, "images", None) or ())
        kept_back = list(getattr(made, "nsfw_content_detected", None) or ())
        kept_back += [False] * (len(drawn) - len(kept_back))
        # The checker puts a black image in the place of one that it keeps back.
        images = tuple(_png(image) for image, kept in zip(drawn, kept_back, strict=False) if not kept)
        word = "nsfw_content_detected" if any(kept_back) else "" if images else "empty"
        return Answer(finish=word or "stop", blocked=bool(word), model=self._wire_model, images=images)

    def _loaded(self, *, edit: bool) -> Any:
        if self._pipeline is None:
            torch, diffusers = self._imported("torch"), self._imported("diffusers")
            device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
            kind = torch.float32 if device == "cpu" else torch.float16
            try:
                made = diffusers.AutoPipelineForText2Image.from_pretrained(self._wire_model, torch_dtype=kind)
                self._pipeline = made.to(device)
            except (OSError, ValueError, ImportError, RuntimeError) as error:
                why = f"the pipeline cannot be loaded ({type(error).__name__})"
                raise ModelUnavailable(f"model {self._name!r}: {why}") from error
            self._pipeline.set_progress_bar_config(disable=True)
        if not edit:
            return self._pipeline
        if self._editor is None:
            self._editor = self._imported("diffusers").AutoPipelineForImage2Image.from_pipe(self._pipeline)
        return self._editor

    def _imported(self, package: str) -> Any:
        try:
            return importlib.import_module(package)
        except ImportError as error:
            raise ModelUnavailable(
                f"model {self._name!r} needs the extra {EXTRA!r}: pip install 'tocsin[{EXTRA}]'"
            ) from error


def _opened(image: Image) -> Any:
    from PIL import Image as Pillow

    return Pillow.open(io.BytesIO(image.data)).convert("RGB")


def _png(image: Any) -> Image:
    told = io.BytesIO()
    image.save(told, "PNG")
    return Image("image/png", told.getvalue())
