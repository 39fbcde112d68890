"""Leaderboards as a page, as Markdown and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import escape

from tocsin._version import __version__
from tocsin.report import clean
from tocsin.report.leaderboard import Boards, Row, View, boards
from tocsin.report.messages import Speaker
from tocsin.report.templating import environment

_WIDTH, _LEFT, _AXIS, _LINE = 860, 330, 330, 26
"""Of the picture, in its own units: the whole, where the axis begins, how long it is, and a row's height."""
_LIGHT = {
    "paper": "#fdfdfb", "ink": "#1c2329", "soft": "#505b64", "line": "#d5dadd",
    "bar": "#5690ab", "dot": "#0e3f55", "reach": "#84919a",
}  # fmt: skip
_DARK = {
    "paper": "#14181c", "ink": "#e7eaec", "soft": "#a9b4bc", "line": "#343d44",
    "bar": "#3f7c97", "dot": "#d8eff9", "reach": "#66737c",
}  # fmt: skip


def write_html(found: Mapping[str, Any], say: Speaker) -> str:
    """The boards as one page that needs no network and no script.

    Args:
        found: As `tocsin.results.leaderboard.leaderboard` gives it.
        say: Speaks the page's language.
    """
    told = boards(found, say)
    return (
        environment()
        .get_template("leaderboard.html")
        .render(
            say=say,
            boards=told,
            cap=f"{100 * found['cap']:.0f}",
            with_published=found["published"] is not None,
            measured=any(not view.published for _, main, _ in told.sections for view in main),
            version=clean.name(__version__),
        )
    )


def write_markdown(found: Mapping[str, Any], say: Speaker) -> str:
    """The boards as Markdown, for a pull request or a file beside the code."""
    return "\n".join(_markdown(boards(found, say), found["published"] is not None, say)) + "\n"


def _markdown(told: Boards, with_published: bool, say: Speaker) -> Iterator[str]:
    yield f"# {say('Safety leaderboard')}"
    yield ""
    yield say("Figures are in percent. A rank is a range; rows whose ranges overlap may be ties.")
    for warning in told.warnings:
        yield f"\n**{clean.markdown(warning, most=400)}**"
    for modality, main, parts in told.sections:
        yield f"\n## {clean.markdown(modality)}"
        for view in (*main, *parts):
            yield from _board_in_markdown(view, say)
    if with_published:
        yield f"\n## {say('What the published sizes can tell')}"
        yield from (f"\n{clean.markdown(one, most=600)}" for one in told.said)
        for matrix in told.published:
            yield f"\n### {say('Published cells: {title}', title=clean.markdown(matrix.title))}\n"
            yield _line(["", *matrix.models])
            yield "|---" * (1 + len(matrix.models)) + "|"
            yield from (_line([name, *cells]) for name, cells in matrix.rows)
    if told.left_out:
        yield f"\n## {say('Runs on no board')}\n"
        yield from (f"- {clean.markdown(one, most=600)}" for one in told.left_out)


def _board_in_markdown(view: View, say: Speaker) -> Iterator[str]:
    origin = f" ({say('as published')})" if view.published else ""
    yield f"\n### {clean.markdown(view.title)}{origin}\n"
    yield clean.markdown(f"{view.metric}; {view.direction}" + (f"; {view.over}" if view.over else ""), most=600)
    for warning in view.warnings:
        yield f"\n**{clean.markdown(warning, most=600)}**"
    if view.apart_by:
        yield f"\n{say('Apart from another board by')}: {clean.markdown('; '.join(view.apart_by), most=600)}"
    yield ""
    yield _line([say(name) for name in _HEADINGS])
    yield "|---|---|---:|---|---:|---|"
    for row in (*view.ranked, *view.unranked):
        model = row.model + (f" ({row.run})" if row.run else "")
        said = row.why and say("not ranked: {why}", why=row.why)
        notes = "; ".join(filter(None, [said, *(f"[{mark}]" for mark in row.marks)]))
        yield _line([row.rank, model, row.value, row.interval, row.n, notes])
    yield ""
    yield from (clean.markdown(one, most=600) for one in view.said)
    if view.notes:
        yield ""
        yield from (f"[{number}] {clean.markdown(note, most=600)}  " for number, note in enumerate(view.notes, 1))


