"""A journal of a million records, and what it costs to report on it: seconds and peak memory, each part a process of its own.

    python -m perf.million RUN_FOLDER [--records 1000000] [--folder DIR]

A real run is repeated: its cases, cells, calls and records, with new ids and new case names, until there are as many records
as are asked for. So the mix of evaluations, attacks, languages, outcomes and lengths is that of the run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tocsin.journal.folder import JOURNAL, MANIFEST

PARTS = {
    "summary.json": "from tocsin.api import write_results as w; w(run, m, report=False)",
    "report": "from tocsin.api import write_results as w; w(run, m)",
}
_FRAME = (
    "import resource, sys, time; from pathlib import Path; from tocsin.journal import read_manifest;"
    " run = Path(sys.argv[1]); m = read_manifest(run); begin = time.perf_counter(); {body};"
    " used = resource.getrusage(resource.RUSAGE_SELF);"
    " print(time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)"
)


def multiply(seed: Path, folder: Path, records: int) -> int:
    """Makes a run folder whose journal repeats that of another.

    Args:
        seed: A finished run's folder.
        folder: The new folder; it must not be there.
        records: Records to have at least.

    Returns:
        Records that it has.
    """
    folder.mkdir(mode=0o700)
    manifest = json.loads((seed / MANIFEST).read_text(encoding="utf-8"))
    shutil.copy(seed / JOURNAL, folder / JOURNAL)
    db = sqlite3.connect(folder / JOURNAL, isolation_level=None)
    db.execute("PRAGMA journal_mode=OFF")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("DROP INDEX IF EXISTS calls_by_key")
    size = {table: db.execute(f"SELECT max({column}) FROM {table}").fetchone()[0] or 0
            for table, column in (("cases", "id"), ("cells", "id"), ("calls", "id"))}  # fmt: skip
    (have,) = db.execute("SELECT count(*) FROM records").fetchone()
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    copies = -(-records // have) - 1
    db.execute("BEGIN")
    for k in range(1, copies + 1):
        case, cell, call = (k * size[name] for name in ("cases", "cells", "calls"))
        plan = "target, evaluation"
        call_tail = (
            "attempt, cell + {cell}, branch, ordinal, role, request, answer, error, detail, tries, latency, cost, at"
        )
        verdict = "outcome, refused, blocked, truncated, invalid, controversial, score, choice, reason, detail, judge"
        case_tail = "wanted, stopped, detail, body"
        for table, columns in (
            ("cases", f"id + {case}, benchmark, case_id || '~{k}', hazard, language, cluster || '~{k}', {case_tail}"),
            ("cells", f"id + {cell}, {plan}, case_ref + {case}, attack, repeat, judge"),
            ("calls", f"id + {call}, CAST(key || '{k}' AS BLOB), {call_tail.format(cell=cell)}"),
            ("records", f"cell + {cell}, attempt, call + {call}, {verdict}"),
            ("tongues", f"cell + {cell}, attempt, language"),
            ("readings", f"cell + {cell}, attempt, text"),
        ):
            if table in tables:
                key = "cell" if table in ("records", "tongues", "readings") else "id"
                most = size["cells"] if key == "cell" else size[table]
                db.execute(f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE {key} <= {most}")
    db.execute("COMMIT")
    db.execute("PRAGMA journal_mode=WAL")
    (total,) = db.execute("SELECT count(*) FROM records").fetchone()
    (cells,) = db.execute("SELECT count(*) FROM cells").fetchone()
    db.close()
    manifest |= {"run": folder.name, "cells": cells}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return int(total)


def main() -> None:
    """Makes the journal if it is not there, and measures each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=Path)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tocsin-million"))
    given = parser.parse_args()
    if not given.folder.exists():
        begin = time.perf_counter()
        total = multiply(given.seed, given.folder, given.records)
        print(f"made {total:,} records in {time.perf_counter() - begin:.0f} s")
    size = (given.folder / JOURNAL).stat().st_size
    print(f"journal {size / 1e6:,.0f} MB")
    print(f"{'part':<14}{'wall s':>8}{'CPU s':>8}{'peak RSS MB':>13}")
    for part, body in PARTS.items():
        command = [sys.executable, "-c", _FRAME.format(body=body), str(given.folder)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        wall, cpu, peak = map(float, told[-3:])
        print(f"{part:<14}{wall:>8.1f}{cpu:>8.1f}{peak / 1e6:>13.0f}")


if __name__ == "__main__":
    main()
