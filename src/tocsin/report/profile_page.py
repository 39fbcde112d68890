"""Profiles as one HTML file: the chart, what is said of each model, and every axis as a row. No script, no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from tocsin.report import clean
from tocsin.report.messages import Speaker
from tocsin.report.polar import polar
from tocsin.report.profile_table import profile_table
from tocsin.report.profile_text import KINDS, archetype_lines, input_rows, tell

TITLE = "Safety profiles"
COLUMNS = ("Sector", "Axis", "Value", "95% limits", "Worst–best", "n/planned", "Judged by", "What to know")
INPUTS = ("Input", "Value", "95% limits", "Why it cannot be used")
MANY = 3
"""Models that stand in a row at most; more stand beneath each other, so that labels can be read."""
PUBLISHED = "Published figures are facts with a source; tocsin did not measure them."

_STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfb;--card:#f5f6f4;--ink:#1c2329;--soft:#505b64;--line:#d5dadd}
@media (prefers-color-scheme:dark){:root{--paper:#14181c;--card:#1c2227;--ink:#e7eaec;--soft:#a9b4bc;--line:#343d44}}
body{margin:0 auto;padding:1.5rem clamp(1rem,3vw,2.5rem) 3rem;max-width:76rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans CJK SC",sans-serif}
h1{font-size:1.7rem;margin:0 0 1rem}h2{font-size:1.3rem;margin:2.2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
p,li{max-width:52rem;overflow-wrap:anywhere}figure{margin:0 0 1rem}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:var(--soft);padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .55rem;border-bottom:1px solid var(--line);overflow-wrap:break-word}
th{font-weight:600;max-width:16rem}thead th,.figure{white-space:nowrap}.sector{background:var(--card);max-width:none}
td.figure{white-space:nowrap;font-variant-numeric:tabular-nums}td.note,td.judge{color:var(--soft);min-width:11rem}td.note{min-width:18rem;overflow-wrap:anywhere}
figure.column{display:none}
@media (max-width:640px){td.note{min-width:30rem}}
@media (max-width:900px){figure.row{display:none}figure.column{display:block}}
.wide:focus-visible{outline:3px solid #155a78;outline-offset:2px}
"""


def profile_page(profiles: Sequence[Mapping[str, Any]], *, language: str = "en") -> str:
    """A page of one or more profiles, each with its archetypes, its sentences and its table.

    Args:
        profiles: As in ``summary.json``, or as `tocsin.results.profiled.published_profiled` makes them; at least one.
        language: Of its words.

    Raises:
        ValueError: There is no axis to draw, or the language is unknown.
    """
    speak = Speaker(language)
    title = escape(speak(TITLE))
    pieces = [
        f'<!doctype html><html lang="{"zh-Hans" if language == "zh" else language}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        *_charts(profiles, language),
    ]
    if any(one["origin"] == "published" for one in profiles):
        pieces.append(f"<p>{escape(speak(PUBLISHED))}</p>")
    for profile in profiles:
        pieces += _model(profile, speak, language)
    return "".join([*pieces, "</main></body></html>\n"])


def _charts(profiles: Sequence[Mapping[str, Any]], language: str) -> Iterator[str]:
    """A chart of the models that write and one of those that only draw, since they share no axis.

    Of several models there are two drawings, in a row and beneath each other, and the page shows the one that fits.
    """
    kinds: dict[bool, list[Mapping[str, Any]]] = {}
    for one in profiles:
        kinds.setdefault(all(sector["modality"] == "image" for sector in one["sectors"]), []).append(one)
    for mine in kinds.values():
        beneath = polar(mine, language=language, side_by_side=False)
        if len(mine) == 1 or len(mine) > MANY:
            yield f"<figure>{beneath}</figure>"
        else:
            yield f'<figure class="row">{polar(mine, language=language)}</figure><figure class="column">{beneath}</figure>'


def _model(profile: Mapping[str, Any], speak: Speaker, language: str) -> Iterator[str]:
    yield f"<section><h2>{_text(clean.name(profile['model']))}</h2>"
    for kind, heading in KINDS.items():
        lines = [tell(one, speak) for one in profile["sentences"] if one["kind"] == kind]
        if lines:
            yield f"<h3>{_text(speak(heading))}</h3><ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"
    for found in profile["archetypes"]:
        first, *others = archetype_lines(found, speak)
        yield f"<h3>{_text(first)}</h3><ul>{''.join(f'<li>{_text(line)}</li>' for line in others)}</ul>"
        rows = ["".join(f"<td>{_text(cell)}</td>" for cell in row) for row in input_rows(found, speak)]
        if rows:
            yield _table([speak(name) for name in INPUTS], rows, f"{clean.name(profile['model'])}: {first}")
    names = [speak(name) for name in COLUMNS[1:]]
    rows = []
    for row in profile_table(profile, language=language):
        if row.first:
            rows.append(f'<th scope="rowgroup" class="sector" colspan="{len(names)}">{_text(row.sector)}</th>')
        figures = "".join(
            f'<td class="figure">{_text(cell)}</td>' for cell in (row.value, row.interval, row.bounds, row.n)
        )
        rows.append(
            f'<th scope="row">{_text(row.axis)}</th>{figures}<td class="judge">{_text(row.judge)}</td>'
            f'<td class="note">{_text(row.note)}</td>'
        )
    yield _table(names, rows, clean.name(profile["model"]))
    yield "</section>"


def _table(names: Sequence[str], rows: Sequence[str], caption: str) -> str:
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    label = escape(caption, quote=True)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{label}"><table><caption>{_text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _text(text: str) -> str:
    return escape(clean.isolated(text))
