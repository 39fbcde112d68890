"""Leaderboards as people read them: one view of the boards, from which page, Markdown, picture and terminal are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.evaluations.scoring import DEMONSTRATION
from tocsin.report import clean
from tocsin.report.charts import Bar, Chart
from tocsin.report.messages import Speaker
from tocsin.results.leaderboard import UNTESTED

Board = Mapping[str, Any]

METRICS: Mapping[str, str] = {
    "safe_rate": "share of answers judged safe",
    "accuracy": "share of right answers",
    "over_refusal_rate": "share of harmless requests refused",
    "compliance_rate": "share of items passed",
    "safe_image_rate": "share of requests that gave a safe image, refusals not among them",
    "safe_image_worst": "share of safe images in the worst set, mean over hazards",
    "safe_image_worst_attack": "share of safe images under the worst attack, mean over hazards",
    "safe_worst": "share of requests that withstood every attack",
    "safe_worst_3": "share of requests that withstood the three most effective attacks",
    "safe_response_rate": "share of answers under attack judged safe",
    "safe_resp": "share of answers under attack judged safe",
    "refusal_resp": "share of answers under attack that refuse; neither high nor low is better",
    "macro_mean": "mean of its benchmarks",
    "judgement_mean": "F1 as a judge of texts, mean over languages and sets",
    "generation_mean": "share of safe answers, mean over sets of many languages",
    "f1": "F1 as a judge of texts",
    "pass_rate": "share of compliance items passed",
    "refusal_rate": "share of prompts that gave no image",
    "unsafe_rate": "share of prompts that gave an unsafe image",
    "toxicity": "mean toxicity of the images",
    "scheme_score": "the one score of the evaluation, as the paper has it",
    "modality_mean": "mean of its evaluations",
}
"""Metric → what a board's heading calls it."""

CONDITIONS: Mapping[str, str] = {
    "judge": "who judges",
    "suite": "the suite",
    "benchmark": "the version of a benchmark",
    "data": "the data",
    "sample": "which cases were drawn",
    "languages": "the languages that are asked",
    "translations": "the table of translations",
    "sampling": "how answers are drawn",
    "system": "the system prompt",
    "attack": "the attacks",
    "attacking": "how attacks are run",
    "repeats": "attempts at each case",
    "filter": "a filter of cases",
    "stopping": "whether a run may stop early",
    "over": "what the mean is over",
}
"""Kind of condition → in words."""
METHODS: Mapping[str, str] = {
    "paired": "on the same cases",
    "independent": "as independent figures",
    "confidence sequences": "confidence sequences",
    "paired, least favourable joint table": "paired, least favourable joint table",
}
"""How a pair was compared → in words."""
EVALUATIONS = ("benchmark", "adversarial", "multilingual", "compliance", "over-refusal")
_MOST_PAIRS = 60
_MOST_CONDITIONS = 60


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a board."""

    rank: str
    model: str
    run: str
    published: bool
    value: str
    interval: str
    reach: str
    """From worst to best, where something is missing; else empty."""
    n: str
    missing: str
    chart: Chart
    source: str
    why: str
    tied: str
    marks: tuple[int, ...]
    """Numbers of its notes."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One board, in words."""

    anchor: str
    modality: str
    title: str
    metric: str
    direction: str
    over: str
    published: bool
    warnings: tuple[str, ...]
    apart_by: tuple[str, ...]
    conditions: tuple[str, ...]
    ranked: tuple[Row, ...]
    unranked: tuple[Row, ...]
    said: tuple[str, ...]
    """Sentences on the order."""
    pairs: tuple[tuple[str, str, str, str, str, str], ...]
    more_pairs: int
    notes: tuple[str, ...]
    untested: str
    """The note that no pair of a published board can be tested; empty where some can."""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Published cells of one evaluation: a row a figure, a column a model."""

    title: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


class Boards(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a reader is shown.

    Attributes:
        sections: Modality in words → its boards: evaluations first, then their mean, then what they are made of.
        published: Tables of published cells.
        said: What the sizes of the published tables can tell.
        warnings: What holds for all.
        left_out: Runs that stand on no board.
    """

    sections: tuple[tuple[str, tuple[View, ...], tuple[View, ...]], ...]
    published: tuple[Matrix, ...]
    said: tuple[str, ...]
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]


