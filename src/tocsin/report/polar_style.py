"""The colours of polar charts: by variables that a page may set, else by the reader's scheme."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.report.polar_shapes import Arc

PALETTE: tuple[tuple[str, str], ...] = (
    ("#3b6fa5", "#7fb0e0"),
    ("#c98f2b", "#e6b85c"),
    ("#3f8f7f", "#74c4b3"),
    ("#a8556e", "#dd94ab"),
    ("#6d62a8", "#aea4e4"),
    ("#7a8a3c", "#b5c672"),
    ("#b3654a", "#e3a088"),
    ("#4f8fb0", "#90cbe8"),
    ("#8a6d4f", "#c4a787"),
    ("#5f6b73", "#a5b1b9"),
    ("#97589e", "#d39bd9"),
    ("#9a3f3f", "#e08f8f"),
)
"""Colours of sectors on light and on dark: apart in lightness or hue also for those who do not see red and green apart. Sectors
are numbered, too, so that nothing hangs on colour alone."""

INK, SOFT, LINE = ("#1c2329", "#e7eaec"), ("#505b64", "#a9b4bc"), ("#d5dadd", "#343d44")
"""Text and whiskers, lesser text, and rings: on light and on dark."""


def colours(arc: Arc) -> tuple[str, str]:
    """The colours of a sector: on light, and on dark."""
    return PALETTE[(arc.number - 1) % len(PALETTE)]


def style(arcs: Sequence[Arc]) -> str:
    """Colours by variables that a page may set, else by the reader's scheme; large numbers on narrow pages."""
    of = ".tocsin-polar"
    numbers = sorted({arc.number: colours(arc) for arc in arcs}.items())

    def rules(dark: int) -> str:
        sectors = "".join(
            f"{of} .tp-s{number}{{fill:var(--polar-{number},{pair[dark]});stroke:var(--polar-{number},{pair[dark]})}}"
            for number, pair in numbers
        )
        ink, soft, line = INK[dark], SOFT[dark], LINE[dark]
        return (
            f"{sectors}{of} .tp-ink,{of} .tp-label,{of} .tp-number,{of} .tp-legend{{fill:var(--ink,{ink});stroke:none}}"
            f"{of} .tp-soft,{of} .tp-scale,{of} .tp-inner{{fill:var(--soft,{soft});stroke:none}}"
            f"{of} .tp-rings{{stroke:var(--line,{line})}}"
            f"{of} .tp-whisker{{stroke:var(--ink,{ink})}}"
            f"{of} path.tp-none{{stroke:var(--soft,{soft})}}"
        )

    narrow = (
        f"{of} .tp-label,{of} .tp-inner,{of} .tp-foot{{display:none}}{of} .tp-number{{display:inline}}"
        f"{of} .tp-row{{font-size:20px}}{of} .tp-sub{{font-size:19px}}{of} .tp-scale{{font-size:17px}}"
    )
    return (
        f"{rules(0)}@media (prefers-color-scheme:dark){{{rules(1)}}}@media screen and (max-width:560px){{{narrow}}}"
        f"@media (forced-colors:active){{{of}{{forced-color-adjust:none}}}}"
    )
