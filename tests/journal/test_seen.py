from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tocsin.journal.seen import Seen

KEYS = st.binary(min_size=16, max_size=16)


@given(st.lists(KEYS, max_size=200), st.lists(KEYS, max_size=20))
def test_it_never_says_no_for_a_key_it_holds(at_first: list[bytes], later: list[bytes]) -> None:
    seen = Seen(at_first)
    assert all(key in seen for key in at_first)
    for key in later:
        seen.add(key)
        assert key in seen
    assert all(key in seen for key in at_first)


@given(KEYS)
def test_an_empty_one_holds_nothing(key: bytes) -> None:
    assert key not in Seen()


@given(st.integers(0, 127))
def test_keys_that_differ_in_one_bit_are_told_apart_wherever_the_bit_counts(bit: int) -> None:
    seen = Seen([bytes(16)])
    other = (1 << bit).to_bytes(16, "little")
    assert (other in seen) == (bit % 32 >= 25)  # of each four bytes the last seven bits are not used


def test_at_a_million_calls_it_is_wrong_for_about_two_new_keys_in_ten_thousand() -> None:
    rng = random.Random(5)
    seen = Seen(rng.randbytes(16) for _ in range(1_000_000))
    wrong = sum(rng.randbytes(16) in seen for _ in range(100_000))
    assert wrong <= 35  # 16 are to be expected
