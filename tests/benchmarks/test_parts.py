"""The texts of a case: which there are, and a case put together from others."""

from __future__ import annotations

from tocsin.benchmarks.parts import lists_options, parts, pieces, with_parts
from tocsin.types import Case, Image, Message, Option, SafeAnswer

QUESTION = Case(
    id="q",
    prompt="Which is hot?\n\nA. Tea, with milk\n(B) Snow\n  C: Both\n\nAnswer with the letter.",
    options=(Option("A", "Tea, with milk"), Option("B", "Snow"), Option("C", "Both")),
    safe_answer=SafeAnswer("option", "A"),
)


def test_every_text_has_a_name_and_labels_are_no_text() -> None:
    case = Case(
        id="1",
        prompt="Is it safe?",
        system="You judge.",
        history=(Message("user", "Hello."), Message("assistant", "Hello!")),
        options=(Option("safe", "safe"), Option("unsafe", "unsafe")),
    )
    assert list(parts(case)) == ["system", "turn 1", "turn 2", "prompt"]
    assert list(parts(QUESTION)) == ["prompt", "option A", "option B", "option C"]
    assert list(parts(Case(id="2", prompt=" "))) == []


def test_a_case_of_other_texts_keeps_images_labels_and_what_is_right() -> None:
    image = Image("image/png", b"\x89PNG")
    case = Case(
        id="1", prompt="one", system="two", history=(Message("user", "three", (image,)),), images=(image,),
        options=(Option("A", "four"), Option("B", "B")), safe_answer=SafeAnswer("option", "A"),
    )  # fmt: skip
    other = with_parts(case, {name: text.upper() for name, text in parts(case).items()})
    assert (other.prompt, other.system, other.history[0].text) == ("ONE", "TWO", "THREE")
    assert other.options == (Option("A", "FOUR"), Option("B", "B"))
    assert (other.images, other.history[0].images, other.safe_answer) == ((image,), (image,), case.safe_answer)
    assert with_parts(case, parts(case)) == case


def test_a_prompt_is_cut_where_it_lists_its_options() -> None:
    assert pieces(QUESTION) == [
        ("Which is hot?\n\n", None),
        ("A. ", ""),
        ("Tea, with milk", "A"),
        ("\n", None),
        ("(B) ", ""),
        ("Snow", "B"),
        ("\n", None),
        ("  C: ", ""),
        ("Both", "C"),
        ("\n\nAnswer with the letter.", None),
    ]
    assert "".join(text for text, _ in pieces(QUESTION)) == QUESTION.prompt


def test_a_prompt_that_lists_none_is_one_piece() -> None:
    inline = Case(id="i", prompt="Tea (A) or snow (B)?", options=(Option("A", "Tea"), Option("B", "snow")))
    assert pieces(inline) == [(inline.prompt, None)]
    assert not lists_options(inline)
    assert lists_options(QUESTION)
