"""The journal's tables. A change here raises `VERSION` and brings a migration with it."""

from __future__ import annotations

VERSION = 1

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- What is asked; `wanted` is the kind of its safe answer, empty where no case came of the row. A row that could not
-- become a case, or that was withheld, has its reason in `stopped`, and no body.
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    benchmark TEXT NOT NULL,
    case_id TEXT NOT NULL,
    hazard TEXT NOT NULL,
    language TEXT NOT NULL,
    cluster TEXT NOT NULL,
    wanted TEXT NOT NULL,
    stopped TEXT,
    detail TEXT,
    body BLOB,
    UNIQUE (benchmark, case_id)
);

-- The plan: id is the place in the seeded random order.
CREATE TABLE cells (
    id INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    evaluation TEXT NOT NULL,
    case_ref INTEGER NOT NULL REFERENCES cases (id),
    attack TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    judge TEXT NOT NULL
);

-- One row a call, committed before its answer is used. An answer or an error, never both.
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    cell INTEGER,
    branch TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    role TEXT NOT NULL,
    request BLOB NOT NULL,
    answer BLOB,
    error TEXT,
    detail TEXT,
    tries INTEGER NOT NULL,
    latency REAL NOT NULL,
    cost REAL,
    at REAL NOT NULL
);

-- What a run decided from more than one cell's answers, committed before it took effect.
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    body BLOB NOT NULL
);

-- One row a finished attempt at a cell. The latest attempt counts; the earlier ones stay.
CREATE TABLE records (
    cell INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    call INTEGER,
    outcome TEXT NOT NULL,
    refused INTEGER,
    blocked INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    controversial INTEGER NOT NULL,
    score REAL,
    choice TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    judge TEXT NOT NULL,
    PRIMARY KEY (cell, attempt)
) WITHOUT ROWID;

CREATE VIEW latest AS
SELECT r.* FROM records r
WHERE r.attempt = (SELECT max(attempt) FROM records WHERE cell = r.cell);
"""

REASONING = """
CREATE TABLE IF NOT EXISTS reasoning (
    cell INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    refused INTEGER,
    score REAL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    judge TEXT NOT NULL,
    PRIMARY KEY (cell, attempt)
) WITHOUT ROWID;
"""
"""Verdicts on the reasoning that answers show, one a record at most. It came after the first version's tables and changes none of
them: a journal that was made before gets it when a run goes on with it, and who only reads takes its absence for no verdict."""

TRANSLATED = REASONING.replace("EXISTS reasoning", "EXISTS translated")
"""Verdicts on answers that were translated to be judged a second time, one a record at most. As `REASONING`, it came later."""

TONGUES = """
CREATE TABLE IF NOT EXISTS tongues (
    cell INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    language TEXT NOT NULL,
    PRIMARY KEY (cell, attempt)
) WITHOUT ROWID;
"""
"""The language of answers, where it was looked at and could be told. As `REASONING`, it came later."""

READINGS = """
CREATE TABLE IF NOT EXISTS readings (
    cell INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (cell, attempt)
) WITHOUT ROWID;
"""
"""What the judge read where an attack decoded, translated or recombined the answer. As `REASONING`, it came later."""

INDEX = "CREATE UNIQUE INDEX IF NOT EXISTS calls_by_key ON calls (key, attempt)"
"""Finds calls by their key. It is made when a call is first looked for, and at the end: keys are hashes, so that each new
one changes a page of its own, and keeping the index up to date cost half of a commit's CPU."""

CLUSTERS = "CREATE INDEX IF NOT EXISTS cases_by_cluster ON cases (benchmark, cluster)"
"""Finds a request in another language. It is made with the plan, in one go; without it each look-up reads the whole benchmark."""

BEFORE = """
CREATE TABLE before (
    cell INTEGER PRIMARY KEY,
    attempt INTEGER NOT NULL,
    call INTEGER,
    outcome TEXT NOT NULL,
    refused INTEGER,
    blocked INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    controversial INTEGER NOT NULL,
    score REAL,
    choice TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    judge TEXT NOT NULL
);
"""
"""Only in the journal of a rejudged run: the records that counted in the run whose answers it has, one a cell. The columns
are those of `records`."""

COPIED = "copied"
"""The key in `meta` under which a rejudged run keeps the id of the last call that it was given and did not make."""

INSERT_CALL = "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
INSERT_RECORD = "INSERT INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
INSERT_REASONING = "INSERT INTO reasoning VALUES (?,?,?,?,?,?,?,?)"
INSERT_TRANSLATED = "INSERT INTO translated VALUES (?,?,?,?,?,?,?,?)"
INSERT_TONGUE = "INSERT INTO tongues VALUES (?,?,?)"
INSERT_READING = "INSERT INTO readings VALUES (?,?,?)"
INSERT_DECISION = "INSERT INTO decisions VALUES (?,?,?)"
