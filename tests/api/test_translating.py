"""A benchmark in other languages, from translation to assessment: a scripted translator on a real socket, and a real journal."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.attacks.played import play
from tests.attacks.tongues import translator
from tests.benchmarks.test_parts import QUESTION
from tests.engine.triggers import trigger
from tests.evaluations.test_roles import configured
from tests.journal.real_runs import end_all, finish, kill, rows, run_folder, start, wait_until
from tests.models.endpoints import Asked, Endpoint, Said, chat, endpoint, error
from tocsin.api import TranslatedRun, assess, load_run, resume, resume_translation, translate
from tocsin.attacks.translating import TO, Translate, said_of
from tocsin.benchmarks.translated import COLUMNS
from tocsin.datasets import RowError
from tocsin.datasets.sheet import sheet_text
from tocsin.engine import Ending, Limits
from tocsin.journal import JournalError, ReplayDiverged, open_journal
from tocsin.languages import UnknownLanguage
from tocsin.results.translated import KINDS
from tocsin.results.translated import translated as translations_of
from tocsin.types import Case, Message, Request

NO = "I'm sorry, but I can't help with that."


MARKS = {"th": "[ไทย] ", "es": "[es] "}
"""What the scripted translator puts before a text, in the language's own script."""


class Wanted(NamedTuple):
    """What a translator was asked."""

    source: str
    target: str
    text: str


def wanted(asked: Asked) -> Wanted | None:
    """None where it is not a translation that was asked for."""
    messages = [message["content"] for message in asked.json["messages"]]
    found = re.search(r"from the language (\S+) to the language (\S+) ", messages[0])
    return Wanted(found[1], found[2], messages[-1]) if found else None


def said(text: str) -> Said:
    return chat(json.dumps({"translation": text}))


def faithful(asked: Asked) -> Said:
    """A translator that puts a mark before a text, and takes it away on the way back; a target that refuses."""
    one = wanted(asked)
    if one is None:
        return chat(NO)
    mark = MARKS.get(one.source, "?")
    return said(one.text.removeprefix(mark) if one.text.startswith(mark) else f"{MARKS[one.target]}{one.text}")


@pytest.fixture
def scripted() -> Iterator[Endpoint]:
    with endpoint(faithful) as server:
        yield server


def own(folder: Path, *cases: dict[str, Any]) -> Path:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases), encoding="utf-8")
    return path


def tea(count: int) -> list[dict[str, Any]]:
    return [{"id": f"q{n}", "prompt": f"How is tea number {n} brewed in the morning?"} for n in range(count)]


def translated(server: Any, folder: Path, benchmark: Path | str, **options: Any) -> TranslatedRun:
    config = configured(folder, translator=server)
    chosen: dict[str, Any] = {
        "to": ["th", "es"],
        "roles": {"translator": "translator"},
        "out": folder / "runs",
    } | options
    return translate(str(benchmark), config=config, **chosen)


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def changed(path: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """The table as a person saves it again."""
    path.write_text(sheet_text(COLUMNS, [row | change(row) for row in table(path)]), encoding="utf-8", newline="")


# -- what is asked, and what comes of it ---------------------------------------------------------------------------------


def test_every_case_is_translated_into_every_language_and_back(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(3)))
    assert (done.complete, done.failed, done.unfinished) == (True, 0, 0)
    assert len(scripted.asked) == 3 * 2 * 2
    asked = Counter((one.source, one.target) for one in map(wanted, scripted.asked) if one)
    assert asked == {("en", "th"): 3, ("th", "en"): 3, ("en", "es"): 3, ("es", "en"): 3}
    assert rows(done.folder, "SELECT DISTINCT role FROM calls") == [("translator",)]
    lines = table(done.path)
    assert tuple(lines[0]) == COLUMNS
    assert done.path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert [(line["case"], line["language"]) for line in lines] == [
        (f"q{n}", code) for n in range(3) for code in ("th", "es")
    ]
    first = lines[0]
    assert first["translation"] == f"[ไทย] {first['source']}"
    assert (first["back_translation"], first["similarity"], first["status"]) == (first["source"], "1.000", "machine")
    assert done.counts["th"] == {"machine": 3, "doubtful": 0, "reviewed": 0, "rejected": 0, "failed": 0}
    assert done.manifest["kind"] == "translation"
    assert done.manifest["roles"]["translator"]["translator"]["identity"].startswith("translator@http://127.0.0.1")
    assert (done.folder / "run.json").stat().st_mode & 0o077 == 0 == done.path.stat().st_mode & 0o077


