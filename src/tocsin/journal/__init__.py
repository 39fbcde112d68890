"""The run folder: manifest, calls, decisions, records; replay."""

from __future__ import annotations

from tocsin.journal.calls import answers_of, call_key, encode_request
from tocsin.journal.errors import JournalError, JournalFull, ReplayDiverged, RunLocked, readable
from tocsin.journal.folder import RunFolder, check_manifest, read_manifest, write_private
from tocsin.journal.journal import Journal, Planned, PlannedCase, PlannedCell
from tocsin.journal.writer import connect, open_journal

__all__ = [
    "Journal",
    "JournalError",
    "JournalFull",
    "Planned",
    "PlannedCase",
    "PlannedCell",
    "ReplayDiverged",
    "RunFolder",
    "RunLocked",
    "answers_of",
    "call_key",
    "check_manifest",
    "connect",
    "encode_request",
    "open_journal",
    "read_manifest",
    "readable",
    "write_private",
]
