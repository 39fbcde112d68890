"""Which keys a journal may hold: a Bloom filter, so that a new call asks SQLite nothing.

A read while another connection commits makes SQLite read its pages anew; at thousands of calls a second that costs more
than the calls themselves. The filter says "certainly not here" for all but two in ten thousand of the new keys (at a
million calls), in a few megabytes whatever the number of calls (Bloom 1970, CACM 13:422-426).
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

_four = Struct("<4I").unpack
_BITS = 25
_BYTE = (1 << (_BITS - 3)) - 1
"""What remains of a hash as the place of a byte; three more bits are the place within it."""


class Seen:
    """A set of 16-byte keys that may say "perhaps" for one it does not hold, and never "no" for one it does."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._bits = bytearray(1 << (_BITS - 3))
        for key in keys:
            self.add(key)

    def add(self, key: bytes) -> None:
        """Adds a key. Keys are hashes already, so their own bits serve as the filter's hashes."""
        bits = self._bits
        # Written out, in both methods, and in small numbers: a loop over a large one took three times as long.
        a, b, c, d = _four(key)
        bits[a >> 3 & _BYTE] |= 1 << (a & 7)
        bits[b >> 3 & _BYTE] |= 1 << (b & 7)
        bits[c >> 3 & _BYTE] |= 1 << (c & 7)
        bits[d >> 3 & _BYTE] |= 1 << (d & 7)

    def __contains__(self, key: bytes) -> bool:
        bits = self._bits
        a, b, c, d = _four(key)
        return bool(
            bits[a >> 3 & _BYTE] >> (a & 7) & 1
            and bits[b >> 3 & _BYTE] >> (b & 7) & 1
            and bits[c >> 3 & _BYTE] >> (c & 7) & 1
            and bits[d >> 3 & _BYTE] >> (d & 7) & 1
        )