def test_a_translation_is_no_measurement_of_safety(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(2)))
    assert rows(done.folder, "SELECT DISTINCT outcome, reason, score FROM records") == [("unscored", "", None)]
    assert not (done.folder / "summary.json").exists()
    with pytest.raises(JournalError, match="translates a benchmark: it goes on with tocsin translate --resume"):
        resume(done.folder)
    with pytest.raises(JournalError, match="translates a benchmark"):
        load_run(done.folder)


def test_system_options_and_turns_are_translated_and_labels_are_not(scripted: Endpoint, tmp_path: Path) -> None:
    asked = msgspec.structs.replace(QUESTION, system="Answer shortly.")
    path = own(
        tmp_path,
        {
            "id": "mcq", "prompt": asked.prompt, "system": asked.system, "expected": "A",
            "options": [one.text for one in asked.options],
        },
        {"id": "label", "prompt": "Is this safe or unsafe?", "expected": "unsafe"},
    )  # fmt: skip
    done = translated(scripted, tmp_path, path, to=["th"])
    found = {(line["case"], line["part"]): line for line in table(done.path)}
    assert set(found) == {
        ("mcq", "system"), ("mcq", "prompt"), ("mcq", "option A"), ("mcq", "option B"), ("mcq", "option C"),
        ("label", "prompt"),
    }  # fmt: skip
    assert found["mcq", "prompt"]["translation"] == (
        "[ไทย] Which is hot?\n\nA. [ไทย] Tea, with milk\n(B) [ไทย] Snow\n  C: [ไทย] Both\n\n[ไทย] Answer with the letter."
    )
    assert found["mcq", "prompt"]["back_translation"] == asked.prompt
    assert found["mcq", "option B"]["translation"] == "[ไทย] Snow"
    assert found["mcq", "system"]["translation"] == "[ไทย] Answer shortly."


def test_a_dialogue_that_came_before_is_translated(tmp_path: Path) -> None:
    """By the plug-in itself, since no benchmark of tocsin has such cases yet."""
    history = (Message("user", "Hello."), Message("assistant", "Good morning."))
    case = Case(id="d", prompt="How is tea made?", history=history, tags={TO: "th"})
    played = play(tmp_path / "run", Translate(), target=NO, translator=translator, cases=[case])
    assert played.target.asked == []
    assert played.reading is not None
    assert {name: both.translation for name, both in said_of(played.reading).items()} == {
        "turn 1": "[th] Hello.", "turn 2": "[th] Good morning.", "prompt": "[th] How is tea made?",
    }  # fmt: skip


def test_what_comes_back_otherwise_is_doubtful_and_so_is_an_echo(tmp_path: Path) -> None:
    def reply(asked: Asked) -> Said:
        one = wanted(asked)
        assert one is not None
        if "number 0" in one.text:
            return said(one.text)  # it says in Thai what it was given in English
        if one.target == "en" and "number 1" in one.text:
            return said("Bicycles have two wheels.")
        if "unsafe" in one.text:
            return said("ปลอดภัยไหม")
        if one.text == "ปลอดภัยไหม":
            return said("Is it safe or unsafe?")
        if one.target == "th" and "number 3" in one.text:
            return said("¿Cómo se hace el té número 3?")
        if one.target == "en" and "té" in one.text:
            return said("How is tea number 3 brewed in the morning?")
        return faithful(asked)

    cases = [*tea(4), {"id": "label", "prompt": "Is it safe or unsafe?", "expected": "unsafe"}]
    with endpoint(reply) as server:
        done = translated(server, tmp_path, own(tmp_path, *cases), to=["th"])
    found = {line["case"]: (line["status"], line["note"]) for line in table(done.path)}
    assert found["q0"] == ("doubtful", "the translation is the source itself; no letter of the translation is Thai")
    assert found["q3"] == ("doubtful", "no letter of the translation is Thai")
    assert found["q1"] == ("doubtful", "the way back reads otherwise")
    assert found["q2"] == ("machine", "")
    assert found["label"][0] == "doubtful"
    assert "'unsafe' is no longer named" in found["label"][1]
    assert done.counts["th"] == {"machine": 1, "doubtful": 4, "reviewed": 0, "rejected": 0, "failed": 0}


