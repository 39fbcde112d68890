"""Votes of annotators on the answers of a run: ``votes.sqlite`` in its folder, to which rows are only ever added.

Nobody's earlier word is lost: a vote that is changed or taken back is a further row, and the latest one counts.
"""

from __future__ import annotations

import os
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from tocsin.evaluations.run_labels import WORDS, Labels
from tocsin.journal import JournalError
from tocsin.journal.errors import readable

FILE = "votes.sqlite"
"""Votes on a run's answers, in its folder."""

CANNOT_TELL = "cannot tell"
TAKEN_BACK = ""
"""What stands in place of a vote that was taken back."""

NAME, COMMENT = 60, 2000
"""Characters of an annotator's name and of a comment at most."""

MOST_SECONDS = 900.0
"""Who takes longer has been elsewhere: what is kept of the time is cut here."""

_TABLES = """
CREATE TABLE IF NOT EXISTS votes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    draw TEXT NOT NULL,
    annotator TEXT NOT NULL,
    cell INTEGER NOT NULL,
    adjudicates INTEGER NOT NULL,
    word TEXT NOT NULL,
    comment TEXT NOT NULL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS votes_by_cell ON votes (draw, annotator, cell, adjudicates, id);
CREATE TRIGGER IF NOT EXISTS votes_are_kept BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes are kept'); END;
CREATE TRIGGER IF NOT EXISTS votes_stay BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes are kept'); END;
CREATE TABLE IF NOT EXISTS told (
    draw TEXT NOT NULL,
    annotator TEXT NOT NULL,
    cell INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (draw, annotator, cell)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS told_stays BEFORE DELETE ON told BEGIN SELECT RAISE(ABORT, 'what was told is kept'); END;
"""
_LATEST = (
    "SELECT annotator, cell, adjudicates, word, comment, seconds, at, seen FROM votes v WHERE draw = ? AND id ="
    " (SELECT max(id) FROM votes w WHERE w.draw = v.draw AND w.annotator = v.annotator AND w.cell = v.cell"
    " AND w.adjudicates = v.adjudicates)"
)


class Vote(NamedTuple):
    """What one annotator last said of one answer."""

    annotator: str
    cell: int
    adjudicates: bool
    """Whether it decides where the annotators' votes do not."""
    word: str
    """One of the two words of its question, or `CANNOT_TELL`."""
    comment: str
    seconds: float
    at: float
    seen: bool = False
    """Whether the judge's verdicts may have been known to the annotator: it makes no label then, and is no part of agreement."""


def draw_name(labels: Labels) -> str:
    """What names a draw in the votes. A larger draw of the same design and seed holds the smaller one, and has its name."""
    return f"{labels.drawn_as}:{labels.seed}"