_HEADINGS = ("Rank range", "Model and run", "Value, %", "95% limits", "Measured of planned attempts", "Remarks")


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(clean.markdown(cell, most=400) for cell in cells) + " |"


def write_svg(found: Mapping[str, Any], say: Speaker) -> str:
    """The main boards as one picture: ranks, names, values with their intervals. Published ones are hollow and dashed."""
    told = boards(found, say)
    body: list[str] = []
    y = 40
    for modality, main, _ in told.sections:
        for view in main:
            body += _board_in_svg(view, modality, y, say)
            y += 58 + _LINE * (len(view.ranked) + len(view.unranked)) + 18 * len(view.warnings)
    # Colours stand in the rules, not in variables: what makes PNG of it knows none.
    style = (
        "text{font:13px system-ui,'Noto Sans','DejaVu Sans',sans-serif}.warn{font-weight:650}"
        ".head{font-weight:650;font-size:15px}"
        ".interval{stroke-width:8}.reach{stroke-width:3}.dot{stroke-width:1.5}.published .interval{stroke-dasharray:3 3}"
        f".apart{{opacity:.6}}{_coloured(_LIGHT)}@media(prefers-color-scheme:dark){{{_coloured(_DARK)}}}"
    )
    title = escape(say("Safety leaderboard"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" width="{_WIDTH}" height="{y}" role="img">'
        f"<title>{title}</title><style>{style}</style>"
        f'<rect class="paper" width="{_WIDTH}" height="{y}"/>'
        f'<text x="16" y="24" class="head">{title}</text>{"".join(body)}</svg>\n'
    )


def _coloured(of: Mapping[str, str]) -> str:
    return (
        f".paper{{fill:{of['paper']}}}text{{fill:{of['ink']}}}.soft{{fill:{of['soft']}}}.axis{{stroke:{of['line']}}}"
        f".interval{{stroke:{of['bar']}}}.reach{{stroke:{of['reach']}}}.dot{{fill:{of['dot']};stroke:{of['dot']}}}"
        f".published .dot{{fill:{of['paper']}}}"
    )


def _board_in_svg(view: View, modality: str, y: int, say: Speaker) -> Iterator[str]:
    origin = f" ({say('as published')})" if view.published else ""
    yield f'<text x="16" y="{y + 18}" class="head">{_cut(f"{modality}, {view.title}{origin}", 90)}</text>'
    yield f'<text x="16" y="{y + 35}" class="soft">{_cut(f"{view.metric}; {view.direction}", 110)}</text>'
    y += 44
    for warning in view.warnings:
        yield f'<text x="16" y="{y + 10}" class="warn">{_cut(warning, 105)}</text>'
        y += 18
    for row in view.ranked:
        yield from _row_in_svg(row, y, row.rank)
        y += _LINE
    for row in view.unranked:
        yield from _row_in_svg(row, y, "–", apart=True)
        y += _LINE


def _row_in_svg(row: Row, y: int, rank: str, *, apart: bool = False) -> Iterator[str]:
    middle, kinds = y + 13, ("published " if row.published else "") + ("apart" if apart else "")
    yield f'<g class="{kinds.strip()}"><title>{escape(row.chart.label + (f"; {row.why}" if row.why else ""))}</title>'
    yield f'<text x="16" y="{middle + 4}">{escape(rank)}</text><text x="66" y="{middle + 4}">{_cut(row.model, 34)}</text>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _AXIS}" y1="{middle}" y2="{middle}"/>'
    for kind, bar, down in (("reach", row.chart.bounds, 8), ("interval", row.chart.interval, 0)):
        if bar is not None:
            start, end = _at(bar.start), _at(bar.start + bar.width)
            yield f'<line class="{kind}" x1="{start}" x2="{end}" y1="{middle + down}" y2="{middle + down}"/>'
    if row.chart.dot is not None:
        yield f'<circle class="dot" cx="{_at(row.chart.dot)}" cy="{middle}" r="4.5"/>'
    yield f'<text x="{_LEFT + _AXIS + 18}" y="{middle + 4}">{escape(row.value)}</text>'
    yield f'<text x="{_LEFT + _AXIS + 76}" y="{middle + 4}" class="soft">{escape(row.interval)}</text></g>'


def _at(percent: float) -> float:
    return round(_LEFT + _AXIS * percent / 100, 1)


def _cut(text: str, most: int) -> str:
    return str(escape(text if len(text) <= most else f"{text[: most - 1]}…"))