def test_threshold_says_what_is_doubtful(scripted: Endpoint, tmp_path: Path) -> None:
    def reply(asked: Asked) -> Said:
        one = wanted(asked)
        return said("How is it brewed?") if one and one.target == "en" else faithful(asked)

    with endpoint(reply) as server:
        strict = translated(server, tmp_path, own(tmp_path, *tea(2)), to=["th"], threshold=0.9)
        mild = translated(server, tmp_path, own(tmp_path, *tea(2)), to=["th"], threshold=0.0)
    assert (strict.counts["th"]["doubtful"], mild.counts["th"]["doubtful"]) == (2, 0)
    assert strict.manifest["translation"] == {"languages": ["th"], "similarity": "chrF", "threshold": 0.9}


def test_case_is_not_translated_into_its_own_language(scripted: Endpoint, tmp_path: Path) -> None:
    path = own(tmp_path, {"id": "a", "prompt": "¿Cómo?", "language": "es"}, {"id": "b", "prompt": "How?"})
    done = translated(scripted, tmp_path, path, to=["es", "th"])
    assert [(line["case"], line["language"]) for line in table(done.path)] == [("a", "th"), ("b", "es"), ("b", "th")]
    assert ("es", "th") in {(one.source, one.target) for one in map(wanted, scripted.asked) if one}
    with pytest.raises(ValueError, match="has no case that is not in these languages already"):
        translated(scripted, tmp_path, own(tmp_path, {"prompt": "¿Cómo?", "language": "es"}), to=["es"])
    assert len(list((tmp_path / "runs").iterdir())) == 1, "nothing is left of a run without a plan"


# -- what goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (chat(NO), "it refused"),
        (chat("", finish="content_filter"), "it refused"),
        (chat('{"translation": ""}'), "cannot be used"),
        (error(500, "broken"), "server"),
    ],
)
def test_what_a_translator_does_not_translate_is_listed_and_never_dropped(
    answer: Said, why: str, tmp_path: Path
) -> None:
    def reply(asked: Asked) -> Said:
        one = wanted(asked)
        return answer if one and "number 1" in one.text and one.target == "th" else faithful(asked)

    with endpoint(reply) as server:
        done = translated(server, tmp_path, own(tmp_path, *tea(3)))
    assert done.complete
    assert done.errors_by_kind == {"not_delivered": 1}
    assert done.counts["th"]["failed"] == 1
    assert done.counts["es"]["failed"] == 0
    (line,) = [line for line in table(done.path) if line["status"] == "failed"]
    assert (line["case"], line["language"], line["translation"]) == ("q1", "th", "")
    assert line["note"].startswith("not_delivered: translator: ")
    assert why in line["note"]
    assert line["source"] == tea(3)[1]["prompt"]


def test_a_refusal_in_the_place_of_a_translation_fails_and_is_never_asked(tmp_path: Path) -> None:
    def reply(asked: Asked) -> Said:
        one = wanted(asked)
        if one and "number 1" in one.text:
            return chat(json.dumps({"translation": "I'm sorry, but I can't help with that."}))
        return faithful(asked)

    with endpoint(reply) as server:
        done = translated(server, tmp_path, own(tmp_path, *tea(2)), to=["th"])
    kept = {line["case"]: (line["status"], line["translation"] != "", line["note"]) for line in table(done.path)}
    assert kept == {"q0": ("machine", True, ""), "q1": ("failed", False, "not_delivered: translator: it refused")}


def test_what_is_untranslated_is_tried_again_where_that_is_asked_for(tmp_path: Path) -> None:
    broken = [True]

    def reply(asked: Asked) -> Said:
        one = wanted(asked)
        return error(503) if broken[0] and one and "number 1" in one.text else faithful(asked)

    with endpoint(reply) as server:
        done = translated(server, tmp_path, own(tmp_path, *tea(3)), to=["th"])
        assert done.counts["th"] == {"machine": 2, "doubtful": 0, "reviewed": 0, "rejected": 0, "failed": 1}
        changed(done.path, lambda row: {"status": "accepted", "note": "read"} if row["case"] == "q0" else {})
        before = len(server.asked)
        again = resume_translation(done.folder, config=tmp_path / "tocsin.toml")
        assert (len(server.asked), again.failed) == (before, 1)
        broken[0] = False
        again = resume_translation(done.folder, retry_errors=True, config=tmp_path / "tocsin.toml")
        assert len(server.asked) == before + 2
    assert again.counts["th"] == {"machine": 2, "doubtful": 0, "reviewed": 1, "rejected": 0, "failed": 0}
    kept = {line["case"]: (line["status"], line["note"]) for line in table(done.path)}
    assert kept == {"q0": ("accepted", "read"), "q1": ("machine", ""), "q2": ("machine", "")}