def annotator_name(said: str) -> str:
    """A name as it is kept: composed, trimmed, with single spaces.

    Raises:
        ValueError: It is empty, too long, or holds what cannot be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", said).split())
    if not name:
        raise ValueError("an annotator needs a name or initials")
    if len(name) > NAME or any(unicodedata.category(sign)[0] == "C" for sign in name):
        raise ValueError(f"an annotator's name has {NAME} characters at most, and only such that can be seen")
    return name


@contextmanager
def opened(folder: Path, *, create: bool = False) -> Iterator[sqlite3.Connection | None]:
    """The votes of a run; None if there are none and none are to be made. The file is readable by its owner only.

    Raises:
        JournalError: The file cannot be read or written.
    """
    path = folder / FILE
    if not create and not path.is_file():
        yield None
        return
    with readable(path):
        if create:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
        try:
            db.execute("PRAGMA synchronous=FULL")
            if create:
                db.executescript(_TABLES)
            columns = {name for _, name, *_ in db.execute("PRAGMA table_info(votes)")}
            if columns and "seen" not in columns:  # a file from before votes said whether they are blind
                db.execute("ALTER TABLE votes ADD COLUMN seen INTEGER NOT NULL DEFAULT 0")
            yield db
        finally:
            db.close()


def vote(
    folder: Path,
    labels: Labels,
    annotator: str,
    cell: int,
    word: str,
    *,
    comment: str = "",
    seconds: float = 0.0,
    adjudicates: bool = False,
    seen: bool = False,
) -> None:
    """Adds a vote, or takes one back (`TAKEN_BACK`).

    Args:
        folder: The run's folder.
        labels: Its draw.
        annotator: Who says it, as `annotator_name` gives it.
        cell: The answer.
        word: One of the two words of its question, `CANNOT_TELL` or `TAKEN_BACK`.
        comment: What the annotator adds.
        seconds: Time spent on it.
        adjudicates: Whether it decides where the others' votes do not.
        seen: Whether the judge's verdicts may be known to the annotator. What they say later of the same answer is marked, too.

    Raises:
        ValueError: The answer was not drawn, has its label already, or the word is none of its question; or the annotator was
            told what others said of it (`tell`), and this is no adjudication.
        JournalError: The file cannot be written.
    """
    wanted = next((one.wanted for one in labels.drawn if one.cell == cell), None)
    if wanted is None:
        raise ValueError(f"answer {cell} was not drawn for labelling")
    if cell in labels.failed:
        raise ValueError(
            f"answer {cell} has its label: it was closed, and the judge's verdict on it may have been seen"
        )
    if word not in (*WORDS[wanted], CANNOT_TELL, TAKEN_BACK):
        raise ValueError(f"answer {cell}: the vote is none of {', '.join((*WORDS[wanted], CANNOT_TELL))}")
    spent = min(max(seconds, 0.0), MOST_SECONDS) if seconds == seconds else 0.0
    draw, name = draw_name(labels), annotator_name(annotator)
    row = draw, name, cell, int(adjudicates), word, _whole(comment)[:COMMENT], spent, time.time()
    with opened(folder, create=True) as db:
        assert db is not None, "it is made if it is not there"
        refused = not adjudicates and _count(db, "told", draw, name, cell) > 0
        if not refused:
            seen = seen or _count(db, "votes", draw, name, cell, " AND seen") > 0
            db.execute(
                "INSERT INTO votes (draw, annotator, cell, adjudicates, word, comment, seconds, at, seen)"
                " VALUES (?,?,?,?,?,?,?,?,?)",
                (*row, int(seen)),
            )
    if refused:
        raise ValueError(
            f"answer {cell}: you were told how far others agree on it, so a vote of yours would not be blind; what you said"
            " before stays"
        )


def tell(folder: Path, labels: Labels, annotator: str, cells: Iterable[int]) -> None:
    """Keeps that somebody is told how others voted on these answers. From then on no ordinary vote of theirs on them is taken.

    Raises:
        ValueError: The name is none.
        JournalError: The file cannot be written.
    """
    draw, name, now = draw_name(labels), annotator_name(annotator), time.time()
    with opened(folder, create=True) as db:
        assert db is not None, "it is made if it is not there"
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR IGNORE INTO told VALUES (?,?,?,?)", [(draw, name, cell, now) for cell in cells])
        db.execute("COMMIT")


def told(folder: Path, labels: Labels, annotator: str) -> set[int]:
    """The answers of which somebody was told how others voted.

    Raises:
        JournalError: The file cannot be read.
    """
    with opened(folder) as db:
        if db is None or not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'told'").fetchone():
            return set()
        rows = db.execute("SELECT cell FROM told WHERE draw = ? AND annotator = ?", (draw_name(labels), annotator))
        return {cell for (cell,) in rows}


def votes_of(folder: Path, labels: Labels) -> list[Vote]:
    """The latest vote of each annotator on each answer that was drawn, without those taken back; by annotator and cell.

    Raises:
        JournalError: The file cannot be read.
    """
    cells = {one.cell for one in labels.drawn}
    with opened(folder) as db:
        if db is None:
            return []
        rows = db.execute(f"{_LATEST} ORDER BY annotator, cell, adjudicates", (draw_name(labels),)).fetchall()
    found = [
        Vote(who, cell, bool(over), word, comment, seconds, at, bool(seen))
        for who, cell, over, word, comment, seconds, at, seen in rows
    ]
    return [one for one in found if one.word != TAKEN_BACK and one.cell in cells]


def last_cell(folder: Path, labels: Labels, annotator: str) -> int | None:
    """The answer that an annotator last voted on, if that vote stands: what *undo* goes back to."""
    with opened(folder) as db:
        if db is None:
            return None
        row = db.execute(
            f"SELECT cell FROM ({_LATEST}) WHERE annotator = ? AND adjudicates = 0 AND word <> '' ORDER BY at DESC LIMIT 1",
            (draw_name(labels), annotator),
        ).fetchone()
    return int(row[0]) if row else None


def history(folder: Path, labels: Labels) -> int:
    """Rows that were ever added to a draw, those that were changed or taken back included."""
    with opened(folder) as db:
        if db is None:
            return 0
        return int(db.execute("SELECT count(*) FROM votes WHERE draw = ?", (draw_name(labels),)).fetchone()[0])


def sha256_of(votes: list[Vote]) -> str:
    """What names the votes that labels were made of."""
    said = [(one.annotator, one.cell, one.adjudicates, one.word) for one in votes if not one.seen]
    return sha256(msgspec.json.encode(sorted(said))).hexdigest()


def _count(db: sqlite3.Connection, table: str, draw: str, annotator: str, cell: int, more: str = "") -> int:
    query = f"SELECT count(*) FROM {table} WHERE draw = ? AND annotator = ? AND cell = ?{more}"
    return int(db.execute(query, (draw, annotator, cell)).fetchone()[0])


def _whole(text: str) -> str:
    """Text that can be stored: lone surrogates are written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").strip()


__all__ = [
    "CANNOT_TELL", "COMMENT", "FILE", "NAME", "TAKEN_BACK", "JournalError", "Vote", "annotator_name", "draw_name", "history",
    "last_cell", "opened", "sha256_of", "tell", "told", "vote", "votes_of",
]  # fmt: skip
