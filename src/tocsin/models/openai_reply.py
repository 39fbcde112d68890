"""What comes back over the OpenAI chat wire format: an answer, a block by the provider's filter, or a fault with its kind.

Replies are decoded into typed structs, so that one of another shape is an error and never an empty answer. Nothing an
endpoint says is believed to be well meant: it may be malformed on purpose, and may repeat the key or the prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import msgspec

from tocsin.models.errors import QUOTES, ModelError, presentable
from tocsin.types import Answer, ErrorKind, Usage

_BLOCK_CODES = re.compile(
    r"content_?filter|content_?policy|ResponsibleAIPolicy|moderation_blocked|data_?inspection_?failed|safety_?block"
    r"|sensitive_?content|(?:text|image)_?risk_?detection|content_?security_?detection|content_?moderation|prohibited_?content"
    r"|^moderation$|moderation_?(?:rejected|flagged)|\bnsfw|_nsfw|unsafe_?content",
    re.IGNORECASE,
)
_NO_BLOCK = re.compile(
    r"unavailable|time_?d?_?out|invalid|misconfigur|configuration|crash|internal_?error|service_?error", re.IGNORECASE
)
"""In a code: the filter itself has a fault, or the request has one."""
_SPENT = re.compile(
    r"insufficient_quota|billing|exceeded_current_quota|AccountOverdue|^QuotaExceeded|SetLimitExceeded", re.IGNORECASE
)
"""Codes that say that nothing is left to spend: OpenAI sends one of them with HTTP 400, and Ark one with 403."""
_FILTER = (
    r"(?:content[ -](?:moderat\w+|filter\w*|polic\w+|safety)|safety (?:system|filter\w*|check\w*|polic\w+|guidelines?)"
    r"|(?<!parameter )(?<!field )(?<!option )moderation(?! (?:parameter|field|option|value|level|setting))"
    r"|usage (?:polic\w+|guidelines?)|responsible ai|community guidelines"
    r"|(?:nsfw|sensitive|inappropriate|prohibited|unsafe) content)"
)
_VERDICT = r"(?:(?:reject|block|flagg|refus|filter|declin|remov)ed|withh[eo]ld)"
_SAYS_BLOCKED = re.compile(
    rf"\b{_VERDICT}\b[^.:;]{{0,40}}?\b(?:by|for|due to|because of|as a result of|under)\b[^.:;]{{0,40}}?\b{_FILTER}\b"
    rf"|\b(?:violat\w+|breach\w*|against)\b[^.:;]{{0,40}}?\b{_FILTER}\b"
    rf"|\b(?:failed|not pass(?:ed)?) (?:\w+ )?{_FILTER}\b"
    rf"|\b{_FILTER}\b(?: \w+){{0,4}}? (?:{_VERDICT}|triggered|violat\w+|detected)\b",
    re.IGNORECASE,
)
"""A filter's only mark where the code is null or says nothing: that something was kept back, and that it was for its content."""
_OF_ACCOUNT = re.compile(
    r"\bbilling\b|\b(?:account|api[ _-]?key|(?:your|the|this) key|organi[sz]ation|project|subscription)\b(?: \w+){0,3}?"
    rf" (?:{_VERDICT}|suspended|disabled|restricted|banned|violat\w+)\b",
    re.IGNORECASE,
)
"""It is the user's account or key that was flagged, and not what was asked."""
_DENIES = re.compile(
    r"\b(?:not|never|n't)(?: \w+)? (?:triggered|detected|blocked|rejected|flagged|available|configured|reachable)\b"
    r"|\bno (?:\w+ )?(?:moderation|filter|policy|violation)\b|\binvalid\b|\bmisconfigur\w*|\bconfiguration\b|\bunavailable\b"
    r"|\btime[d]?[ -]?out\b|\bcrash\w*",
    re.IGNORECASE,
)
"""It speaks of a filter and says that it did not strike, or that it has a fault."""
_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|“[^”]*”|«[^»]*»")
_CHECK = re.compile(r"\bSAFETY_CHECK_TYPE_\w+")
"""xAI's code of a check, which stands in the message of an HTTP 403 and nowhere else."""
_TOO_LONG = re.compile(
    r"context_length|context length|maximum context|too many tokens|exceed\w* the (?:available )?context", re.IGNORECASE
)
_THINKING = re.compile(r"\s*<think(?:ing)?>(.*?)</think(?:ing)?>\s*", re.DOTALL)
_THINKING_OPEN = re.compile(r"\s*<think(?:ing)?>")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: no JSON or another shape, no UTF-8, nested too deep."""


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _ReplyMessage(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(msgspec.Struct):
    message: _ReplyMessage
    finish_reason: str | None = None


class _Details(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    completion_tokens_details: _Details | None = None


class _Reply(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None
    model: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None
    type: str | None = None
    innererror: dict[str, Any] | None = None
    metadata: Any = None


class _ErrorReply(msgspec.Struct):
    error: _Error | str | None = None
    code: Any = None
    name: Any = None
    detail: Any = None
    message: str | None = None


def block_word(*words: object) -> str:
    """The first of some codes that says that a provider's filter struck, as one word that can be kept; empty if none does."""
    for word in words:
        if word and _BLOCK_CODES.search(str(word)) and _NO_BLOCK.search(str(word)) is None:
            return "".join(re.findall(r"[\w.-]", str(word)))[:64]
    return ""