def test_what_the_filter_stops_is_neither_sent_nor_written(scripted: Endpoint, tmp_path: Path) -> None:
    bad = trigger()
    done = translated(scripted, tmp_path, own(tmp_path, *tea(1), {"id": "w", "prompt": bad}), to=["th"])
    assert done.errors_by_kind == {"withheld": 1}
    assert not any(bad.encode() in one.body for one in scripted.asked)
    assert len(scripted.asked) == 2
    assert not any(bad.encode() in path.read_bytes() for path in done.folder.iterdir())
    (line,) = [line for line in table(done.path) if line["case"] == "w"]
    assert (line["status"], line["source"], line["language"]) == ("failed", "", "th")
    assert line["note"].startswith("withheld: ")
    run = assess(
        "translator",
        cases=tmp_path / "mine.jsonl",
        translations=done.path,
        config=tmp_path / "tocsin.toml",
        out=tmp_path,
    )
    assert rows(run.folder, "SELECT case_id FROM cases ORDER BY 1") == [("q0",), ("q0.th",), ("w",)]


def test_a_translation_that_the_filter_stops_is_not_kept(tmp_path: Path) -> None:
    bad = trigger()
    with endpoint(lambda asked: said(bad)) as server:
        done = translated(server, tmp_path, own(tmp_path, *tea(1)), to=["th"])
        assert len(server.asked) == 1, "and not translated back"
    assert done.failed == 1
    assert not any(bad.encode() in path.read_bytes() for path in done.folder.iterdir())


def test_rows_that_are_no_cases_are_counted(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(2), {"id": "bad"}), to=["th"])
    assert done.errors_by_kind == {"bad_row": 1}
    assert done.manifest["bad_rows"]["cases"]["rows"] == 1
    assert {line["case"] for line in table(done.path)} == {"q0", "q1"}
    with pytest.raises(ValueError, match="no row of its data can be translated"):
        translated(scripted, tmp_path, own(tmp_path, {"id": "bad"}))


def test_what_cannot_be_translated_is_said_before_anything_is_made(scripted: Endpoint, tmp_path: Path) -> None:
    path = own(tmp_path, *tea(1))
    with pytest.raises(UnknownLanguage, match="xx"):
        translated(scripted, tmp_path, path, to=["th", "xx"])
    with pytest.raises(ValueError, match="--to th,sw"):
        translated(scripted, tmp_path, path, to=[])
    for roles in ({}, {"translator": "translator", "judge": "translator"}):
        with pytest.raises(ValueError, match="--role translator=MODEL"):
            translated(scripted, tmp_path, path, roles=roles)
    with pytest.raises(ValueError, match="between 0 and 1"):
        translated(scripted, tmp_path, path, threshold=1.5)
    with pytest.raises(ValueError, match="needs the prices of translator"):
        translated(scripted, tmp_path, path, limits=Limits(cost=1.0))
    assert not (tmp_path / "runs").exists()
    assert scripted.asked == []


# -- stopping and going on -----------------------------------------------------------------------------------------------


def test_a_budget_stops_it_and_no_finished_call_is_made_again(scripted: Endpoint, tmp_path: Path) -> None:
    cut = translated(scripted, tmp_path, own(tmp_path, *tea(6)), limits=Limits(calls=9), concurrency=2)
    assert cut.ended.ending is Ending.BUDGET
    assert len(scripted.asked) == 9
    assert cut.unfinished >= 12 - 5
    assert len(table(cut.path)) == 12 - cut.unfinished
    done = resume_translation(cut.folder, config=tmp_path / "tocsin.toml")
    assert done.complete
    assert done.counts["es"]["machine"] == done.counts["th"]["machine"] == 6
    bodies = Counter(one.body for one in scripted.asked)
    assert len(bodies) == 24
    assert set(bodies.values()) == {1}


