"""Which records are shown as examples, and what of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.engine.triggers import trigger
from tests.pictures import png
from tests.report.conftest import MARKER
from tests.report.planted import Built, Page, Planted, comply, failed, plant, refuse, safe, unsafe, unscored
from tocsin.api import Run, write_results
from tocsin.journal import Journal, PlannedCase, connect
from tocsin.journal.folder import JOURNAL
from tocsin.report import write_html, write_markdown
from tocsin.report.examples import examples
from tocsin.types import Answer, ErrorKind, Image, Outcome, Record


def shown(built: Built, *, reveal: bool = False, each: int = 3, most: int = 99) -> list[tuple[str, str]]:
    groups = examples(built.db, built.summary, reveal=reveal, each=each, most=most)
    return [(one.outcome, one.case_id) for group in groups for one in group.examples]


def test_by_default_no_word_of_a_prompt_or_an_answer_is_on_the_page(real_run: Run) -> None:
    html = (real_run.folder / "report.html").read_text(encoding="utf-8")
    assert MARKER not in html
    assert "tell me about birds" not in html
    assert "can't help with that" not in html
    page = Page(html)
    assert not page.section("examples").all("details")
    (first, *_) = page.section("examples").all("li")
    assert "characters, hidden: tocsin report RUN --reveal" in first.text
    assert "Refused no" in first.text
    assert "Language" in first.text


def test_reveal_shows_prompts_and_answers_collapsed_and_isolated(real_run: Run, tmp_path: Path) -> None:
    db = connect(real_run.folder / "journal.sqlite", read_only=True)
    page = Page(write_html(db, real_run.manifest, real_run.summary, reveal=True))
    assert "Not redacted" in page.find("header")[0].text
    blocks = page.section("examples").all("details")
    assert MARKER in blocks[0].all("pre")[0].text
    assert all("open" not in block.attributes for block in blocks)
    assert all(block.all("pre")[0].attributes["dir"] == "auto" for block in blocks)
    assert "unicode-bidi:isolate" in page.find("style")[0].text
    assert "--reveal" not in page.section("examples").text


def test_reveal_of_a_folder_is_undone_by_writing_it_again(real_run: Run) -> None:
    write_results(real_run.folder, real_run.manifest, reveal=True)
    assert MARKER in (real_run.folder / "report.html").read_text(encoding="utf-8")
    assert MARKER not in (real_run.folder / "report.md").read_text(encoding="utf-8")
    write_results(real_run.folder, real_run.manifest)
    assert MARKER not in (real_run.folder / "report.html").read_text(encoding="utf-8")


def test_details_and_rationales_are_hidden_with_the_texts(tmp_path: Path, base: dict[str, Any]) -> None:
    records = [failed(refuse(1), detail="the server said quokka"), unsafe(refuse(2))._replace(detail="as quokka shows")]
    built = plant(tmp_path / "run", records, base)
    assert "quokka" not in write_html(*built)
    assert write_html(*built, reveal=True).count("quokka") == 2


def test_unsafe_ones_come_first_and_the_order_of_the_run_decides(tmp_path: Path, base: dict[str, Any]) -> None:
    records = [
        *(safe(refuse(n)) for n in range(5)), *(unsafe(refuse(n)) for n in range(5, 10)), failed(refuse(10)),
        unscored(refuse(11)), unsafe(comply(1)), safe(comply(2)),
    ]  # fmt: skip
    built = plant(tmp_path / "run", records, base)
    assert shown(built) == [
        ("unsafe", "r5"), ("unsafe", "r6"), ("unsafe", "r7"), ("unscored", "r11"), ("error", "r10"),
        ("safe", "r0"), ("safe", "r1"), ("safe", "r2"), ("unsafe", "c1"), ("safe", "c2"),
    ]  # fmt: skip
    assert shown(built) == shown(built)
    assert shown(built, each=1, most=3) == [("unsafe", "r5"), ("unscored", "r11"), ("unsafe", "c1")]


def test_what_does_not_count_yet_is_no_example(tmp_path: Path, base: dict[str, Any]) -> None:
    records = [safe(refuse(1)), Planted(refuse(2), None), unsafe(refuse(3)), unsafe(comply(1))]
    assert shown(plant(tmp_path / "run", records, base)) == [("safe", "r1"), ("unsafe", "c1")]


def test_each_target_has_its_own(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1))], base, targets=["a/one", "b/two"])
    groups = examples(built.db, built.summary, reveal=False, each=3, most=9)
    assert [group.model for group in groups] == ["a/one", "b/two"]


def test_the_latest_attempt_is_the_one_that_is_shown(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [failed(refuse(1)), safe(refuse(2))], base)
    built.db.close()

    async def again() -> None:
        journal = Journal(tmp_path / "run")
        journal.add_record(Record(cell=1, attempt=1, outcome=Outcome.UNSAFE, refused=False))
        await journal.close()

    import asyncio

    from tocsin.results.summary import summarise

    asyncio.run(again())
    db = connect(tmp_path / "run" / JOURNAL, read_only=True)
    assert shown(Built(db, built.manifest, summarise(db, built.manifest))) == [("unsafe", "r1"), ("safe", "r2")]


def test_what_the_filter_stopped_is_shown_in_no_case(tmp_path: Path, base: dict[str, Any]) -> None:
    stopped = PlannedCase("cases", "stopped-case", refuse(9), ErrorKind.WITHHELD, "the filter (sha256 0011)")
    records = [
        Planted(stopped, "error", reason="withheld"),
        Planted(refuse(1), "unscored", Answer(withheld="feedfacefeedface"), reason="withheld"),
        Planted(refuse(2), "unsafe", Answer(withheld="feedfacefeedface"), refused=False),
        unsafe(refuse(3)),
    ]
    built = plant(tmp_path / "run", records, base)
    for reveal in (False, True):
        html = write_html(*built, reveal=reveal)
        assert "stopped-case" not in html
        assert "feedface" not in html
        assert shown(built, reveal=reveal) == [("unsafe", "r3")]
    assert "2" in Page(write_html(*built)).section("unmeasured").all("tbody")[0].all("td")[0].text


def test_a_text_that_meets_the_filter_now_is_not_revealed(tmp_path: Path, base: dict[str, Any]) -> None:
    stopped = trigger()
    built = plant(tmp_path / "run", [unsafe(refuse(1), f"wombat {stopped}"), unsafe(refuse(2), "numbat")], base)
    html = write_html(*built, reveal=True)
    assert "numbat" in html
    assert "wombat" not in html
    assert stopped not in html
    assert "meets the filter" in html


def test_long_texts_are_cut_and_their_length_is_said(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1), "y" * 5000)], base)
    assert "5,000 characters" in write_html(*built)
    html = write_html(*built, reveal=True)
    assert "y" * 2000 in html
    assert "y" * 2001 not in html
    assert "(3,000 more characters)" in html


def test_control_and_reversing_characters_are_written_out(tmp_path: Path, base: dict[str, Any]) -> None:
    text = "a\x00b\x1bc\u202ed\u200be\U000e0041f\ud800g\u2028h\u202a" + "\u202e" * 1900
    built = plant(tmp_path / "run", [unsafe(refuse(1, prompt="مرحبا"), text.replace("\ud800", ""))], base)
    html = write_html(*built, reveal=True)
    assert "a⟨U+0000⟩b⟨U+001B⟩c⟨U+202E⟩d⟨U+200B⟩e⟨U+E0041⟩fg⟨U+2028⟩h⟨U+202A⟩" in html
    assert "⟨U+202E⟩" * 1900 in html, "signs that are written out do not cut the text short"
    assert "مرحبا" in html
    assert not set("\x00\x1b\u202e\u200b\u2028\u202a") & set(html)


def test_a_dialogue_shows_every_turn_and_says_of_its_image_why_it_is_not_shown(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    case = refuse(1, prompt="last words", system="be a bird", images=(Image("image/png", png()),))
    built = plant(tmp_path / "run", [unsafe(case)], base)
    assert "and 1 image (64×48, PNG, " in write_html(*built)
    page = Page(write_html(*built, reveal=True))
    assert [s.text for s in page.section("examples").all("summary")] == [
        "Prompt (system)",
        "Prompt (user)",
        "Answer, 13 characters",
    ]
    assert "not shown: the folder of the run is not at hand" in page.section("examples").text
    assert not page.find("img")


def test_markdown_holds_no_text_of_a_case(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(
        tmp_path / "run", [unsafe(refuse(1, prompt="quoll"), "bandicoot"), failed(refuse(2), detail="bilby")], base
    )
    told = write_markdown(built.manifest, built.summary)
    assert not any(word in told for word in ("quoll", "bandicoot", "bilby"))
