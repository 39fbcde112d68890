"""What datasets say of themselves that could not be looked at from here. For `Dataset.notes`."""

from __future__ import annotations

NO_REVISION = (
    "No revision is pinned: none could be looked up from here, so the files are those of the day they are"
    " fetched. What a run read is"
    " in its manifest."
)
NO_SHA256 = "No sha256 is pinned: none was computed from the origin's bytes. What a run read is in its manifest."
READING_CODE = "The columns are those that published reading code expects; no row of it was seen here."