@pytest.mark.parametrize("deaths", [2])
def test_a_killed_translation_repeats_no_finished_call(deaths: int, tmp_path: Path) -> None:
    def slow(asked: Asked) -> Said:
        time.sleep(0.03)
        return faithful(asked)

    path = own(tmp_path, *tea(40))
    scratch, known = tmp_path / "scratch", set[str]()
    with endpoint(slow) as server:
        configured(tmp_path, translator=server)
        common = ("--config", tmp_path / "tocsin.toml", "--concurrency", "4", "--quiet")
        try:
            process = start(
                server.url, "translate", path, "--to", "th,es", "--role", "translator=translator", "--out", tmp_path / "runs",
                *common,
            )  # fmt: skip
            folder = run_folder(tmp_path / "runs")
            for _ in range(deaths):
                before = len(server.asked)
                wait_until(lambda before=before: len(server.asked) > before + 25)  # type: ignore[misc]
                kill(process)
                shutil.rmtree(scratch, ignore_errors=True)
                shutil.copytree(folder, scratch)
                answered = rows(scratch, "SELECT request FROM calls WHERE answer IS NOT NULL")
                known |= {_item(msgspec.json.decode(body, type=Request)) for (body,) in answered}
                time.sleep(0.1)
                mark = len(server.asked)
                process = start(server.url, "translate", "--resume", folder, *common)
                wait_until(lambda mark=mark: len(server.asked) > mark)  # type: ignore[misc]
                assert not {_asked(one) for one in server.asked[mark:]} & known
            code, lines = finish(process)
            assert code == 0, lines
            assert not {_asked(one) for one in server.asked[mark:]} & known
        finally:
            end_all()
    assert 25 < len(known) < 160
    assert len(table(folder / "translations.csv")) == 80
    assert {line["status"] for line in table(folder / "translations.csv")} == {"machine"}


def _item(request: Request) -> str:
    return "\0".join(message.text for message in request.messages)


def _asked(one: Asked) -> str:
    return "\0".join(message["content"] for message in one.json["messages"])


def test_another_translator_is_not_taken_for_the_first(scripted: Endpoint, tmp_path: Path) -> None:
    cut = translated(scripted, tmp_path, own(tmp_path, *tea(3)), limits=Limits(calls=3))
    with endpoint(faithful) as other:
        configured(tmp_path, translator=other)
        with pytest.raises(ReplayDiverged, match="translator 'translator' was"):
            resume_translation(cut.folder, config=tmp_path / "tocsin.toml")
        assert other.asked == []


def test_a_table_that_cannot_be_read_any_more_is_not_written_over(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(2)))
    saved = done.path.read_text(encoding="utf-8-sig").encode("utf-16")
    done.path.write_bytes(saved)
    with pytest.raises(RowError, match="UTF-16"):
        resume_translation(done.folder, retry_errors=True, config=tmp_path / "tocsin.toml")
    assert done.path.read_bytes() == saved


# -- from translation to assessment --------------------------------------------------------------------------------------


