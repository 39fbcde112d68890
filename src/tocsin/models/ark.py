"""Volcengine's Ark, for models that make images (Seedream): its own dialect of the OpenAI images API.

What is sent and what comes back: https://www.volcengine.com/docs/82379/1541523. An edit is the same request with ``image``; more
images than one are asked for as a sequence; and ``watermark`` is said to be false, since the API draws one otherwise, so that no
image would have one colour.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from tocsin.models.openai_images import OpenAIImages
from tocsin.models.openai_wire import Came
from tocsin.models.providers import provider
from tocsin.types import Image

_TEXT_ONLY = re.compile(r"-t2i", re.IGNORECASE)

_encode = msgspec.json.Encoder().encode


@provider("ark")
class ArkImages(OpenAIImages):
    """A Seedream model. Implements `tocsin.protocols.Model`; see `OpenAIImages`."""

    key_variable = "ARK_API_KEY"
    url_variable = "ARK_BASE_URL"
    default_url = "https://ark.cn-beijing.volces.com/api/v3"
    fields: ClassVar[frozenset[str]] = OpenAIImages.fields | {
        "sequential_image_generation",
        "sequential_image_generation_options",
    }

    async def _draw(self, prompt: str, images: tuple[Image, ...], extra: Mapping[str, Any], timeout: float) -> Came:
        body = self._body(prompt, extra)
        if images:
            told = [
                f"data:{one.media_type or 'image/png'};base64,{base64.b64encode(one.data).decode()}" for one in images
            ]
            body["image"] = told[0] if len(told) == 1 else told
        return await self._exchange(self._generations, _encode(body), timeout)

    def _body(self, prompt: str, extra: Mapping[str, Any]) -> dict[str, Any]:
        body = {"watermark": False, **super()._body(prompt, extra)}
        if (wanted := body.pop("n", None)) is not None:
            body["sequential_image_generation"] = "auto" if wanted > 1 else "disabled"
            if wanted > 1:
                body["sequential_image_generation_options"] = {"max_images": wanted}
        return body

    def _knows_edits(self) -> bool:
        return not _TEXT_ONLY.search(self._wire_model)
