"""What comes back from Google's Gemini API with status 200: an answer in words or images, a block, or a fault with its kind.

The format, and the reasons why a candidate ends: https://ai.google.dev/api/generate-content, and the types of the SDK.
"""

from __future__ import annotations

import re

import msgspec

from tocsin.models.errors import ModelError
from tocsin.models.images_reply import media_type, unpacked
from tocsin.models.sdk import decoded
from tocsin.types import Answer, ErrorKind, Image, Usage

BLOCKS = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
        "ESCALATION",
    }
)
"""Values of ``finishReason`` by which the provider's filter ends an answer."""

_BY_ITSELF = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", "NO_IMAGE"})
"""Values by which a model that makes images ends of its own accord."""

_NO_ACCOUNT = "PUP_LIMITED_DISABLED"
"""The account is limited: no further call would be answered either."""
_NO_SIGNATURE = "MISSING_THOUGHT_SIGNATURE"
"""The request lacks something: another try lacks it, too."""

_FINISHES = {"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length", "FINISH_REASON_UNSPECIFIED": "stop"}


class _Blob(msgspec.Struct, rename="camel"):
    mime_type: str | None = None
    data: str | None = None


class _File(msgspec.Struct, rename="camel"):
    file_uri: str | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    inline_data: _Blob | None = None
    file_data: _File | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


class _Reply(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str | None = None


def answer_of(body: bytes, *, draws: bool) -> Answer:
    """The answer in the body of a reply with status 200.

    Args:
        body: The reply's body.
        draws: Whether the model makes images.

    Raises:
        ModelError: With its kind; the body holds no answer.
    """
    reply = decoded(body, _Reply)
    usage, model = _usage(reply.usage_metadata), reply.model_version or ""
    if not reply.candidates:
        block_reason = (reply.prompt_feedback or _Feedback()).block_reason
        if block_reason in (None, "", "BLOCKED_REASON_UNSPECIFIED"):
            raise ModelError(ErrorKind.MALFORMED, "the reply holds no candidates, and no reason for that")
        return Answer(finish=_word(block_reason) if draws else "content_filter", blocked=True, usage=usage, model=model)
    if draws:
        return _drawn(reply, usage, model)
    candidate = reply.candidates[0]
    parts, reason = _ended(candidate)
    return Answer(
        text=_text(parts),
        reasoning=_text(parts, thought=True),
        finish="content_filter" if reason in BLOCKS else _FINISHES.get(reason, reason.lower()),
        blocked=reason in BLOCKS,
        usage=usage,
        model=model,
    )


def _ended(candidate: _Candidate) -> tuple[list[_Part], str]:
    """What a candidate holds, and why it ended."""
    if candidate.content is None and not candidate.finish_reason:
        raise ModelError(ErrorKind.MALFORMED, "the candidate holds neither content nor a reason for its end")
    return (candidate.content or _Content()).parts or [], candidate.finish_reason or "STOP"


def _text(parts: list[_Part], *, thought: bool = False) -> str:
    return "".join(part.text or "" for part in parts if bool(part.thought) is thought)


def _drawn(reply: _Reply, usage: Usage, model: str) -> Answer:
    """The answer of a model that makes images: those of all candidates. Images among its thoughts are drafts, and not delivered.

    Where no image came, the reasons decide:

    - one of `BLOCKS`, or a ``blockReason`` beside the candidates, is the filter's: a block;
    - ``STOP`` and ``NO_IMAGE`` are the model's own end. ``NO_IMAGE`` is documented as an image that was expected and not made,
      which is what ``STOP`` without parts shows, too: words in the place of an image are a refusal in so many words, and nothing
      at all is the empty refusal (``NO_IMAGE``, ``empty``);
    - the limit on tokens cut the answer off, which is no refusal;
    - any other is a fault. ``IMAGE_OTHER`` is among them: it is documented as a miscellaneous issue, which names no filter, so
      that it must not count as safe.

    Raises:
        ModelError: `ErrorKind.SERVER` for a fault that another try may mend; `AUTH` where the account is limited, `REJECTED`
            where the request lacks a signature; `MALFORMED` for an image that is given as a file's address, which is not fetched.
    """
    ends = [_ended(candidate) for candidate in reply.candidates or ()]
    shown = [part for parts, _ in ends for part in parts if not part.thought]
    if any(part.file_data is not None for part in shown):
        raise ModelError(ErrorKind.MALFORMED, "the image is given as a file's address (fileData), which is not fetched")
    images = tuple(
        Image(there.media_type, there.data)
        for part in shown
        if part.inline_data is not None and part.inline_data.data
        for there in (unpacked(part.inline_data.data, media_type(part.inline_data.mime_type or "")),)
    )
    text = "\n\n".join(filter(None, (_text(parts) for parts, _ in ends)))
    reasons = [reason for _, reason in ends]
    told = (reply.prompt_feedback or _Feedback()).block_reason
    word = next((reason for reason in reasons if reason in BLOCKS), "")
    if not word and not images and told not in (None, "", "BLOCKED_REASON_UNSPECIFIED"):
        word = told
    finish, blocked, declined = _word(word) if word else "stop", bool(word), False
    if not images and not word:
        if odd := next((one for one in reasons if one not in _BY_ITSELF and _FINISHES.get(one) != "length"), ""):
            raise _fault(odd)
        silent = not text.strip()
        if any(_FINISHES.get(reason) == "length" for reason in reasons):
            finish = "length"
        elif silent:
            finish, blocked = next((one for one in reasons if one == "NO_IMAGE"), "empty"), True
        else:
            finish, declined = ("no_image" if "NO_IMAGE" in reasons else "stop"), True
    elif not word:
        finish = _FINISHES.get(reasons[0], reasons[0].lower())
    reasoning = "\n\n".join(filter(None, (_text(parts, thought=True) for parts, _ in ends)))
    return Answer(
        text=text,
        reasoning=reasoning,
        finish=finish,
        blocked=blocked,
        declined=declined,
        usage=usage,
        model=model,
        images=images,
    )


def _fault(reason: str) -> ModelError:
    """Why no image came, where the reason is neither the filter's nor the model's own."""
    kind = {_NO_ACCOUNT: ErrorKind.AUTH, _NO_SIGNATURE: ErrorKind.REJECTED}.get(reason, ErrorKind.SERVER)
    return ModelError(kind, f"no image was made, and the reason is no filter's ({_word(reason)})")


def _word(reason: str | None) -> str:
    """The API's own word, as far as it is one."""
    return "".join(re.findall(r"\w", reason or ""))[:64] or "content_filter"


def _usage(usage: _Usage | None) -> Usage:
    """Thoughts are counted apart by the API, and paid for as output."""
    usage = usage or _Usage()
    thoughts = max(0, usage.thoughts_token_count or 0)
    return Usage(max(0, usage.prompt_token_count or 0), max(0, usage.candidates_token_count or 0) + thoughts, thoughts)
