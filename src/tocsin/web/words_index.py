"""Full text: what is kept of a text to find it by, and how a query of a user becomes one of SQLite's.

Words are found by their beginnings, whatever their case and accents. Scripts that put no spaces between words (Chinese,
Japanese, Korean, Thai …) are kept sign by sign, and a query's signs have to stand side by side: any piece of a text is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

MOST = 100_000
"""Characters of each kind of text of a record that can be searched."""
MOST_TERMS = 24
PREFIX = 3
"""Letters from which on a word of a query is taken as the beginning of one."""

COLUMNS = {"asked": "prompts", "answered": "answers", "judged": "why the judge said so"}
"""Column of the full text → what it holds."""

_SIGNS = re.compile(
    "([\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff"
    "\u3100-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff])"
)
_TERM = re.compile(r'(-?)"([^"]*)"?|(-?)(\S+)')
_TOKEN = re.compile(r"\w")


class Asked(msgspec.Struct, frozen=True):
    """A query as SQLite takes it; empty `match` where there is nothing to look for."""

    match: str
    problem: str = ""


def kept(texts: Iterable[str]) -> str:
    """What the full text keeps of some texts."""
    text = "\n".join(map(str, texts))[:MOST]
    if text.isascii():
        return text.replace("\0", " ")
    # Split and joined, which is three times as fast as to substitute.
    return " ".join(_SIGNS.split(text.encode("utf-8", "replace").decode())).replace("\0", " ")


def asked(query: str, where: str = "") -> Asked:
    """A user's query: words, ``"phrases"``, and ``-words`` that must not be there. Nothing of it is taken as SQLite's syntax.

    Args:
        query: What was typed.
        where: A column of `COLUMNS` to look in; any if empty.
    """
    wanted: list[str] = []
    without: list[str] = []
    for found in list(_TERM.finditer(query))[:MOST_TERMS]:
        minus, phrase, minus_word, word = found.groups()
        text = kept([phrase if phrase is not None else word]).replace('"', " ").strip()
        if not _TOKEN.search(text):
            continue
        open_ended = phrase is None and len(text) >= PREFIX and " " not in text and text[-1].isalnum()
        (without if minus or minus_word else wanted).append(f'"{text}"' + ("*" if open_ended else ""))
    if not wanted:
        problem = "A search needs a word that is to be there." if query.strip() else ""
        return Asked("", problem)
    match = " AND ".join(wanted)
    if without:
        match = f"({match}) NOT ({' OR '.join(without)})"
    return Asked(f"{{{where}}} : ({match})" if where in COLUMNS else match)