def tags(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Case → language and tags, as the journal of a run has them."""
    cases = [msgspec.json.decode(body, type=Case) for (body,) in rows(folder, "SELECT body FROM cases")]
    return {case.id: (case.language, case.tags) for case in cases}


def test_starter_in_thai_and_spanish_from_translation_to_assessment(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, "starter", limit=10)
    lines = table(done.path)
    assert len({line["case"] for line in lines}) == 10
    assert len(lines) == 20
    chosen = [(line["case"], line["language"]) for line in lines]

    def review(row: dict[str, str]) -> dict[str, str]:
        place = chosen.index((row["case"], row["language"]))
        if place < 4:
            return {"status": "accepted"}
        if place == 4:
            return {"translation": "แปลใหม่โดยคน"}
        return {"status": "rejected", "note": "wrong"} if place == 5 else {}

    changed(done.path, review)
    config = configured(tmp_path, translator=scripted, target=scripted)
    run = assess("target", benchmarks=["starter"], translations=done.path, config=config, out=tmp_path / "runs")
    found = tags(run.folder)
    translations = {case: about for case, about in found.items() if "translation" in about[1]}
    assert len(found) == 60 + 19
    assert len(translations) == 19
    for place, (source, code) in enumerate(chosen):
        if place == 5:
            assert f"{source}.{code}" not in found
            continue
        language, marked = translations[f"{source}.{code}"]
        assert (language, marked["source_id"]) == (code, source)
        assert marked["translation"] == ("reviewed" if place < 5 else "machine")
    prompts = [one.json["messages"][-1]["content"] for one in scripted.asked if wanted(one) is None]
    assert "แปลใหม่โดยคน" in prompts
    assert run.measured == 79
    db = open_journal(run.folder)
    assert sum(told[kind] for told in translations_of(db)["starter"].values() for kind in KINDS) == 19
    assert {code: kinds["reviewed"] for code, kinds in translations_of(db)["starter"].items() if kinds["reviewed"]} == {
        "es": 2,
        "th": 3,
    }
    db.close()
    told = run.manifest["translations"]
    assert told["file"] == "translations.csv"
    assert len(told["sha256"]) == 64
    assert told["benchmarks"]["starter"]["es"]["rejected"] == 1
    assert (run.folder / "report.html").exists()

    reviewed = assess(
        "target",
        benchmarks=["starter"],
        translations=done.path,
        only_reviewed=True,
        config=config,
        out=tmp_path / "runs",
    )
    assert sum("translation" in about for _, about in tags(reviewed.folder).values()) == 5


def test_a_stopped_assessment_of_translations_goes_on_without_the_table(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, "starter", limit=4)
    config = configured(tmp_path, translator=scripted, target=scripted)
    cut = assess(
        "target",
        benchmarks=["starter"],
        translations=done.path,
        config=config,
        out=tmp_path / "runs",
        limits=Limits(calls=20),
    )
    assert cut.ended.ending is Ending.BUDGET
    done.path.unlink()
    whole = resume(cut.folder, config=config)
    assert whole.complete
    assert whole.measured == 68
    bodies = Counter(one.body for one in scripted.asked if wanted(one) is None)
    assert set(bodies.values()) == {1}


def test_own_prompts_that_come_twice_are_found_in_the_table(scripted: Endpoint, tmp_path: Path) -> None:
    path = own(tmp_path, {"prompt": "How is tea made?"}, {"prompt": "How is tea made?"})
    done = translated(scripted, tmp_path, path, to=["th"])
    run = assess(
        "translator", cases=path, translations=done.path, config=tmp_path / "tocsin.toml", out=tmp_path / "runs"
    )
    found = tags(run.folder)
    assert len(found) == 4
    sources = {case for case, (_, about) in found.items() if not about}
    assert {about["source_id"] for _, about in found.values() if about} == sources


def test_a_table_that_is_of_nothing_that_is_run_is_said(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(2)))
    common: dict[str, Any] = {"config": tmp_path / "tocsin.toml", "out": tmp_path / "assessed"}
    with pytest.raises(
        ValueError, match="has translations of cases, and none of that is run: name it with --benchmark"
    ):
        assess("translator", benchmarks=["starter"], translations=done.path, **common)
    with pytest.raises(ValueError, match="no row is accepted or mended"):
        assess("translator", cases=tmp_path / "mine.jsonl", translations=done.path, only_reviewed=True, **common)
    with pytest.raises(ValueError, match="add --translations FILE"):
        assess("translator", cases=tmp_path / "mine.jsonl", only_reviewed=True, **common)
    own(tmp_path, *tea(1))
    with pytest.raises(RowError, match=r"translations\.csv, line \d: benchmark 'cases' has no case 'q1'"):
        assess("translator", cases=tmp_path / "mine.jsonl", translations=done.path, **common)
    assert not (tmp_path / "assessed").exists()


def test_a_source_that_changed_since_ends_as_a_bad_row(scripted: Endpoint, tmp_path: Path) -> None:
    done = translated(scripted, tmp_path, own(tmp_path, *tea(2)), to=["th"])
    path = own(tmp_path, {**tea(2)[0], "prompt": "How is coffee brewed?"}, tea(2)[1])
    run = assess(
        "translator", cases=path, translations=done.path, config=tmp_path / "tocsin.toml", out=tmp_path / "runs"
    )
    assert run.manifest["bad_rows"]["cases"]["rows"] == 1
    assert "case 'q0' has another 'prompt'" in run.manifest["bad_rows"]["cases"]["first"]
    assert set(rows(run.folder, "SELECT case_id FROM cases")) == {("q0",), ("mine.jsonl:1",), ("q1",), ("q1.th",)}
