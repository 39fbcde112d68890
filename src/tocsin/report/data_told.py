"""Where the cases of a benchmark came from: data, files, checksums, and which of them were asked."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.report import clean
from tocsin.report.messages import joined, made, message, messages

SHORT = 12
"""Digits of a checksum that are shown."""
_FILES = 40
_DRAWN = messages({"proportional": "each hazard by its share", "equal": "from each hazard the same number"})


class Sum(msgspec.Struct, frozen=True):
    """A checksum: its first digits for the eye, all of them for who wants to compare."""

    short: str
    full: str


class DataFile(msgspec.Struct, frozen=True):
    """One file of a dataset."""

    path: str
    sha256: Sum
    place: str
    pinned: bool


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark and its data."""

    name: str
    title: str
    version: str
    measures: str
    limit: str
    data: str
    origin: str
    revision: Sum
    licence: str
    notes: list[str]
    files: list[DataFile]
    more_files: int
    demonstration: bool


def _limit(about: dict[str, Any]) -> str:
    """Which cases were asked."""
    whole = (
        message("every case of the sample {sample}", sample=f"{about['sample']!r}")
        if about.get("sample")
        else message("every case")
    )
    if not about.get("limit"):
        return whole
    most = message("at most {limit} of {whole}", limit=f"{about['limit']:,}", whole=whole)
    return joined((most, _DRAWN.get(about.get("draw", ""), "")), ", ")


def _protocol(entry: dict[str, Any]) -> list[str]:
    """What the suite says of this benchmark alone."""
    told = [message("System prompt: {system}", system=entry["system"])] if entry.get("system") else []
    own = {name: value for name, value in (entry.get("sampling") or {}).items() if value not in (None, [], ())}
    if own:
        told.append(
            message("Sampling: {values}", values=joined((f"{name} {value}" for name, value in own.items()), ", "))
        )
    if entry.get("reconstruction"):
        told.append(message("Reconstruction: {reconstruction}", reconstruction=entry["reconstruction"]))
    return told


def source_of(name: str, about: dict[str, Any], entry: dict[str, Any] | None = None) -> Source:
    """One benchmark of the manifest and its data.

    Args:
        name: Its name.
        about: What the manifest says of it.
        entry: What the suite says of it alone, if anything.
    """
    data = about["dataset"]
    files = data.get("files", ())
    gate = message(" ({gate}, accepted)", gate=data["gate"]) if data.get("gate") else ""
    return Source(
        name=clean.name(name),
        title=clean.name(about["title"], most=300),
        version=str(about["version"]),
        measures=made(clean.name(about["measures"])),
        limit=_limit(about),
        data=clean.name(data["title"]),
        origin=clean.name(data["origin"]),
        revision=_sum(data["revision"]),
        licence=clean.name(message("{licence}{gate}", licence=data["licence"], gate=gate)),
        notes=[clean.name(note, most=400) for note in (*data.get("notes", ()), *_protocol(entry or {}))],
        files=[
            DataFile(clean.name(file["path"]), _sum(file["sha256"]), clean.name(file["from"]), bool(file["pinned"]))
            for file in files[:_FILES]
        ],
        more_files=max(0, len(files) - _FILES),
        demonstration=bool(about.get("demonstration")),
    )


def _sum(digest: object) -> Sum:
    full = clean.name(digest, most=80)
    return Sum(full[:SHORT] + "…" if len(full) > SHORT + 4 else full, full)
