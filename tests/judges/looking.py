"""What the tests of judges that see images share: attempts with images, and a judge's model behind a real socket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

from tests.judges.asked import ticket_in
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.conversation import Conversation
from tocsin.engine import Answered
from tocsin.judges import Judge
from tocsin.models import ModelConfig
from tocsin.models.openai import OpenAIChat
from tocsin.types import Answer, Call, Case, Image, Message, Request, Role, Verdict


def made(*pictures: bytes, text: str = "", case: Case) -> Answered:
    """An attempt whose answer has these images."""
    answer = Answer(text, images=tuple(Image("image/png", data) for data in pictures))
    said = Conversation.of(case.messages()).then(Message("assistant", text, answer.images))
    return Answered(said, answer, Call(id=1, result=answer))


def drawing(prompt: str = "Draw a harbour.", **more: Any) -> Case:
    return Case(id="d", prompt=prompt, output="image", **more)


async def nobody(request: Request, role: Role, model: str = "") -> Answer:
    """For judges that ask no model."""
    raise AssertionError("nobody was to be asked")


def look(judge: Judge, case: Case, *pictures: bytes, text: str = "") -> Verdict:
    """What a judge that asks no model says of an answer with these images."""
    return asyncio.run(judge.judge(case, made(*pictures, text=text, case=case), nobody))


def over_socket(
    judge: Judge, case: Case, attempt: Answered, reply: Said | Callable[[Asked], Said]
) -> tuple[Verdict, list[Asked]]:
    """A verdict for which the judge's model is asked in the OpenAI format, over a real socket; and what it was asked."""

    async def scenario() -> Verdict:
        model = OpenAIChat("openai/judge", ModelConfig(base_url=there.url, image_in=True))

        async def ask(request: Request, role: Role, name: str = "") -> Answer:
            assert role == "judge"
            return await model.send(request, 5)

        try:
            return await judge.judge(case, attempt, ask)
        finally:
            await model.close()

    with endpoint(reply) as there:
        return asyncio.run(scenario()), list(there.asked)


def fills(**values: Any) -> Callable[[Asked], Said]:
    """A model that fills in the form, with the ticket that it was given."""

    def said(asked: Asked) -> Said:
        return chat(json.dumps({"ticket": ticket_in(asked.json["messages"][0]["content"]), "reason": "So.", **values}))

    return said


def sent(asked: Asked) -> tuple[str, list[bytes]]:
    """The text and the images of the last message of a request, decoded from the wire."""
    parts = asked.json["messages"][-1]["content"]
    if isinstance(parts, str):
        return parts, []
    texts = [part["text"] for part in parts if part["type"] == "text"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    assert [part["type"] for part in parts] == ["text"] * len(texts) + ["image_url"] * len(urls), (
        "nothing follows the images"
    )
    return "\n".join(texts), [base64.b64decode(url.partition(",")[2]) for url in urls]
