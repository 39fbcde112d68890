"""Calls as the journal names and keeps them: their key, and what stands in their row."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import msgspec

from tocsin.journal.errors import readable
from tocsin.journal.folder import JOURNAL
from tocsin.journal.writer import connect
from tocsin.types import Answer, Call, ErrorKind, Failure

encode_request = msgspec.json.Encoder(order="deterministic").encode
_decode_answer = msgspec.json.Decoder(Answer).decode
_ANSWERED = "SELECT id, key FROM calls WHERE answer IS NOT NULL ORDER BY attempt, id"


def call_key(identity: str, role: str, request: bytes, draw: tuple[str, str, int] | None) -> bytes:
    """What names a call: model identity, role, canonical request and, unless the temperature is 0, whose draw it is.

    Args:
        identity: The model's identity.
        role: Target, judge, attacker or translator.
        request: The request as `encode_request` writes it.
        draw: Cell key, branch of the conversation and ordinal on that branch; None at temperature 0.

    Returns:
        16 bytes (BLAKE2b).
    """
    digest = blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(f"\0{role}\0".encode())
    digest.update(request)
    if draw is not None:
        digest.update(f"\0{draw[0]}\0{draw[1]}\0{draw[2]}".encode("utf-8", "surrogatepass"))
    return digest.digest()


def answers_of(folder: Path) -> Callable[[bytes], Call | None]:
    """A look-up of another run's answers by key. Its failures are not answers.

    Raises:
        JournalError: The folder holds no readable journal.
    """
    path = folder / JOURNAL
    with readable(path):
        reader = connect(path, read_only=True)
        # Not by the index: a run that was killed has none yet, and what is read here is not changed.
        found = {bytes(key): number for number, key in reader.execute(_ANSWERED)}

    def look(key: bytes) -> Call | None:
        if key not in found:
            return None
        with readable(path):
            row = reader.execute(
                "SELECT id, answer, error, detail, tries, latency, cost FROM calls WHERE id = ?", (found[key],)
            ).fetchone()
            return None if row is None else call_of(*row)

    return look


def call_of(
    number: int,
    answer: bytes | None,
    error: str | None,
    detail: str | None,
    tries: int,
    latency: float,
    cost: float | None,
) -> Call:
    """A call from its row."""
    result: Answer | Failure
    result = _decode_answer(answer) if answer is not None else Failure(ErrorKind(error or ""), detail or "")
    return Call(id=number, result=result, tries=tries, latency=latency, cost=cost)
