"""A table of translations: what is read of it, what is said of its faults, and the cases that come of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.benchmarks.rows import row
from tocsin.benchmarks import Benchmark
from tocsin.benchmarks.translated import (
    COLUMNS,
    SourceChanged,
    Translations,
    check,
    digest,
    kind_of,
    read_translations,
    translated,
)
from tocsin.datasets import Dataset, File, Own, Row, RowError
from tocsin.types import COMPLY, Case, Option, SafeAnswer

TEXTS = {"q1": "How is tea made?", "q2": "How is bread made?"}


def benchmark(name: str = "kitchen") -> Benchmark:
    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for one in rows:
            yield Case(id=one.text("id"), prompt=one.text("prompt"), cluster=str(one.get("cluster", "")), hazard="heat")

    dataset = Dataset(name=name, title="t", origin=Own(), files=(File("k.jsonl"),), licence="own")
    return Benchmark(name=name, title="t", cases=cases, dataset=dataset, judge="refusal", measures="safety", version=1)


def line(case: str = "q1", language: str = "th", **fields: Any) -> dict[str, Any]:
    source = TEXTS.get(case, "")
    told = f"[{language}] {source}"
    return {
        "benchmark": "kitchen", "case": case, "language": language, "part": "prompt", "source": source, "translation": told,
        "back_translation": source, "similarity": "1.000", "status": "machine", "note": "", "source_sha256": digest(source),
        "machine_sha256": digest(told),
    } | fields  # fmt: skip


def written(path: Path, *lines: Mapping[str, Any], columns: Iterable[str] = COLUMNS) -> Path:
    told = io.StringIO()
    writer = csv.DictWriter(told, list(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(lines)
    path.write_text(told.getvalue(), encoding="utf-8-sig", newline="")
    return path


def read(tmp_path: Path, *lines: Mapping[str, Any]) -> Translations:
    return read_translations(written(tmp_path / "t.csv", *lines))


def rows(**more: Any) -> list[Row]:
    return [row(id=name, prompt=text, line=number, **more) for number, (name, text) in enumerate(TEXTS.items(), 1)]


def statuses(found: Translations) -> list[str]:
    return [
        one.status
        for cases in found.lines.values()
        for languages in cases.values()
        for lines in languages.values()
        for one in lines
    ]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_each_case_is_followed_by_its_translations(tmp_path: Path) -> None:
    found = read(tmp_path, line(), line(language="es", status="accepted"), line("q2", "es", status="doubtful"))
    made = translated(benchmark(), found)
    assert made.paired
    cases = [case for one in rows() for case in made.cases([one])]
    assert [case.id for case in cases] == ["q1", "q1.th", "q1.es", "q2", "q2.es"]
    assert [case.language for case in cases] == ["en", "th", "es", "en", "es"]
    assert [case.tags.get("translation") for case in cases] == [None, "machine", "reviewed", None, "doubtful"]
    assert cases[1].prompt == "[th] How is tea made?"
    assert {case.tags["source_id"] for case in cases[1:3]} == {"q1"} == {case.cluster for case in cases[1:3]}
    assert {case.hazard for case in cases} == {"heat"}
    assert benchmark().paired is False


def test_a_cluster_of_the_source_stays_its_translations_cluster(tmp_path: Path) -> None:
    made = translated(benchmark(), read(tmp_path, line()))
    assert [case.cluster for case in made.cases(rows(cluster="pot"))] == ["pot", "pot", "pot"]


def test_only_what_a_person_has_read_is_taken_where_that_is_asked_for(tmp_path: Path) -> None:
    found = read(tmp_path, line(), line("q2", status="accepted"), line(language="es", translation="¿Cómo?"))
    made = translated(benchmark(), found, only_reviewed=True)
    assert [case.id for case in made.cases(rows())] == ["q1", "q1.es", "q2", "q2.th"]
    made = translated(benchmark(), found, languages=["th"])
    assert [case.id for case in made.cases(rows())] == ["q1", "q1.th", "q2", "q2.th"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "machine"),
        ({"status": " Accepted "}, "accepted"),
        ({"translation": "another"}, "mended"),
        ({"translation": "another", "status": "doubtful"}, "mended"),
        ({"translation": "another", "status": "accepted"}, "mended"),
        ({"translation": "another", "status": "rejected"}, "rejected"),
        ({"translation": "[th] How is tea made?\r\n"}, "machine"),
        ({"status": "mended"}, "mended"),
        ({"status": "failed", "translation": "", "machine_sha256": ""}, "failed"),
        ({"status": "failed", "translation": "by hand", "machine_sha256": ""}, "mended"),
        ({"status": "machine", "machine_sha256": ""}, "machine"),
        ({"status": "rejected", "translation": ""}, "rejected"),
    ],
)
def test_status_follows_from_what_a_person_wrote(fields: dict[str, Any], status: str, tmp_path: Path) -> None:
    assert statuses(read(tmp_path, line(**fields))) == [status]


def test_what_was_rejected_or_failed_is_left_out_and_counted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        line(status="rejected"),
        line("q2", status="failed", translation="", machine_sha256=""),
        line(language="es"),
    )
    assert [case.id for case in translated(benchmark(), found).cases(rows())] == ["q1", "q1.es", "q2"]
    assert found.counts("kitchen") == {
        "es": {"machine": 1, "doubtful": 0, "reviewed": 0, "rejected": 0, "failed": 0},
        "th": {"machine": 0, "doubtful": 0, "reviewed": 0, "rejected": 1, "failed": 1},
    }
    assert found.counts("pantry") == {}


def test_a_case_of_several_parts_is_what_its_worst_part_is(tmp_path: Path) -> None:
    def kind(*said: str) -> str:
        lines = [line(part=f"turn {n}", status=one) for n, one in enumerate(said, 1)]
        return kind_of(read(tmp_path, *lines).lines["kitchen"]["q1"]["th"])

    assert kind("accepted", "mended") == "reviewed"
    assert kind("accepted", "machine") == "machine"
    assert kind("machine", "doubtful") == "doubtful"
    assert kind("accepted", "rejected", "doubtful") == "rejected"


def test_a_table_of_ones_own_needs_no_digests(tmp_path: Path) -> None:
    columns = ("benchmark", "case", "language", "part", "source", "translation", "status")
    path = written(tmp_path / "own.csv", line(translation="ชงชาอย่างไร", status="accepted"), columns=columns)
    (_, case, _) = translated(benchmark(), read_translations(path)).cases(rows())
    assert (case.prompt, case.tags["translation"]) == ("ชงชาอย่างไร", "reviewed")


# -- faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "acepted"}, "line 3: the status 'acepted' is not known: did you mean 'accepted'?"),
        ({"status": "?"}, "line 3: the status .* there are machine, doubtful, failed, accepted, rejected, mended"),
        ({"language": "xx-none"}, "line 3: .*xx-none"),
        ({"translation": " "}, "line 3: is machine and has no translation: write one, or say 'rejected'"),
        ({"case": ""}, "line 3: field 'case' holds no text"),
        ({"source": "", "source_sha256": ""}, "line 3: is machine and does not say of which text"),
        ({"case": "q1"}, "line 3: names 'prompt' of case 'q1' in 'th' a second time"),
    ],
)
def test_faults_of_a_row_are_said_with_their_line(fields: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(RowError, match=said):
        read(tmp_path, line(), line(**{"case": "q2", **fields}))


def test_a_table_without_rows_is_none(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="no row below its header"):
        read(tmp_path)


def test_line_of_a_case_that_there_is_not_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, line(), line("q3"), line("q4"))
    with pytest.raises(RowError, match=r"t\.csv, line [34]: benchmark 'kitchen' has no case 'q[34]'"):
        check(found, benchmark(), rows())
    check(read(tmp_path, line(), line("q2")), benchmark(), [RowError("k.jsonl", 9, "is not JSON"), *rows()])


def options(one: Row) -> Benchmark:
    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for _ in rows:
            yield Case(
                id="q1",
                prompt="Which is hot?\nA. Tea\nB. Snow",
                options=(Option("A", "Tea"), Option("B", "Snow")),
                safe_answer=SafeAnswer("option", "A"),
            )

    return replace(benchmark(), cases=cases)


def choices(**changed: str) -> list[dict[str, Any]]:
    source = {"prompt": "Which is hot?\nA. Tea\nB. Snow", "option A": "Tea", "option B": "Snow"}
    there = {"prompt": "ไหนร้อน\nA. ชา\nB. หิมะ", "option A": "ชา", "option B": "หิมะ"}
    return [
        line(
            part=part, source=text, source_sha256=digest(text), machine_sha256=digest(there[part]),
            translation=changed.get(part.replace(" ", "_"), there[part]),
        )
        for part, text in source.items()
    ]  # fmt: skip


def test_options_keep_their_labels_and_what_is_right(tmp_path: Path) -> None:
    made = translated(options(rows()[0]), read(tmp_path, *choices()))
    check(read(tmp_path, *choices()), options(rows()[0]), rows()[:1])
    _, case = made.cases(rows()[:1])
    assert case.options == (Option("A", "ชา"), Option("B", "หิมะ"))
    assert case.safe_answer == SafeAnswer("option", "A")


def test_an_option_that_was_mended_in_one_place_alone_is_said(tmp_path: Path) -> None:
    found = read(tmp_path, *choices(option_A="น้ำชา ร้อน"))
    with pytest.raises(
        RowError, match=r"line 3: case 'q1': option A reads otherwise in the prompt \(line 2\): mend both"
    ):
        check(found, options(rows()[0]), rows()[:1])
    check(read(tmp_path, *choices(option_A="น้ำชา", prompt="A. น้ำชา\nB. หิมะ")), options(rows()[0]), rows()[:1])


def test_a_part_that_is_missing_or_too_many_is_said(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="lacks its 'option B' in 'th'"):
        check(read(tmp_path, *choices()[:2]), options(rows()[0]), rows()[:1])
    with pytest.raises(RowError, match="case 'q1' has no 'option C'; it has prompt, option A, option B"):
        check(read(tmp_path, *choices(), line(part="option C")), options(rows()[0]), rows()[:1])
    rejected = [one | {"status": "rejected"} for one in choices()[:2]]
    check(read(tmp_path, *rejected), options(rows()[0]), rows()[:1])


def test_a_source_that_changed_since_is_an_error_of_its_row(tmp_path: Path) -> None:
    made = translated(benchmark(), read(tmp_path, line(), line("q2")))
    first, second = rows()
    changed = row(id="q1", prompt="How is coffee made?", line=7)
    got = made.cases([changed])
    assert next(got).id == "q1"
    with pytest.raises(
        SourceChanged, match=r"invented\.jsonl, line 7: case 'q1' has another 'prompt' .*t\.csv, line 2"
    ):
        next(got)
    assert [case.id for case in made.cases([second])] == ["q2", "q2.th"]
    assert [case.id for case in made.cases([first])] == ["q1", "q1.th"]


def test_what_the_case_wants_stays(tmp_path: Path) -> None:
    base = benchmark()

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for case in base.cases(rows):
            yield replace(case, safe_answer=COMPLY, tags={"twin": "yes"})

    made = translated(replace(base, cases=cases), read(tmp_path, line()))
    case = list(made.cases(rows()[:1]))[1]
    assert case.safe_answer == COMPLY
    assert case.tags == {"twin": "yes", "translation": "machine", "source_id": "q1"}
