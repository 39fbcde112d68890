"""What can go wrong with a call, typed: every fault of every endpoint becomes one `ModelError` with an `ErrorKind`."""

from __future__ import annotations

import re

from tocsin.types import ErrorKind

RETRYABLE = frozenset({ErrorKind.RATE, ErrorKind.TIMEOUT, ErrorKind.SERVER, ErrorKind.CONNECTION, ErrorKind.MALFORMED})
"""Kinds that another try may mend."""

PUSHBACK = frozenset({ErrorKind.RATE, ErrorKind.TIMEOUT})
"""Kinds that say the endpoint has too much to do (503 is marked so by its sender)."""

FATAL = frozenset({ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.NOT_FOUND})
"""Kinds that every further call would meet too: the run stops, and can be resumed."""

QUOTES = "(message left out: it quotes the prompt)"
"""Stands in the place of such a message."""

_SHARED_RUN = 24
"""A provider's message that repeats this many characters of a prompt is not kept."""


class ModelError(Exception):
    """One try failed.

    Attributes:
        kind: What went wrong.
        detail: One line for people; holds no key and quotes no prompt.
        retry_after: Seconds the endpoint asked to wait, if it did.
        pushback: Whether the endpoint has too much to do, so that fewer calls at a time would help.
        retryable: Whether another try may mend it: as its kind says, unless whoever raised it knew better.
    """

    def __init__(
        self,
        kind: ErrorKind,
        detail: str = "",
        *,
        retry_after: float | None = None,
        pushback: bool | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}" if detail else str(kind))
        self.kind = kind
        self.detail = detail
        self.retry_after = retry_after
        self.pushback = kind in PUSHBACK if pushback is None else pushback
        self.retryable = kind in RETRYABLE if retryable is None else retryable


class ModelUnavailable(Exception):
    """The model cannot be used at all as things stand; the message says what to do."""


def presentable(message: str, *, secrets: tuple[str, ...] = (), prompts: tuple[str, ...] = (), limit: int = 200) -> str:
    """A provider's error message as one line that may be kept: short, without keys, and not quoting the prompt."""
    line = " ".join("".join(c if c.isprintable() else " " for c in message[:4000]).split())[:2000]
    for secret in secrets:
        if secret:
            line = line.replace(secret, "[key]")
    line = re.sub(r"\b(?:sk|pk|key|xai|gsk|hf)[-_][A-Za-z0-9*_.-]{6,}", "[key]", line)[:limit]
    for prompt in prompts:
        flat = " ".join(prompt.split())
        if flat and len(flat) < _SHARED_RUN and flat in line:
            return QUOTES
        if any(line[i : i + _SHARED_RUN] in flat for i in range(len(line) - _SHARED_RUN + 1)):
            return QUOTES
    return line
