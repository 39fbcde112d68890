"""Numbers in addresses: ``{cell:number}`` in place of Starlette's ``int``, which fails on thousands of digits."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

DIGITS = 15
"""At most: every such number is one to SQLite, too. What is longer is no page's address."""


class Number(Convertor[int]):
    """A whole number from 0 on."""

    regex = f"[0-9]{{1,{DIGITS}}}"

    def convert(self, value: str) -> int:
        """The number that is written."""
        return int(value)

    def to_string(self, value: int) -> str:
        """A number as it is written."""
        return str(value)


def known() -> None:
    """Makes the convertor known to Starlette; who names it in an address calls this before."""
    register_url_convertor("number", Number())
