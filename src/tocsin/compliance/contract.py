"""What a framework is made of: clauses, and which cases are evidence for each."""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

import msgspec

from tocsin import registry

Status = Literal["verified", "secondary"]
"""How a clause was checked: against the official text, or against a secondary source or from memory alone."""
FrameworkKind = Literal["law", "standard", "guideline", "principles", "taxonomy"]
LEVEL = " -> "
"""What stands between the levels of a dimension."""


class Clause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One clause of a framework.

    Attributes:
        id: Unique within the framework.
        ref: The official number as it is cited; where there is none, the official name.
        title: What it is about.
        text: What it asks for, in our own words.
        status: How it was checked.
        group: The heading it stands under, if any.
        hazards: Canonical hazards whose cases are related evidence.
        dimensions: Dimensions of items that were written for it, with all below them.
        attacks: Families of attacks whose cells are related evidence.
        testable: Whether any test of outputs could say something about it.
        why: Why not, where it is not.
    """

    id: str
    ref: str
    title: str
    text: str
    status: Status
    group: str = ""
    hazards: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    attacks: tuple[str, ...] = ()
    testable: bool = True
    why: str = ""


class Framework(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A regulation, a standard or a taxonomy as versioned data.

    Attributes:
        name: How suites and the command line call it.
        title: Its official name, and in English.
        jurisdiction: Where it holds.
        kind: What it is.
        version: The version of the official text, as its authority counts.
        date: When that version was published: ISO 8601, as exact as it is known (``2024-07-26``, ``2024-09``, ``2024``).
        source: Link to the official text.
        status: How the list of clauses was checked.
        clauses: At least one, in the order of the text.
        in_force: The day it began to apply, written likewise; None where it binds nobody.
        notes: Known gaps, and what was decided here.
    """

    name: str
    title: str
    jurisdiction: str
    kind: FrameworkKind
    version: str
    date: str
    source: str
    status: Status
    clauses: tuple[Clause, ...]
    in_force: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """``name@`` and eight hexadecimal digits over all it says: another mapping is another framework."""
        return f"{self.name}@{blake2b(msgspec.json.encode(self, order='deterministic'), digest_size=4).hexdigest()}"

    def clause(self, clause_id: str) -> Clause | None:
        """The clause of that id."""
        return next((clause for clause in self.clauses if clause.id == clause_id), None)

    def clause_of(self, dimension: str) -> Clause | None:
        """The clause that an item of this dimension was written for: the one that names most of its levels.

        ``A -> B`` belongs to the clause that names ``A -> B``, else to the one that names ``A``; None where no clause does.
        """
        levels = dimension.split(LEVEL)
        owners = {named: clause for clause in self.clauses for named in clause.dimensions}
        names = (LEVEL.join(levels[:count]) for count in range(len(levels), 0, -1))
        return next((owners[name] for name in names if name in owners), None)

    def clauses_about(self, hazard: str) -> tuple[Clause, ...]:
        """The clauses for which cases of a canonical hazard are related evidence."""
        return tuple(clause for clause in self.clauses if hazard in clause.hazards)

    def clauses_met_by(self, family: str) -> tuple[Clause, ...]:
        """The clauses for which cells of a family of attacks are related evidence."""
        return tuple(clause for clause in self.clauses if family in clause.attacks)

    def about(self) -> registry.About:
        """For listings."""
        return registry.About(
            name=self.name,
            title=self.title,
            source=self.source,
            licence="Apache-2.0",
            tags={
                "kind": self.kind,
                "version": self.version,
                "date": self.date,
                "clauses": str(len(self.clauses)),
                "status": self.status,
            },
        )
