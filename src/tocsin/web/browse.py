"""The list of records: filters, search, counts, pages; and the same as a fragment that follows a run while it is going."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.report import clean, words
from tocsin.web import blind, record
from tocsin.web.columns import FLAGS
from tocsin.web.filters import FACETS, ORDERS, RANGES, RUN, Filters, read, small
from tocsin.web.listing import PAGE, Hit, Listed
from tocsin.web.reading import in_pieces
from tocsin.web.state import State, session_of
from tocsin.web.words_index import COLUMNS

_SHOWN = 8
"""Values of a filter that are shown before one asks for the others."""
_MOST = 400
"""Values of a filter that are shown at all: a search or another filter finds the rest."""


class Value(msgspec.Struct, frozen=True):
    """A value of a filter, as the page shows it."""

    said: str
    count: int
    on: bool
    address: str


class Facet(msgspec.Struct, frozen=True):
    """A filter, as the page shows it."""

    name: str
    title: str
    first: list[Value]
    others: list[Value]
    left_out: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A record, as the list shows it: no text of it, only lengths."""

    address: str
    run: str
    case_id: str
    benchmark: str
    hazard: str
    model: str
    evaluation: str
    attack: str
    language: str
    outcome: str
    reason: str
    flags: list[str]
    judge: str
    judge_hash: str
    score: str
    asked: str
    answered: str
    tokens: str
    cost: str
    latency: str
    calls: int
    repeat: int
    attempt: int
    revealed: bool


def routes(state: State) -> list[Route]:
    """The viewer's own pages."""

    def listing(request: Request, template: str) -> Response:
        filters = read(request.query_params.multi_items())
        mark = _mark(state, request)
        if request.headers.get("if-none-match") == mark:
            return Response(status_code=304, headers={"etag": mark})
        listed = state.lists.page(filters)
        runs = _runs(state)
        reply = state.render(
            request,
            template,
            filters=filters,
            listed=listed,
            lines=_lines(state, request, filters, listed.hits),
            facets=_facets(state, filters, listed),
            chips=_chips(state, filters),
            runs=runs,
            searching=[(name, title) for name, title in COLUMNS.items()],
            ranges=RANGES,
            orders=ORDERS,
            going=any(run["going"] for run in runs),
            unsearched=sum(index.columns.count - index.text for index in state.indexes.values()),
            page_size=PAGE,
            live=filters.address("/live"),
            kept=[pair for pair in filters.pairs(place=False) if pair[0] in FACETS],
        )
        reply.headers["etag"] = mark
        return reply

    def home(request: Request) -> Response:
        return listing(request, "list.html")

    def live(request: Request) -> Response:
        return listing(request, "listing.html")

    return blind.kept_from_annotators(state, [Route("/", home), Route("/live", live), *record.routes(state)])


def _mark(state: State, request: Request) -> str:
    """What changes when the page does."""
    revealed = len(session_of(request).revealed)
    told = [run.manifest.get("status") for run in state.runs.values()]
    text = f"{state.lists.version}{revealed}{told}{request.url.path}{request.url.query}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'


def said(state: State, name: str, value: str) -> str:
    """A value of a filter in words."""
    if name == RUN:
        return state.runs[value].name if value in state.runs else value
    if name == "language":
        return words.language(value)
    if name in ("reason", "error"):
        return words.reason(value)
    if name == "attempt":
        number = small(value)
        return value if number is None else "first" if number == 0 else f"attempt {number + 1}"
    if name == "repeat":
        number = small(value)
        return value if number is None else str(number + 1)
    if name == "judge" and not value:
        return "none needed"
    return value or "not given"


def _facets(state: State, filters: Filters, listed: Listed) -> list[Facet]:
    found = []
    for name, title in FACETS.items():
        on = filters.values.get(name, ())
        counts = {value: count for value, count in listed.facets[name].items() if count or value in on}
        if name in ("reason", "error"):
            counts.pop("", None)
        counts |= {value: 0 for value in on if value not in counts}
        needed = 1 if name in ("outcome", "reason", "error", "flag") else 2
        if len(counts) < needed and not on:
            continue
        ordered = sorted(counts, key=lambda value: (value not in on, -counts[value], value))
        values = [
            Value(
                clean.name(said(state, name, value), most=60),
                counts[value],
                value in on,
                filters.toggled(name, value).address(),
            )
            for value in ordered[:_MOST]
        ]
        first = max(_SHOWN, len(on))
        first = len(values) if len(values) <= first + 2 else first
        found.append(Facet(name, title, values[:first], values[first:], len(ordered) - len(values)))
    return found