def says_blocked(message: str, prompts: tuple[str, ...]) -> bool:
    """Whether an error's message says, in words alone, that a filter kept something back for its content.

    The message may quote the prompt, and prompts speak of filters, too: what stands in quotation marks does not count, nor does
    a message that repeats a prompt, nor any where a prompt has such words itself.
    """
    said = " ".join(_QUOTED.sub(" ", message[:4000]).split())
    if _SAYS_BLOCKED.search(said) is None or _OF_ACCOUNT.search(said) is not None or _DENIES.search(said) is not None:
        return False
    if any(map(_SAYS_BLOCKED.search, prompts)):
        return False
    return presentable(message, prompts=prompts, limit=2000) != QUOTES


def is_spent(code: object) -> bool:
    """Whether a code says that nothing is left to spend."""
    return bool(code) and _SPENT.search(str(code)) is not None


_decode = msgspec.json.Decoder(_Reply).decode
_decode_error = msgspec.json.Decoder(_ErrorReply).decode


def answer_of(body: bytes) -> Answer:
    """The answer in the body of a reply with status 200.

    Raises:
        ModelError: `ErrorKind.MALFORMED`; the body holds no answer.
    """
    try:
        reply = _decode(body)
    except _UNREADABLE as error:
        if isinstance(error, msgspec.ValidationError) or "surrogate" not in str(error):
            raise ModelError(ErrorKind.MALFORMED, _misshapen(body, error)) from error
        reply = _with_half_pairs(body)
    if not reply.choices:
        raise ModelError(ErrorKind.MALFORMED, "the reply holds no choices")
    choice = reply.choices[0]
    message, finish = choice.message, choice.finish_reason or "stop"
    content = message.content
    text = content if isinstance(content, str) else "".join(part.text or "" for part in content or ())
    reasoning = message.reasoning_content or message.reasoning or ""
    if not reasoning and "<think" in text[:64]:
        reasoning, text = _split_thinking(text)
    declined = bool(message.refusal) and not text
    return Answer(
        text=message.refusal or "" if declined else text,
        reasoning=reasoning,
        finish=finish,
        blocked=finish == "content_filter",
        declined=declined,
        usage=_usage(reply.usage),
        model=reply.model or "",
    )


