"""Clusters that share a draw, and so are one."""

from __future__ import annotations

import sqlite3

from tocsin.engine.stopping import Cluster


def shared_draws(db: sqlite3.Connection, records: str) -> dict[Cluster, Cluster]:
    """Clusters that share an answer (two cases with one prompt at temperature 0) are one: cluster → that one.

    Args:
        db: A journal.
        records: The table or view of the records that count.
    """
    rows = db.execute(
        f"SELECT r.call, s.benchmark, s.cluster FROM {records} r JOIN cells c ON c.id = r.cell"
        " JOIN cases s ON s.id = c.case_ref WHERE r.call IN"
        f" (SELECT call FROM {records} WHERE call IS NOT NULL GROUP BY call HAVING count(*) > 1)"
    )
    parent: dict[Cluster, Cluster] = {}

    def root(name: Cluster) -> Cluster:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first: dict[int, Cluster] = {}
    for call, *cluster in rows:
        name = (cluster[0], cluster[1])
        parent[root(name)] = root(first.setdefault(call, name))
    return {name: root(name) for name in list(parent)}