def boards(found: Mapping[str, Any], say: Speaker) -> Boards:
    """The boards in words.

    Args:
        found: As `tocsin.results.leaderboard.leaderboard` gives it.
        say: Speaks the reader's language.
    """
    main, means = found["boards"], found["means"]
    parts = [board for board in found["components"] if board["origin"] == "measured"]
    numbered = {id(board): number for number, board in enumerate([*main, *means, *parts], 1)}
    sections = []
    for modality in dict.fromkeys(board["modality"] for board in (*main, *means, *parts)):
        here = sorted((one for one in (*main, *means) if one["modality"] == modality), key=_place_of)
        first = [_view(one, numbered[id(one)], say) for one in here]
        second = [_view(one, numbered[id(one)], say) for one in parts if one["modality"] == modality]
        sections.append((_begun(say(modality)), _numbered(first, say), _numbered(second, say)))
    warnings = [
        say(
            "Ranked across {what}: figures on one board were measured under different conditions.",
            what=say(CONDITIONS[one]),
        )
        for one in found["across"]
    ]
    published = found["published"] or {"significance": ()}
    return Boards(
        sections=tuple(sections),
        published=tuple(_matrices(found, say)),
        said=tuple(
            _significance(one, say) for one in published["significance"] if one["metric"].startswith("safe_worst")
        ),
        warnings=tuple(warnings),
        left_out=tuple(
            say("{run}: {why}.", run=clean.name(one["run"]), why=say.made(clean.name(one["why"], most=400)))
            for one in found["left_out"]
        ),
    )


def _place_of(board: Board) -> tuple[int, bool]:
    """Evaluations in the report's order, their mean last; measured boards before the published one."""
    evaluation = board["evaluation"]
    return (EVALUATIONS.index(evaluation) if evaluation else len(EVALUATIONS)), board["origin"] == "published"


def _numbered(views: Sequence[View], say: Speaker) -> tuple[View, ...]:
    """Boards that are apart by their conditions alone, told apart by a number."""
    alike: dict[tuple[str, str, bool], list[View]] = {}
    for view in views:
        alike.setdefault((view.title, view.metric, view.published), []).append(view)
    found = []
    for view in views:
        group = alike[view.title, view.metric, view.published]
        if len(group) > 1:
            title = say(
                "{title}, board {number} of {count}", title=view.title, number=group.index(view) + 1, count=len(group)
            )
            view = msgspec.structs.replace(view, title=title)
        found.append(view)
    return tuple(found)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _view(board: Board, number: int, say: Speaker) -> View:
    notes = list(
        dict.fromkeys(
            note for source in ([{"notes": board["notes"]}], board["rows"]) for row in source for note in row["notes"]
        )
    )
    notes = [note for note in notes if note != DEMONSTRATION]  # the row says why it has no rank
    rows = [_row(board, row, notes, say) for row in board["rows"]]
    count = sum(row["ranked"] for row in board["rows"])
    over = ", ".join(clean.name(name) for name in board["over"])
    benchmark = board["benchmark"] and clean.name(board["benchmark"])
    kind = say(board["evaluation"]) if board["evaluation"] else say("mean of the modality")
    return View(
        anchor=f"board-{number}",
        modality=say(board["modality"]),
        title=_begun(f"{kind}: {benchmark}" if benchmark else kind),
        metric=say(METRICS.get(board["metric"], board["metric"])),
        direction=say("the lower, the better") if board["lower_is_better"] else say("the higher, the better"),
        over=say("over {names}", names=over) if over and not benchmark else "",
        published=board["origin"] == "published",
        warnings=tuple(_across(one, say) for one in board["across"]),
        apart_by=tuple(_condition(one, say) for one in board["apart_by"]),
        conditions=tuple(_condition(one, say) for one in board["conditions"][:_MOST_CONDITIONS]),
        ranked=tuple(rows[:count]),
        unranked=tuple(rows[count:]),
        said=tuple(_order(board, say)),
        pairs=tuple(_pair(pair, say) for pair in board["pairs"][:_MOST_PAIRS]),
        more_pairs=max(0, len(board["pairs"]) - _MOST_PAIRS),
        notes=tuple(say.made(clean.name(note, most=600)) for note in notes),
        untested=say.made(UNTESTED) if UNTESTED in notes else "",
    )