def block_or_fault(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    url: str,
    secrets: tuple[str, ...],
    prompts: tuple[str, ...],
    in_its_words: bool = False,
) -> Answer:
    """What a reply with another status than 200 says: an answer if the provider's filter struck, else a fault.

    Args:
        status: HTTP status.
        headers: Headers of the reply.
        body: Its body.
        url: The endpoint, as it may be named.
        secrets: What no detail may repeat.
        prompts: What no detail may quote.
        in_its_words: Whether a block is told by the provider's own code, and not as ``content_filter``.

    Raises:
        ModelError: With its kind.
    """
    error = _told(body)
    code = f"{error.code or ''} {error.type or ''}"
    inner = str((error.innererror or {}).get("code", ""))
    message = error.message or ""
    word = block_word(error.code, error.type, inner) if status in (400, 403, 422, 451) else ""
    flagged = status in (400, 403, 422, 451) and says_blocked(message, prompts)
    if status == 403:  # to refuse a key is what it is for, and some filters have marks of their own there
        flagged = flagged or _CHECK.search(message) is not None or _moderated(error.metadata)
    if flagged or word:
        return Answer(finish=(in_its_words and word) or "content_filter", blocked=True)
    label = " ".join(re.findall(r"[\w.-]{1,64}", code))
    if label != presentable(label, secrets=secrets, prompts=prompts):
        label = ""
    said = presentable(message, secrets=secrets, prompts=prompts)
    detail = " ".join(filter(None, (f"HTTP {status}", label, said)))
    wait = _retry_after(headers)
    if status in (400, 402, 403, 429) and (status == 402 or is_spent(error.code) or is_spent(error.type)):
        raise ModelError(ErrorKind.QUOTA, f"HTTP {status}: nothing is left to spend on this key")
    if status in (401, 403):
        raise ModelError(ErrorKind.AUTH, f"HTTP {status}: the endpoint refused the key")
    if status == 429:
        raise ModelError(ErrorKind.RATE, f"HTTP 429 {label}".strip(), retry_after=wait)
    if status == 404:
        raise ModelError(ErrorKind.NOT_FOUND, f"HTTP 404: {url} does not know the model or the path")
    if 300 <= status < 400:  # not followed: prompts and headers are for the endpoint that the user named
        raise ModelError(ErrorKind.NOT_FOUND, f"HTTP {status}: {url} has moved; name its new address as base_url")
    if status == 408:
        raise ModelError(ErrorKind.TIMEOUT, "HTTP 408", retry_after=wait)
    if status >= 500:
        raise ModelError(ErrorKind.SERVER, detail, retry_after=wait, pushback=status == 503)
    if status == 413 or _TOO_LONG.search(f"{code} {message}"):
        raise ModelError(ErrorKind.TOO_LONG, f"HTTP {status} {label}".strip())
    raise ModelError(ErrorKind.REJECTED, detail)


def _moderated(metadata: Any) -> bool:
    """OpenRouter's mark of a moderated prompt: what was flagged, and the reasons."""
    return isinstance(metadata, dict) and bool(metadata.get("reasons")) and "flagged_input" in metadata


def _with_half_pairs(body: bytes) -> _Reply:
    """A reply with half a surrogate pair in a string, which is JSON but no Unicode: the half becomes U+FFFD."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
        return _decode(_HALF_PAIR.sub("\ufffd", text))
    except (*_UNREADABLE, ValueError) as error:
        raise ModelError(ErrorKind.MALFORMED, _misshapen(body, error)) from error


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    details = usage.completion_tokens_details
    return Usage(
        max(0, usage.prompt_tokens or 0),
        max(0, usage.completion_tokens or 0),
        max(0, details.reasoning_tokens or 0) if details else 0,
    )


def _split_thinking(text: str) -> tuple[str, str]:
    """Reasoning that a server left at the head of the text. Without an end mark there is no final text at all."""
    thoughts, at = [], 0
    while closed := _THINKING.match(text, at):
        thoughts.append(closed[1].strip())
        at = closed.end()
    if opened := _THINKING_OPEN.match(text, at):
        thoughts.append(text[opened.end() :].strip())
        at = len(text)
    return "\n\n".join(thoughts), text[at:]


def _misshapen(body: bytes, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return f"the reply has another shape than the wire format ({str(error).split(' - ')[-1][:80]})"
    if isinstance(error, RecursionError):
        return "the reply is nested too deep"
    return f"the reply is not complete JSON ({len(body)} bytes)"


def _told(body: bytes) -> _Error:
    try:
        reply = _decode_error(body[: 2**16])
    except _UNREADABLE:
        return _Error()
    if isinstance(reply.error, _Error):
        return reply.error
    code = next((word for word in (reply.code, reply.name) if isinstance(word, str)), None)
    return _Error(reply.error or reply.message or (str(reply.detail) if reply.detail else None), code)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``retry-after-ms``, or ``Retry-After`` as seconds or as a date."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        if value := headers.get("Retry-After"):
            if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
                return float(value)
            return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return None
    return None
