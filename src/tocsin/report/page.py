"""The report page: one HTML file that needs no network and no script."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from tocsin.evaluations.scoring import holds_cells
from tocsin.report import clean, pictures, words
from tocsin.report.attacked import attacked, compared
from tocsin.report.compliance import compliance
from tocsin.report.examples import examples
from tocsin.report.findings import findings, status
from tocsin.report.judge_boxes import judge_boxes
from tocsin.report.languages import spoken, tables_of
from tocsin.report.messages import Speaker, made
from tocsin.report.overview import overview
from tocsin.report.provenance import provenance
from tocsin.report.rejudged import rejudged
from tocsin.report.review import ForPeople, for_people
from tocsin.report.rows import breakdowns, refusal_tables, scores
from tocsin.report.spent import Spent, spent
from tocsin.report.templating import environment
from tocsin.report.unmeasured import data_gaps, gaps, not_assessed, withheld, without

MAX_BYTES = 3_000_000
"""A page is smaller than this: what does not fit is left out, and the page says so."""


_LEAST = 3
"""Rows of a table of languages that are shown however many tables there are."""


_HEADLINES = 24
"""Headline scores, over all models."""


class Detail(msgspec.Struct, frozen=True):
    """How much a page shows."""

    scores: int
    """Rows of scores, over all models."""
    tables: int
    """Breakdowns, over all models."""
    parts: int
    """Rows of a breakdown."""
    each: int
    """Examples of each outcome of each figure."""
    examples: int
    """Examples altogether."""
    languages: int
    """Rows of the tables of languages, over all models."""
    clauses: int
    """Clauses, over all models and frameworks."""
    cells: int
    """Places of records of each kind of evidence for a clause."""
    profiles: int
    """Profiles that are drawn."""
    pictures: int = pictures.MOST_BYTES
    """Bytes of all images."""


_DETAILS = (
    Detail(600, 200, 25, 2, 240, 600, 600, 200, 12),
    Detail(600, 120, 10, 2, 120, 400, 400, 40, 8),
    Detail(300, 60, 5, 1, 60, 200, 200, 0, 4, pictures.MOST_BYTES // 2),
    Detail(100, 20, 3, 1, 10, 60, 60, 0, 1, pictures.MOST_BYTES // 4),
)


def write_html(
    db: sqlite3.Connection,
    manifest: dict[str, Any],
    summary: dict[str, Any],
    *,
    reveal: bool = False,
    comparison: dict[str, Any] | None = None,
    folder: Path | None = None,
    language: str = "en",
) -> str:
    """The report of a run as one HTML page.

    Args:
        db: The run's journal; examples are read from it.
        manifest: The run's manifest.
        summary: Its summary, as `tocsin.results.summary.summarise` makes it.
        reveal: Whether the examples show prompts, answers and small blurred copies of images, which may be harmful. What
            the filter withheld is shown in no case.
        comparison: Of a rejudged run, how its judge compares with the one before.
        folder: The run's folder, where its images are; without it the page shows none.
        language: What the page speaks, one of `tocsin.report.messages.LANGUAGES`.

    Returns:
        The page, smaller than `MAX_BYTES` in UTF-8. A run with very many figures or very long texts gets fewer rows and
        examples; the page says where.
    """
    page = ""
    gallery = pictures.Gallery(None)
    if reveal:
        seeing = {one["identity"] for one in manifest["judges"].values() if one.get("sees", "text") != "text"}
        gallery = pictures.Gallery(folder, withheld=pictures.withheld(db), seeing=frozenset(seeing))
    people, cost = for_people(db, summary), spent(db, manifest)
    for detail in _DETAILS:
        gallery.start(detail.pictures)
        page = _render(db, manifest, summary, reveal, detail, comparison, gallery, people, language, cost)
        if len(page.encode("utf-8", "replace")) < MAX_BYTES:
            break
    return page


def _render(
    db: sqlite3.Connection,
    manifest: dict[str, Any],
    summary: dict[str, Any],
    reveal: bool,
    detail: Detail,
    comparison: dict[str, Any] | None,
    gallery: pictures.Gallery,
    people: tuple[list[ForPeople], int],
    language: str,
    cost: Spent | None,
) -> str:
    sessions = manifest["sessions"]
    models = [_model(model, number, detail, summary) for number, model in enumerate(summary["models"])]
    errors = sum(s["error"] for model in summary["models"] for s in model["scores"] if holds_cells(s))
    suite, missing = manifest["suite"], gaps(summary)
    headlines = max(4, _HEADLINES // max(1, len(models)))
    return environment(language).get_template("page.html").render(
        run=clean.name(manifest["run"]),
        suite=made(clean.name(suite["title"] or suite["name"])),
        suite_name=clean.name(suite["name"]),
        created=words.moment(manifest["created"]),
        ended=words.moment(sessions[-1].get("ended")) if sessions else "",
        reveal=reveal,
        demonstration=bool(summary["demonstration"]),
        status=status(manifest, summary),
        findings=findings(summary),
        people=people[0],
        more_people=people[1],
        left_to_people=sum(sum((model.get("review") or {}).values()) for model in summary["models"]),
        judges=judge_boxes(manifest, summary),
        rejudged=None if comparison is None else rejudged(comparison, most=detail.scores),
        models=models,
        comparisons=compared(summary.get("comparisons", ())),
        gaps=missing,
        overviews=[
            overview(
                manifest, summary, model, gap, most=headlines, speaker=Speaker(language), drawn=number < detail.profiles
            )
            for number, (model, gap) in enumerate(zip(summary["models"], missing, strict=True))
        ],
        spent=cost,
        data_gaps=data_gaps(manifest, summary),
        without=without(summary),
        not_assessed=not_assessed(manifest),
        withheld=withheld(summary),
        examples=examples(
            db, summary, reveal=reveal, each=detail.each, most=detail.examples, gallery=gallery
        ),
        images_left_out=gallery.left_out,
        provenance=provenance(manifest, errors=errors),
        text_limit=clean.TEXT,
        version=clean.name(manifest["versions"].get("tocsin", "")),
    )  # fmt: skip


def _model(model: dict[str, Any], number: int, detail: Detail, summary: dict[str, Any]) -> dict[str, Any]:
    """What the sections say of one model, which has its share of the page."""
    models = len(summary["models"])
    share = models * max(1, tables_of(model))
    rows, tables = max(1, detail.scores // models), max(1, detail.tables // models)
    main, over = scores(model, over_refusal=False), scores(model, over_refusal=True)
    parts = breakdowns(model, over_refusal=False, most=detail.parts)
    over_parts = breakdowns(model, over_refusal=True, most=detail.parts)
    crossed = refusal_tables(model)
    clauses = max(1, detail.clauses // models // max(1, len(model.get("compliance") or ())))
    return {
        "name": clean.name(model["model"]),
        "target": number,
        "compliance": compliance(model, clauses=clauses, cells=detail.cells),
        "attacked": attacked(model, detail.parts),
        "spoken": spoken(
            model,
            summary.get("translations") or {},
            most=max(_LEAST, detail.languages // share),
            hazards=max(_LEAST, min(detail.parts, detail.languages // (4 * share))),
            tables=tables,
        ),
        "scores": main[:rows],
        "more_scores": max(0, len(main) - rows),
        "over_refusal": over[:rows],
        "more_over_refusal": max(0, len(over) - rows),
        "breakdowns": parts[:tables],
        "more_breakdowns": max(0, len(parts) - tables),
        "over_breakdowns": over_parts[:tables],
        "more_over_breakdowns": max(0, len(over_parts) - tables),
        "refusal_tables": crossed[:rows],
        "more_refusal_tables": max(0, len(crossed) - rows),
    }
