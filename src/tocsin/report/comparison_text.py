"""``tocsin compare`` as Markdown for a pull request: the verdict first, the table, and the rest folded away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tocsin.report import words
from tocsin.report.clean import markdown
from tocsin.report.comparison import Breakdown, Told, told
from tocsin.report.comparison_figures import Row
from tocsin.report.messages import Speaker

MOST = 60_000
"""Characters of the text at most: a comment on GitHub holds 65,536."""
_ROWS, _PARTS, _FLIPS, _TABLES, _LINES = 60, 15, 50, 30, 20
_SENTENCE = 1000
_EMPHASIS = ("worse", "better")


def comparison_markdown(comparison: Mapping[str, Any]) -> str:
    """A comparison as Markdown. It holds no prompt and no answer.

    Names come from models and data and are hostile: they are written so that no sign in them means anything to Markdown, HTML
    or a code host. What does not fit in a comment is left out from the end, and that is said.

    Args:
        comparison: As `tocsin.results.comparison.comparison` gives it.
    """
    found = told(comparison, Speaker("en"))
    sections = [*_head(found), _table(found), *_details(found)]
    text, left = "", 0
    for section in filter(None, sections):
        if len(text) + len(section) > MOST:
            left += 1
            continue
        text += f"{section}\n\n"
    rest = (
        f"{words.count(left, 'section')} left out, since a comment has no room: see --html or --json.\n\n"
        if left
        else ""
    )
    return f"{text}{rest}<sub>tocsin compare · every figure is in its --json</sub>\n"


def _head(found: Told) -> list[str]:
    lines = [f"## {found.headline}", f"**{_said(found.verdict)}**"]
    sides = []
    for side in found.sides:
        beside = "".join(f", {name} {markdown(side[name])}" for name in ("attack", "language") if side[name])
        sides.append(
            f"**{side['letter']}** {markdown(side['model'])}{beside} ({markdown(side['run'])}, {markdown(side['status'])})"
        )
    lines.append(" · ".join(sides))
    lines += [f"> [!WARNING]\n> {_said(warning)}" for warning in found.warnings]
    return lines


def _table(found: Told) -> str:
    lines = [
        "| | Score | A | B | B − A | 95% interval | p (Holm) | Could see | Judged |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found.rows[:_ROWS]:
        what = f"{markdown(row.name)}: {markdown(row.what.lower())}, {row.direction}"
        what += " (demonstration)" if row.demonstration else ""
        said = f"{row.mark} {row.said}"
        cells = (row.one, row.other, row.difference, row.interval, row.p, row.sees, row.n)
        lines.append(f"| {f'**{said}**' if row.verdict in _EMPHASIS else said} | {what} | {' | '.join(cells)} |")
    more = len(found.rows) - _ROWS
    return "\n".join(lines) + (f"\n\n{words.count(more, 'more row')} in --json." if more > 0 else "")


def _details(found: Told) -> Iterable[str]:
    yield _folded("What is other", _differences(found), len(found.differences))
    notes = [
        f"- {markdown(row.name)}, {markdown(row.what.lower())}: {_said(note)}"
        for row in found.rows
        for note in filter(None, (row.why, row.missing, *row.notes, row.power))
    ]
    yield _folded("Beside the figures", "\n".join(_cut(notes)), len(notes))
    for name, title in (("worse", "Worse on B"), ("better", "Better on B")):
        yield _folded(title, _flips(getattr(found, name), found.total[name]), found.total[name])
    for one in found.breakdowns[:_TABLES]:
        yield _folded(markdown(one.title), _parts(one), len(one.rows) + one.more)
    if found.agreement:
        lines = [
            "| Answers to | Judged by both | Agree | 95% interval | Kappa |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {markdown(one['name'])} | {one['n']} | {one['agreement']} | {one['interval']} | {one['kappa']} |"
            for one in found.agreement
        ]
        yield _folded("How far the judges agree", "\n".join(lines), len(found.agreement))
    left = [
        f"- {markdown(one['name'])}, {markdown(one['what'].lower())}: {one['one']} and {one['other']}"
        for one in found.not_compared
    ]
    left += [f"- {_said(line)}" for line in found.only]
    yield _folded("Without a test", "\n".join(_cut(left)), len(left))
    outcomes = "\n\n".join(filter(None, map(_outcomes, found.rows[:_LINES])))
    yield _folded("What became of each case", outcomes, sum(bool(row.table) for row in found.rows))
    yield _folded("How to read this", f"{_said(found.how)} {_HOW}", 0)


_HOW = (
    "“Could see”: the smallest difference, in points, that a comparison of these cases would have found four times in five. "
    "“No difference shown” is not “no difference”."
)


def _differences(found: Told) -> str:
    if not found.differences:
        return ""
    lines = ["| What | A | B | |", "| --- | --- | --- | --- |"]
    for one in found.differences[:_LINES]:
        where = f" ({markdown(one['benchmarks'])})" if one["benchmarks"] else ""
        lines.append(
            f"| {markdown(one['what'])}{where} | {markdown(one['one'])} | {markdown(one['other'])} | {one['standing']} |"
        )
    return "\n".join(lines)


def _flips(some: Sequence[Mapping[str, str]], total: int) -> str:
    if not some:
        return ""
    lines = ["| Benchmark | Case | Attack | Language | Hazard | Cell A / B |", "| --- | --- | --- | --- | --- | ---: |"]
    lines += [
        f"| {markdown(one['benchmark'])} | {markdown(one['case'])} | {markdown(one['attack'])} | {markdown(one['language'])} |"
        f" {markdown(one['hazard'])} | {one['cells']} |"
        for one in some[:_FLIPS]
    ]
    rest = total - min(len(some), _FLIPS)
    return "\n".join(lines) + (f"\n\nand {rest:,} more" if rest > 0 else "")


def _parts(one: Breakdown) -> str:
    lines = [
        "| | Part | A | B | B − A | 95% interval | p (Holm) | Judged |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.mark} | {markdown(row.name)} | {row.one} | {row.other} | {row.difference} | {row.interval} | {row.p} |"
        f" {row.n} |"
        for row in one.rows[:_PARTS]
    ]
    rest = len(one.rows) - _PARTS + one.more
    return "\n".join(lines) + (f"\n\nand {rest:,} more" if rest > 0 else "")


def _outcomes(row: Row) -> str:
    if not row.table:
        return ""
    (a, b), (c, d) = row.table
    good, bad = row.outcomes
    return (
        f"{markdown(row.name)}, {markdown(row.what.lower())}\n\n| | B: {good} | B: {bad} |\n| --- | ---: | ---: |\n"
        f"| A: {good} | {a} | {b} |\n| A: {bad} | {c} | {d} |"
    )


def _folded(title: str, body: str, count: int) -> str:
    """A part that is folded until somebody wants it; nothing of an empty one."""
    if not body:
        return ""
    beside = f" ({count:,})" if count else ""
    return f"<details><summary>{title}{beside}</summary>\n\n{body}\n\n</details>"


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - 4 * _LINES
    return [*lines[: 4 * _LINES], f"- and {more:,} more"] if more > 0 else lines


def _said(sentence: str) -> str:
    return markdown(sentence, most=_SENTENCE)
