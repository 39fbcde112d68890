"""The run folder: manifest, calls, decisions, records; replay."""

from __future__ import annotations

from tocsin.journal.calls import Answers, call_key, encode_request
from tocsin.journal.copying import FreeText, Survey, copy_journal, survey
from tocsin.journal.damage import check_cases
from tocsin.journal.errors import JournalError, JournalFull, ReplayDiverged, RunLocked, readable
from tocsin.journal.folder import RunFolder, check_manifest, held_still, read_manifest, write_private
from tocsin.journal.images import Images, PictureWithheld, case_mapped, mapped, messages_mapped, pictured
from tocsin.journal.journal import Journal
from tocsin.journal.planned import SOURCE_ID, Planned, PlannedCase, PlannedCell
from tocsin.journal.writer import connect, has_readings, open_journal

__all__ = [
    "SOURCE_ID",
    "Answers",
    "FreeText",
    "Images",
    "Journal",
    "JournalError",
    "JournalFull",
    "PictureWithheld",
    "Planned",
    "PlannedCase",
    "PlannedCell",
    "ReplayDiverged",
    "RunFolder",
    "RunLocked",
    "Survey",
    "call_key",
    "case_mapped",
    "check_cases",
    "check_manifest",
    "connect",
    "copy_journal",
    "encode_request",
    "has_readings",
    "held_still",
    "mapped",
    "messages_mapped",
    "open_journal",
    "pictured",
    "read_manifest",
    "readable",
    "survey",
    "write_private",
]