def _chips(state: State, filters: Filters) -> list[tuple[str, str]]:
    """What is set, in words, each with the address that takes it away."""
    found = []
    for name, values in filters.values.items():
        for value in values:
            text = f"{FACETS[name]}: {clean.name(said(state, name, value), most=60)}"
            found.append((text, filters.toggled(name, value).address()))
    for name, (low, high) in filters.ranges.items():
        ends = (
            f"{low:g} to {high:g}"
            if low is not None and high is not None
            else f"from {low:g}"
            if low is not None
            else f"to {high:g}"
        )
        found.append((f"{RANGES[name]}: {ends}", filters.without(name).address()))
    if filters.search:
        where = f" in {COLUMNS[filters.where]}" if filters.where else ""
        found.append((f"Search{where}: {clean.name(filters.search, most=60)}", filters.without("q").address()))
    return found


def _runs(state: State) -> list[dict[str, Any]]:
    found = []
    for run in state.runs.values():
        index = state.indexes[run.key]
        status = str(run.manifest.get("status"))
        there = index.current
        found.append(
            {
                "name": run.name,
                "status": {"complete": "complete", "running": "going on", "partial": "stopped early"}.get(
                    status, clean.name(status)
                ),
                "there": there,
                "planned": index.planned,
                "whole": there >= index.planned,
                "going": status == "running" or not index.done,
            }
        )
    return found


def _lines(state: State, request: Request, filters: Filters, hits: Sequence[Hit]) -> list[Line]:
    revealed = session_of(request).revealed
    runs = list(state.runs.values())
    cells = {run.key: [] for run in runs}  # type: dict[str, list[int]]
    for hit in hits:
        index = state.indexes[runs[hit.run].key]
        cells[index.run.key].append(int(index.columns.view()["cell"][hit.row]))
    ids: dict[tuple[str, int], str] = {}
    for run in runs:
        if not cells[run.key]:
            continue
        with run.journal() as db:
            for marks, piece in in_pieces(cells[run.key]):
                query = f"SELECT c.id, s.case_id FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.id IN ({marks})"
                ids |= {(run.key, cell): case_id for cell, case_id in db.execute(query, piece)}
    return [_line(state, filters, hit, ids, revealed) for hit in hits]


def _line(
    state: State, filters: Filters, hit: Hit, ids: dict[tuple[str, int], str], revealed: set[tuple[str, int]]
) -> Line:
    run = list(state.runs.values())[hit.run]
    columns = state.indexes[run.key].columns
    view = columns.view()

    def text(name: str, *, most: int = 60) -> str:
        return clean.name(said(state, name, columns.codes[name].texts[view[name][hit.row]]), most=most)

    cell, flags = int(view["cell"][hit.row]), int(view["flags"][hit.row])
    numbers = {name: float(view[name][hit.row]) for name in RANGES}
    told = [flag for bit, flag in enumerate(FLAGS) if flags >> bit & 1]
    told += ["refused"] if text("refused") == "yes" else []
    reason = (
        columns.codes["reason"].texts[view["reason"][hit.row]] or columns.codes["error"].texts[view["error"][hit.row]]
    )
    judge, _, version = text("judge").partition("@")
    return Line(
        address=filters.address(f"/r/{run.key}/{cell}"),
        run=run.name,
        case_id=clean.name(ids.get((run.key, cell), "?"), most=60),
        benchmark=text("benchmark"),
        hazard=text("hazard"),
        model=text("model"),
        evaluation=text("evaluation"),
        attack=text("attack"),
        language=text("language", most=30),
        outcome=columns.codes["outcome"].texts[view["outcome"][hit.row]],
        reason=clean.name(words.reason(reason)) if reason else "",
        flags=told,
        judge=judge,
        judge_hash=version and f"@{version}",
        score=f"{numbers['score']:.2f}" if numbers["score"] >= 0 else "",
        asked=length(numbers["asked"]),
        answered=length(numbers["answered"]),
        tokens=f"{int(numbers['tokens']):,}" if numbers["tokens"] > 0 else "",
        cost=f"${numbers['cost']:.4f}" if numbers["cost"] >= 0 else "",
        latency=f"{numbers['latency']:.2f} s" if numbers["latency"] >= 0 else "",
        calls=int(numbers["calls"]),
        repeat=int(view["repeat"][hit.row]),
        attempt=int(view["attempt"][hit.row]),
        revealed=(run.key, cell) in revealed,
    )


def length(characters: float) -> str:
    """A length in characters; empty where there is no text."""
    return f"{int(characters):,}" if characters >= 0 else ""
