"""What visual attacks draw of a request in Chinese, read back; a model that reads Arabic is not at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.played import play
from tests.attacks.reading import bare, likeness, opened, read
from tocsin.attacks import make
from tocsin.drawing import FontMissing, font
from tocsin.types import Case

TEA = Case(id="茶", prompt="如何用俄式茶炊泡一壶浓红茶？", language="zh")


@pytest.fixture(autouse=True, scope="module")
def _han() -> None:
    try:
        font(TEA.prompt, 20, language="zh")
    except FontMissing as lacking:
        pytest.skip(str(lacking))


@pytest.mark.parametrize(
    ("name", "parameters", "drawn"),
    [
        ("figstep", {}, TEA.prompt + "123"),
        ("query-relevant", {}, TEA.prompt.rstrip("？")),
        ("mml", {"mode": "rotate"}, TEA.prompt + "123"),
    ],
)
def test_chinese_is_read_back(tmp_path: Path, name: str, parameters: dict[str, str], drawn: str) -> None:
    played = play(tmp_path / "r", make(name, parameters), target="No.", cases=[TEA])
    picture = opened(played.images[0][0])
    lines = read(picture.rotate(180) if name == "mml" else picture)
    assert likeness("".join(lines), drawn) > 0.97


def test_the_parts_of_a_sheet_in_chinese_are_read_back(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("cs-dj", {"decompose": "rules"}), target="No.", cases=[TEA])
    sheet = opened(played.images[0][0])
    lines = read(sheet.crop((0, sheet.height - 376, sheet.width, sheet.height)))
    said = bare("".join(line for line in lines if "icture" not in line))
    assert sorted(said) == sorted(bare(TEA.prompt))


@pytest.mark.parametrize("language", ["ar", "hi", "th"])
def test_scripts_that_the_reader_does_not_know_are_drawn(tmp_path: Path, language: str) -> None:
    """Not read back: that each glyph is there, and no box, is shown in test_drawing."""
    from tests.attacks.test_drawing import TEXTS, inked

    case = Case(id="1", prompt=TEXTS[language], language=language)
    played = play(tmp_path / "r", make("figstep"), target="No.", cases=[case])
    if played.record["reason"] == "not_delivered":
        pytest.skip(played.record["detail"])
    left, _, right, _ = inked(opened(played.images[0][0]))
    assert right - left > 300
