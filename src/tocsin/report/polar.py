"""The polar bar chart of safety profiles as SVG: a wedge for each axis, in sectors, as in Fig. 2 of arXiv 2601.10527.

Drawn here: no library. Higher is safer and longer. Every wedge says in words what it shows. Nothing in it has an id, so that
a page may hold any number of charts; its style reaches nothing outside of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tocsin.report import clean, words
from tocsin.report.messages import Speaker
from tocsin.report.polar_shapes import (
    INNER,
    LABEL,
    LABEL_AT,
    OUTER,
    Arc,
    Slot,
    arcs_of,
    at,
    charted,
    extent,
    keyed,
    letters,
    radius,
    ring_piece,
    stripes,
)
from tocsin.report.polar_style import INK, LINE, SOFT, colours, style
from tocsin.report.profile_table import NO_VALUE, Row, profile_table

__all__ = ["Row", "polar", "polar_png", "profile_table"]

_FONTS = (
    "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans CJK SC', sans-serif",
    "system-ui, -apple-system, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif",
)
"""Of Latin pages, and of Chinese ones."""
_HEAD = 58.0
"""Room for the name of a model and what stands beneath it."""
_LINE = 23.0
"""Height of a further line beneath the name."""
_LARGE = 10.2
"""Units that a letter beneath the name takes on a narrow page, at most about."""
_LEAST = 640.0
"""Width of the panel of one model at least."""
_ROW = 25.0
"""Height of a row of the legend."""

NAMES = "Safety profiles: {names}"
READING = (
    "Each bar runs from 0 in the middle to 100 at the rim; longer is safer. Whiskers are 95% intervals.",
    "Filled: measured. Striped: published, not measured here.",
    "Hatched to the rim: no value. Empty: not in this profile.",
)
MEASURED, PUBLISHED, DEMONSTRATION, UNFINISHED = (
    "measured by tocsin",
    "published, not measured by tocsin",
    "a demonstration, ranks nobody",
    "not finished: figures of a part",
)
FILLED = "{count} of {total} axes have a value"
DRAWN = "{count} of {total} drawn; the table has all"
WEDGE = "{sector}, {axis}: {value}"
LIMITS = "95% interval {low} to {high}"
BARE = "no interval"
COUNTED = "{n} of {planned} attempts measured"
NOT_HERE = "not in this profile"

TEXTS = (
    *(NAMES, *READING, MEASURED, PUBLISHED, DEMONSTRATION, UNFINISHED, FILLED, DRAWN),
    *(WEDGE, LIMITS, BARE, COUNTED, NO_VALUE, NOT_HERE),
)
"""All texts of the drawing, for catalogues."""


def polar(
    profiles: Sequence[Mapping[str, Any]],
    *,
    language: str = "en",
    side_by_side: bool = True,
    width: int | None = None,
    bare: bool = False,
) -> str:
    """A standalone SVG of one profile, or of several with every axis in the same place.

    Args:
        profiles: As in ``summary.json``; at least one with an axis.
        language: Of its words; what a model or a dataset is called stays.
        side_by_side: Whether several stand in a row; beneath each other otherwise.
        width: Width in pixels; as wide as there is room, up to its natural width, if absent.
        bare: Without style sheet, in light colours: for renderers that know no variables.

    Returns:
        Markup that is safe to set into a page: all text is escaped. Below 560 pixels of page width the labels of axes give way
        to large numbers of sectors, and the table (`profile_table`) has the rest.

    Raises:
        ValueError: There is no axis to draw, or the language is unknown.
    """
    speak = Speaker(language)
    arcs = arcs_of(profiles)
    if not arcs:
        raise ValueError("polar: the profiles have no axis; draw at least one profile of a run that measured something")
    columns = len(profiles) if side_by_side else 1
    reach = extent(arcs)
    panel = max(_LEAST, 2 * reach.side)
    beneath = [_beneath(profile, speak, panel - 24) for profile in profiles]
    head = _HEAD + _LINE * (max(map(len, beneath)) - 1)
    deep = head + reach.up + reach.down
    rows = math.ceil(len(profiles) / columns)
    wide = panel * columns
    high = rows * deep + _legend_rows(arcs, columns) * _ROW + 87
    names = ", ".join(clean.name(one["model"]) for one in profiles)
    drawn = [
        _panel(
            profile,
            arcs,
            speak,
            lines,
            (panel * (place % columns), deep * (place // columns)),
            panel / 2,
            head + reach.up,
        )
        for place, (profile, lines) in enumerate(zip(profiles, beneath, strict=True))
    ]
    size = f' width="{width}" height="{round(width * high / wide)}"' if width else ""
    room = "" if width else f' style="width:100%;max-width:{wide:.0f}px;height:auto"'
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tocsin-polar" viewBox="0 0 {wide:.0f} {high:.0f}"{size}{room}',
            f' role="group" aria-label="{_said(speak(NAMES, names=names))}"',
            f' font-family="{_FONTS[language == "zh"]}">',
            f"<title>{_said(speak(NAMES, names=names))}</title>",
            "" if bare else f"<style>{style(arcs)}</style>",
            *drawn,
            _legend(arcs, speak, columns, panel, rows * deep),
            "</svg>",
        )
    )


def polar_png(
    profiles: Sequence[Mapping[str, Any]], *, language: str = "en", side_by_side: bool = True, width: int | None = None
) -> bytes:
    """The same drawing as PNG, on white.

    Args:
        profiles: As for `polar`.
        language: As for `polar`.
        side_by_side: As for `polar`.
        width: Width in pixels; 1360 for each column if absent.

    Raises:
        ValueError: As for `polar`, or the extra ``png`` is not installed.
    """
    try:
        import resvg_py
    except ImportError as error:
        raise ValueError(
            "a chart as PNG needs the extra 'png': in tocsin's folder, .venv/bin/python -m pip install -c constraints.txt"
            " '.[png]', or write the chart as SVG, which needs nothing"
        ) from error
    drawing = polar(profiles, language=language, side_by_side=side_by_side, bare=True)
    columns = len(profiles) if side_by_side else 1
    png = resvg_py.svg_to_bytes(
        svg_string=drawing, background="#ffffff", width=width or 1360 * columns, sans_serif_family="Noto Sans"
    )
    return bytes(png)


def origin(profile: Mapping[str, Any], speak: Speaker) -> list[str]:
    """Who measured a profile, whether the run is not finished, and whether it is a demonstration."""
    told = [speak(PUBLISHED if profile["origin"] == "published" else MEASURED)]
    told += [speak(UNFINISHED)] if profile.get("unfinished") else []
    return told + ([speak(DEMONSTRATION)] if profile.get("demonstration") else [])


def _beneath(profile: Mapping[str, Any], speak: Speaker, room: float) -> list[str]:
    """What stands beneath the name, in lines that fit also in the larger letters of a narrow page."""
    axes = [axis for one in charted(profile) for axis in keyed(one["axes"]).values()]
    count = sum(axis["value"] is not None for axis in axes)
    lines: list[str] = []
    for tag in (*origin(profile, speak), speak(FILLED, count=count, total=len(axes))):
        longer = f"{lines[-1]} · {tag}" if lines else tag
        if lines and letters(longer) * _LARGE > room:
            lines.append(tag)
        else:
            lines[-1:] = [longer]
    return lines


def _panel(
    profile: Mapping[str, Any],
    arcs: Sequence[Arc],
    speak: Speaker,
    beneath: Sequence[str],
    corner: tuple[float, float],
    middle: float,
    centre: float,
) -> str:
    """One model: its name, the rings, and its wedges."""
    published = profile["origin"] == "published"
    axes = {(str(one["sector"]), key): axis for one in charted(profile) for key, axis in keyed(one["axes"]).items()}
    shown = clean.name(profile["model"], most=44)
    return "".join(
        (
            f'<g transform="translate({corner[0]:.0f} {corner[1]:.0f})">',
            f'<text class="tp-ink" x="{middle:.0f}" y="26" text-anchor="middle" font-size="20" font-weight="700"',
            f' fill="{INK[0]}">{escape(shown)}</text>',
            *(
                f'<text class="tp-soft tp-sub" x="{middle:.0f}" y="{47 + _LINE * place:.0f}" text-anchor="middle" font-size="13"'
                f' fill="{SOFT[0]}">{_said(line)}</text>'
                for place, line in enumerate(beneath)
            ),
            f'<g transform="translate({middle:.0f} {centre:.0f})">',
            *_rings(),
            *(_sector(arc, axes, speak, published) for arc in arcs),
            *_scale(),
            "</g></g>",
        )
    )


def _rings() -> Iterator[str]:
    yield f'<g class="tp-rings" fill="none" stroke="{LINE[0]}" aria-hidden="true">'
    for share in (0, 25, 50, 75, 100):
        yield f'<circle r="{radius(share / 100):.1f}"/>'
    yield "</g>"


def _scale() -> Iterator[str]:
    yield f'<g class="tp-scale" font-size="11" text-anchor="middle" fill="{SOFT[0]}" aria-hidden="true">'
    for share in (25, 50, 75, 100):
        yield f'<text y="{3.5 - radius(share / 100):.1f}">{share}</text>'
    yield "</g>"


def _sector(arc: Arc, axes: Mapping[tuple[str, str], Mapping[str, Any]], speak: Speaker, published: bool) -> str:
    colour = colours(arc)[0]
    first, last = arc.slots[0].start, arc.slots[-1].end
    pieces = [
        f'<g class="tp-s{arc.number}" fill="{colour}" stroke="{colour}">',
        f'<path class="tp-rim" d="{ring_piece(first, last, OUTER + 4, OUTER + 9)}" stroke="none" aria-hidden="true"/>',
    ]
    for slot in arc.slots:
        pieces.append(_wedge(arc, slot, axes.get((arc.title, slot.key)), speak, published))
    x, y = at((first + last) / 2, INNER - 11)
    pieces.append(
        f'<text class="tp-inner" x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" font-size="11" stroke="none" fill="{SOFT[0]}"'
        f' aria-hidden="true">{arc.number}</text>'
    )
    x, y = at((first + last) / 2, OUTER + 34)
    pieces.append(
        f'<text class="tp-number" display="none" x="{x:.1f}" y="{y + 9:.1f}" text-anchor="middle" font-size="27"'
        f' font-weight="700" stroke="none" fill="{INK[0]}" aria-hidden="true">{arc.number}</text></g>'
    )
    return "".join(pieces)


def _wedge(arc: Arc, slot: Slot, axis: Mapping[str, Any] | None, speak: Speaker, published: bool) -> str:
    """One axis: what it shows, in words and drawn."""
    told = _said(_in_words(arc, slot, axis, speak, published))
    trim = (slot.end - slot.start) * 0.07
    start, end = slot.start + trim, slot.end - trim
    pieces = [f'<g role="img" aria-label="{told}"><title>{told}</title>']
    if axis is None:
        outline = ring_piece(start, end, INNER, OUTER)
        pieces.append(f'<path class="tp-none" d="{outline}" fill-opacity="0" stroke="{LINE[0]}" stroke-opacity=".35"/>')
    elif axis["value"] is None:
        pieces.append(
            f'<path class="tp-none" d="{ring_piece(start, end, INNER, OUTER)}" fill="{LINE[0]}" fill-opacity=".15"'
            f' stroke="{LINE[0]}" stroke-opacity=".5" stroke-width=".8"/>'
            f'<path class="tp-none" d="{stripes(start, end, INNER, OUTER, 24 if slot.half else 15)}" fill="none"'
            f' stroke="{SOFT[0]}" stroke-opacity=".4" stroke-width=".8"/>'
        )
    else:
        reach = max(radius(axis["value"]), INNER + 1.5)
        shape = ring_piece(start, end, INNER, reach)
        # All of the wedge answers the pointer, also where its bar is short.
        pieces.append(f'<path d="{ring_piece(start, end, INNER, OUTER)}" fill-opacity="0" stroke="none"/>')
        if published:
            pieces.append(f'<path d="{shape}" fill-opacity=".22" stroke-width="1"/>')
            pieces.append(
                f'<path d="{stripes(start, end, INNER, reach, 9 if slot.half else 6)}" fill="none" stroke-width="1"'
                ' stroke-opacity=".75"/>'
            )
        else:
            pieces.append(f'<path d="{shape}" stroke="none"/>')
        if axis["low"] is not None and axis["high"] is not None:
            pieces.append(_whisker((slot.start + slot.end) / 2, slot, axis["low"], axis["high"]))
    pieces.append(f"{_label(slot)}</g>")
    return "".join(pieces)


def _whisker(angle: float, slot: Slot, low: float, high: float) -> str:
    """The interval as a line along the middle of the wedge with a cap at each end."""
    cap = min(0.3 * (slot.end - slot.start) * OUTER, 6.0) / 2
    lines = []
    for share in (low, high):
        place = radius(share)
        turn = cap / place
        (x, y), (u, v) = at(angle - turn, place), at(angle + turn, place)
        lines.append(f"M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}")
    (x, y), (u, v) = at(angle, radius(low)), at(angle, radius(high))
    return (
        f'<path class="tp-whisker" d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}{"".join(lines)}" fill="none" stroke="{INK[0]}"'
        ' stroke-width="1.3"/>'
    )


def _label(slot: Slot) -> str:
    angle = (slot.start + slot.end) / 2
    x, y = at(angle, LABEL_AT)
    right = angle % (2 * math.pi) < math.pi
    turn = math.degrees(angle) - 90 if right else math.degrees(angle) + 90
    text = slot.title if len(slot.title) <= LABEL else slot.title[: LABEL - 1].rstrip() + "…"
    size = 10 if slot.half else 12
    return (
        f'<text class="tp-label" transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})" dy=".34em" font-size="{size}"'
        f' text-anchor="{"start" if right else "end"}" stroke="none" fill="{INK[0]}" aria-hidden="true">{escape(text)}</text>'
    )


def _legend_rows(arcs: Sequence[Arc], columns: int) -> int:
    return math.ceil(len(arcs) / columns)


def _legend(arcs: Sequence[Arc], speak: Speaker, columns: int, panel: float, top: float) -> str:
    """The sectors by number, colour and name, and how to read the drawing."""
    rows = _legend_rows(arcs, columns)
    pieces = [f'<g class="tp-legend" font-size="15" fill="{INK[0]}">']
    for place, arc in enumerate(arcs):
        x, y = 24 + panel * (place // rows), top + _ROW * (place % rows + 1)
        said = f"{arc.number}  {_sector_title(arc.title, speak)}"
        if arc.left_out:
            said += f" ({speak(DRAWN, count=len(arc.slots), total=len(arc.slots) + arc.left_out)})"
        pieces.append(
            f'<g class="tp-s{arc.number}" fill="{colours(arc)[0]}">'
            f'<rect x="{x:.0f}" y="{y - 13:.0f}" width="16" height="16" rx="3"/></g>'
        )
        pieces.append(f'<text class="tp-ink tp-row" x="{x + 26:.0f}" y="{y:.0f}">{_said(said)}</text>')
    foot = top + _ROW * (rows + 1)
    for number, text in enumerate(READING):
        pieces.append(
            f'<text class="tp-soft tp-foot" x="24" y="{foot + 19 * number + 4:.0f}" font-size="12.5" fill="{SOFT[0]}">'
            f"{_said(speak(text))}</text>"
        )
    return "".join([*pieces, "</g>"])


def _in_words(arc: Arc, slot: Slot, axis: Mapping[str, Any] | None, speak: Speaker, published: bool) -> str:
    """What a wedge shows, for those who point at it or do not see it."""
    of = {"sector": _sector_title(arc.title, speak), "axis": slot.title}
    if axis is None:
        return speak(WEDGE, **of, value=speak(NOT_HERE))
    if axis["value"] is None:
        return speak(WEDGE, **of, value=speak(NO_VALUE, why=clean.name(speak.made(axis["why"]))))
    parts = [speak(WEDGE, **of, value=words.percent(axis["value"], 1))]
    if axis["low"] is None:
        parts.append(speak(BARE))
    else:
        parts.append(speak(LIMITS, low=words.percent(axis["low"], 1), high=words.percent(axis["high"], 1)))
    if axis["n"] is not None and axis["planned"] is not None:
        parts.append(speak(COUNTED, n=f"{axis['n']:,}", planned=f"{axis['planned']:,}"))
    if published:
        parts.append(speak(PUBLISHED))
    return "; ".join(parts)


def _sector_title(title: str, speak: Speaker) -> str:
    """The title of a sector; what stands before a colon is ours, and what follows may name a dataset."""
    return speak.made(clean.name(title))


def _said(text: str) -> str:
    return escape(clean.isolated(text), quote=True)
