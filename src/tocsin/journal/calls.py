"""Calls as the journal names and keeps them: their key, and what stands in their row."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

import msgspec

from tocsin.journal.errors import readable
from tocsin.journal.folder import JOURNAL
from tocsin.journal.images import Images
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


class Answers:
    """A look-up of another run's answers by key. Its failures are not answers.

    Args:
        folder: The other run's folder.

    Raises:
        JournalError: It holds no readable journal.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self.images = Images(folder)
        with readable(self._path):
            self._reader = connect(self._path, read_only=True)
            # Not by the index: a run that was killed has none yet, and what is read here is not changed.
            self._found = {bytes(key): number for number, key in self._reader.execute(_ANSWERED)}

    def find(self, key: bytes) -> Call | None:
        """The call of that key, where it has an answer. Images of it are references into the other run's folder."""
        if key not in self._found:
            return None
        with readable(self._path):
            row = self._reader.execute(
                "SELECT id, answer, error, detail, tries, latency, cost FROM calls WHERE id = ?", (self._found[key],)
            ).fetchone()
            return None if row is None else call_of(*row)


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
