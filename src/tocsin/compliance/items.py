"""Item sets beside their framework: whether each rule's clause is there, and which clauses have no rule.

The format itself, and how items become cases, are in `tocsin.benchmarks.items` and `tocsin.benchmarks.item_cases`.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from tocsin.benchmarks.item_cases import item_benchmark
from tocsin.benchmarks.items import Fault, Item, ItemSet, Rule, framework_file, located, read_items, write_items
from tocsin.compliance.framework import find

__all__ = [
    "Item",
    "ItemSet",
    "Rule",
    "check_clauses",
    "clause_ids",
    "gaps",
    "item_benchmark",
    "read_checked",
    "read_items",
    "write_items",
]


def read_checked(path: Path) -> ItemSet:
    """The item set of a file, every rule of which is for a clause that its framework has.

    Raises:
        ConfigError: It cannot be used; the message says where and why.
        UnknownName: There is no framework of the name it says.
    """
    found = read_items(path)
    check_clauses(found, path)
    return found


def check_clauses(found: ItemSet, path: Path) -> None:
    """Raises `ConfigError` if a rule is for a clause that the framework does not have; the nearest is suggested."""
    known = clause_ids(found, path)
    faults = [
        Fault(
            ("rules", number, "clause"),
            f"framework {found.framework} has no clause {rule.clause!r}{_near(rule, known)}",
        )
        for number, rule in enumerate(found.rules)
        if rule.clause not in known
    ]
    if faults:
        raise located(path, faults)


def gaps(found: ItemSet, path: Path) -> list[str]:
    """The clauses for which the set has no item that a person reviewed: they are untested, which is no pass."""
    tested = {found.rule_of(item).clause for item in found.items if item.status == "reviewed"}
    return [clause for clause in clause_ids(found, path) if clause not in tested]


def clause_ids(found: ItemSet, path: Path) -> list[str]:
    """The ids of the clauses of a set's framework, in their order.

    Raises:
        ConfigError: The framework's file cannot be used.
        UnknownName: There is no framework of that name.
    """
    beside = framework_file(found, path)
    return [clause.id for clause in find(found.framework if beside is None else str(beside)).clauses]


def _near(rule: Rule, known: list[str]) -> str:
    near = difflib.get_close_matches(rule.clause, known, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else f" (it has: {', '.join(known[:12])})"