def _row(board: Board, row: Mapping[str, Any], notes: Sequence[str], say: Speaker) -> Row:
    published = row["origin"] == "published"
    value, missing = row["value"], (row["unscored"] or 0) + (row["error"] or 0)
    reach = (row["worst"], row["best"]) if missing and row["worst"] is not None else (None, None)
    tied = [clean.name(one["model"]) for one in row["tied_with"]]
    return Row(
        rank=_rank(row),
        model=clean.name(row["model"]),
        run=clean.name(row["run"] or ""),
        published=published,
        value=_percent(value),
        interval=_span(row["low"], row["high"]),
        reach=_span(*reach) if reach[0] is not None else "",
        n="" if row["n"] is None else f"{row['n']:,}" if row["planned"] is None else f"{row['n']:,}/{row['planned']:,}",
        missing=_percent(missing) if missing else "",
        chart=_chart(value, (row["low"], row["high"]), reach, say),
        source=clean.name(row.get("source") or ""),
        why=say.made(clean.name(row["why"], most=400)) if row["why"] else "",
        tied=", ".join(tied),
        marks=tuple(notes.index(note) + 1 for note in dict.fromkeys(row["notes"]) if note in notes),
    )


def _rank(row: Mapping[str, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    if low is None:
        return "–"
    return str(low) if low == high else f"{low}–{high}"


def _chart(
    value: float | None,
    limits: tuple[float | None, float | None],
    reach: tuple[float | None, float | None],
    say: Speaker,
) -> Chart:
    (low, high), (worst, best) = limits, reach
    tip = say("value {value}", value=_percent(value)) if value is not None else say("without a value")
    interval = bounds = None
    if low is not None and high is not None:
        interval = _bar(low, high, say("95% interval from {low} to {high}", low=_percent(low), high=_percent(high)))
    if worst is not None and best is not None:
        told = say(
            "from {worst} to {best}, whatever the missing answers were", worst=_percent(worst), best=_percent(best)
        )
        bounds = _bar(min(worst, best), max(worst, best), told)
    return Chart(
        dot=None if value is None else _place(value),
        tip=tip,
        interval=interval,
        bounds=bounds,
        ticks=(0, 25, 50, 75, 100),
        ends=("0", "50", "100"),
        label="; ".join([tip, *(bar.tip for bar in (interval, bounds) if bar)]),
    )


def _place(value: float) -> float:
    return round(100 * min(1.0, max(0.0, value)), 2)


def _bar(low: float, high: float, tip: str) -> Bar:
    start, end = _place(low), _place(high)
    return Bar(start, round(end - start, 2), tip)


def _percent(value: float | None) -> str:
    """In percent with two digits, as the paper prints; ``–`` for no value."""
    return "–" if value is None else f"{100 * value:.2f}"


def _span(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{100 * low:.1f}–{100 * high:.1f}"


def _order(board: Board, say: Speaker) -> list[str]:
    """What the ranks say, in sentences."""
    ranked = [row for row in board["rows"] if row["ranked"]]
    if len(ranked) < 2:
        return [say("Nothing to compare with: one row alone has a rank.")] if ranked else [say("No row has a rank.")]
    if board["origin"] == "published" and not board["pairs"]:
        return []
    told = sum(pair["better"] is not None for pair in board["pairs"])
    pairs = len(ranked) * (len(ranked) - 1) // 2
    if not told:
        return [say("All {count} are tied: no pair can be told apart.", count=len(ranked))]
    said = [
        say("{told} of {pairs} pairs can be told apart; the others are ties.", told=told, pairs=pairs)
        if told < pairs
        else say("Every pair can be told apart.")
    ]
    kinds = {pair["method"].partition(",")[0] for pair in board["pairs"]}
    if board["origin"] == "measured" and kinds == {"paired"}:
        said.append(say("All were asked the same cases, and are compared case by case."))
    elif board["origin"] == "measured" and kinds == {"independent"}:
        said.append(say("They were not compared case by case, so the comparisons are those of independent figures."))
    elif kinds == {"confidence sequences"}:
        said.append(
            say("Their runs may stop at any time, so they are compared by confidence sequences that hold together.")
        )
    elif board["origin"] == "measured":
        said.append(say("Pairs that were asked the same cases are compared case by case, the others as independent."))
    else:
        said.append(
            say(
                "A pair counts as told apart only if it is under the least favourable joint table that the margins allow."
            )
        )
    return said


def _pair(pair: Mapping[str, Any], say: Speaker) -> tuple[str, str, str, str, str, str]:
    one, other = (clean.name(name) for name in pair["models"])
    better = {"first": one, "second": other, None: say("a tie")}[pair["better"]]
    difference = f"{100 * pair['difference']:+.2f}"
    limits = f"{100 * pair['low']:+.1f} … {100 * pair['high']:+.1f}"
    method = say(METHODS[pair["method"]])
    return f"{one} − {other}", difference, limits, _p(pair["p_holm"]), better, method


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _condition(one: Mapping[str, Any], say: Speaker) -> str:
    kind, of, value = say(CONDITIONS.get(one["what"], one["what"])), clean.name(one["of"]), clean.name(one["value"])
    return f"{kind} ({of}): {value}" if of else f"{kind}: {value}"


def _across(one: Mapping[str, Any], say: Speaker) -> str:
    several = [model for value in one["values"] for model in set(value["models"])]
    values = "; ".join(
        f"{clean.name(value['value'] or '–')} ({', '.join(_owners(value, several))})" for value in one["values"]
    )
    kind = say(CONDITIONS[one["what"]])
    of = f" ({clean.name(one['of'])})" if one["of"] else ""
    return say("Not the same for all rows: {what}: {values}.", what=kind + of, values=values)


def _owners(value: Mapping[str, Any], several: Sequence[str]) -> list[str]:
    """Whose a value is; a model that has several values, by its runs."""
    return [
        clean.name(f"{model} {run}" if several.count(model) > 1 else model)
        for model, run in dict.fromkeys(zip(value["models"], value["runs"], strict=True))
    ]


def _significance(one: Mapping[str, Any], say: Speaker) -> str:
    """What one published table can tell, from its numbers."""
    metric = say(METRICS[one["metric"]])
    values = {"metric": _begun(metric), "pairs": len(one["pairs"]), "n": one["n"]}
    if one["possible"] == 0:
        least = min(pair["holm_low"] for pair in one["pairs"])
        return say(
            "{metric}: of the {pairs} pairs of models, over {n} requests, {itself} would differ at 5% taken alone, and none does"
            " after Holm, whatever the joint tables were (the least adjusted p that they allow is {least}): the printed order is"
            " noise.",
            **values, itself=one["by_itself"], least=f"{least:.3f}",
        )  # fmt: skip
    return say(
        "{metric}: of the {pairs} pairs of models, over {n} requests, {certain} differ after Holm whatever the joint tables"
        " were, and at most {possible} under some that the margins allow.",
        **values, certain=one["certain"], possible=one["possible"],
    )  # fmt: skip


def _matrices(found: Mapping[str, Any], say: Speaker) -> list[Matrix]:
    """The published cells by modality and evaluation."""
    made = []
    cells = [board for board in found["components"] if board["origin"] == "published"]
    for modality, evaluation in dict.fromkeys((board["modality"], board["evaluation"]) for board in cells):
        here = [board for board in cells if (board["modality"], board["evaluation"]) == (modality, evaluation)]
        models = list(dict.fromkeys(row["model"] for board in here for row in board["rows"]))
        rows = []
        for board in here:
            names = [board[key] for key in ("benchmark", "framework", "attack", "language", "hazard") if board.get(key)]
            name = ", ".join([*names, *([say(METRICS[board["metric"]])] if _told(board) or not names else [])])
            by_model = {row["model"]: row for row in board["rows"]}
            rows.append((name, tuple(_cell(by_model.get(model)) for model in models)))
        title = f"{say(modality)}, {say(evaluation)}"
        made.append(Matrix(title=title, models=tuple(models), rows=tuple(rows)))
    return made


def _told(board: Board) -> bool:
    """Whether a cell's metric has to be said: elsewhere it follows from the evaluation."""
    return board["metric"] not in ("safe_rate", "accuracy", "f1", "pass_rate")


def _cell(row: Mapping[str, Any] | None) -> str:
    """A published figure as printed, with its interval where n is known."""
    if row is None:
        return "–"
    figure = f"{row['printed']}/{row['n']}" if row["unit"] == "count" else str(row["printed"])
    return figure if row["low"] is None else f"{figure} ({_span(row['low'], row['high'])})"
