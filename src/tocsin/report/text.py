"""The report as Markdown, short enough for a pull request. It holds no prompt and no answer."""

from __future__ import annotations

from typing import Any

from tocsin.benchmarks.language.shares import NO_VALUE, ONE_ANSWER
from tocsin.evaluations.scoring import TEXT_ALONE, TOO_FEW
from tocsin.judges.agreed import BEGINS as AGREES
from tocsin.report import modalities, words
from tocsin.report.clean import markdown
from tocsin.report.compliance_text import short
from tocsin.report.findings import findings, status
from tocsin.report.judge_boxes import judge_boxes
from tocsin.report.languages_text import languages_text
from tocsin.report.rejudged import rejudged
from tocsin.report.review import counted
from tocsin.report.rows import Row, scores
from tocsin.report.unmeasured import data_gaps, gaps, not_assessed, without

_ROWS = 60
"""Rows of the table at most: a pull request is no place for more."""

_BESIDE = tuple(one.lower() for one in (AGREES, NO_VALUE, ONE_ANSWER, TEXT_ALONE))
"""How notes begin without which a figure must not be read."""

_LINES = 12
_SENTENCE = 1000


def write_markdown(manifest: dict[str, Any], summary: dict[str, Any], comparison: dict[str, Any] | None = None) -> str:
    """The report of a run as Markdown: finding, scores, what was not measured, judges.

    Names come from models and data and are hostile: they are written so that no sign in them means anything to Markdown,
    HTML or a code host.

    Args:
        manifest: The run's manifest.
        summary: Its summary, as `tocsin.results.summary.summarise` makes it.
        comparison: Of a rejudged run, how its judge compares with the one before.
    """
    parts = [
        _head(manifest, summary),
        *([] if comparison is None else ["\n\n".join(_rejudged(comparison))]),
        *_finding(summary),
        _table(summary),
        *languages_text(summary),
        *short(summary["models"]),
        "\n".join(_unmeasured(manifest, summary)),
        "\n".join(_judges(manifest, summary)),
        f"<sub>{_said(manifest['run'])} · tocsin {_said(manifest['versions'].get('tocsin', ''))} · every figure is in"
        " summary.json, the whole report in report.html</sub>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: dict[str, Any], summary: dict[str, Any]) -> str:
    suite, state = manifest["suite"], status(manifest, summary)
    names = words.listed([markdown(model["model"]) for model in summary["models"]])
    lines = [f"## Safety of {names}", ""]
    if summary["demonstration"]:
        lines += ["> **DEMONSTRATION**: these figures come from a starter set. They rank nobody.", ">"]
    mark = state.word if state.complete else f"**{state.word.upper()}**"
    lines.append(f"> {mark}: {_said(' '.join(state.sentences))}")
    lines += ["", f"Suite: {_said(suite['title'] or suite['name'])}. Begun {words.moment(manifest['created'])}."]
    if manifest.get("adversarial") and (made_up := (suite.get("adversarial") or {}).get("reconstruction")):
        lines += ["", f"Reconstruction: {_said(made_up)}"]
    return "\n".join(lines)


def _finding(summary: dict[str, Any]) -> list[str]:
    found = findings(summary)
    shown = [
        (f"**{_said(one.model)}.** " if len(found) > 1 else "") + _said(" ".join(one.sentences))
        for one in found[:_LINES]
    ]
    return [*shown, *([f"{len(found) - _LINES} more models are in the table."] if len(found) > _LINES else [])]


def _rejudged(comparison: dict[str, Any]) -> list[str]:
    told = rejudged(comparison, most=_LINES)
    return [f"**Rejudged.** {_said(told.origin)}", *(_said(sentence) for sentence in told.sentences)]


def _table(summary: dict[str, Any]) -> str:
    several = len(summary["models"]) > 1
    rows: list[tuple[str, Row]] = []
    for model in summary["models"]:
        for over in (False, True):
            rows += [(model["model"], row) for row in scores(model, over_refusal=over)[:_ROWS]]
    if not rows:
        return ""
    there = modalities.present(score for model in summary["models"] for score in model["scores"])
    apart = modalities.told(there)
    columns = [
        *(["Modality"] if apart else []),
        "Benchmark",
        "Measure",
        "Value",
        "95% interval",
        "Worst to best",
        "Measured",
    ]
    sides = [*(["---"] if apart else []), "---", "---", "---:", "---:", "---:", "---:"]
    lines = [["Model", *columns], ["---", *sides]] if several else [columns, sides]
    for model_name, row in rows[:_ROWS]:
        mark = " (demonstration)" if row.demonstration else ""
        cells = [
            *([words.SHORT[row.modality]] if apart else []),
            f"{markdown(row.name)}{mark}",
            f"{markdown(row.metric)}, {row.direction}{f': {row.images}' if row.images else ''}",
            row.value if row.n else "nothing measured",
            row.interval,
            row.reach,
            f"{row.n:,} of {row.planned:,}",
        ]
        lines.append([markdown(model_name), *cells] if several else cells)
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    rest = len(rows) - _ROWS
    few = any(words.NOTES[TOO_FEW] in row.notes for _, row in rows[:_ROWS])
    below = [f"{words.count(rest, 'more row')} in summary.json."] if rest > 0 else []
    if few:
        below.append("Some intervals rest on fewer than ten independent groups of cases and are themselves uncertain.")
    if "image" in there:
        below.append(_said(modalities.IMAGES_SAID))
    told = dict.fromkeys(note for _, row in rows for note in row.notes if note.lower().startswith(_BESIDE))
    return "\n\n".join([table, *below, *(f"{_said(note)}." for note in told)])


def _unmeasured(manifest: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    several = len(summary["models"]) > 1
    missing, unfinished = [], []
    for model in gaps(summary):
        of = f" on {markdown(model.model)}" if several else ""
        missing += [f"- {gap.count:,}{of}: {_said(gap.why)} ({_said(gap.where)})" for gap in model.gaps]
        if model.unfinished:
            unfinished.append(f"- {model.unfinished:,}{of}: not finished yet")
    lines = [*_cut(unfinished), *_cut(missing), *_cut([f"- {_said(line)}" for line in data_gaps(manifest, summary)])]
    lines += _cut([f"- {_said(line)}" for line in without(summary)])
    if people := counted(summary):
        lines += _cut([f"- left to people, since a judge calls it borderline: {_said(line)}" for line in people])
    told = manifest.get("adversarial") or {}
    lines += _cut(
        [
            f"- attack {markdown(one['attack'])} was left out: add {_said(one['needs'])}"
            for one in told.get("skipped", ())
        ]
    )
    if told.get("mode") == "worst-case":
        lines.append(
            "- cells beyond a case's first success; rates over answers come from a slice that was drawn before the run"
        )
    if absent := not_assessed(manifest):
        lines.append(f"- not looked at in this run: {words.listed([line.partition(' (')[0] for line in absent])}")
    if not lines:
        return ["Everything that was planned was measured."]
    return [
        "**Not measured** (attempts without a result enter no value; worst to best shows what they might change):",
        "",
        *lines,
    ]


def _cut(lines: list[str]) -> list[str]:
    return [*lines[:_LINES], f"- and {len(lines) - _LINES:,} more, see report.html"] if len(lines) > _LINES else lines


def _judges(manifest: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    lines = []
    for judge in judge_boxes(manifest, summary)[:_LINES]:
        reads = f" reads {_said(judge.reads)}" if judge.reads else ""
        reads += f". {_said(judge.sees)}" if judge.sees else ""
        strange = f" {_said(judge.languages)}" if judge.languages else ""
        lines.append(f"**Judge** {_said(judge.identity)}{reads}. {_said(' '.join(judge.error))}{strange}")
        lines.append("")
    return lines[:-1]


def _said(sentence: str) -> str:
    return markdown(sentence, most=_SENTENCE)
