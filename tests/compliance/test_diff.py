"""What a new text, or a newer set, means for a set that was made and reviewed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.compliance.scripted import REGULATION, scripted
from tests.compliance.test_generate import configured
from tests.evaluations.test_roles import main
from tests.models.endpoints import endpoint
from tocsin.api import compare_items, generate_items
from tocsin.benchmarks.items import read_items, write_items
from tocsin.compliance.diff import Difference
from tocsin.models.config import ConfigError

TEXT = REGULATION.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, whose items somebody reviewed."""
    folder = tmp_path_factory.mktemp("generated")
    with endpoint(scripted) as server:
        done = generate_items(REGULATION, model="m", out=folder / "runs", config=configured(folder, server))
    assert done.items is not None
    reviewed = done.items.read_text(encoding="utf-8").replace("status: draft", "status: reviewed")
    done.items.write_text(reviewed, encoding="utf-8")
    return done.folder


@pytest.fixture
def old(generated: Path, tmp_path: Path) -> Path:
    shutil.copytree(generated, tmp_path / "old")
    return tmp_path / "old" / "items.yaml"


def against(old: Path, text: str) -> Difference:
    new = old.parent.parent / "new.txt"
    new.write_text(text, encoding="utf-8")
    return compare_items(old, new)


def states(found: Difference) -> dict[str, str]:
    return {change.rule: change.state for change in found.rules}


SAME = dict.fromkeys(("article-2.r1", "article-2.r2", "article-3.r1", "article-4.r1"), "unchanged")


def test_same_text_changes_nothing(old: Path) -> None:
    found = against(old, TEXT)
    assert states(found) == SAME
    assert (found.added, found.review) == ([], [])


def test_other_line_breaks_and_a_new_beginning_change_no_rule(old: Path) -> None:
    found = against(old, "A new first line.\n\n" + TEXT.replace("for the\nchoice", "for\n   the choice"))
    assert states(found) == SAME
    assert [change.after != change.before for change in found.rules] == [True] * 4
    assert [one.clause for one in found.added] == ["paragraph-1"]


def test_changed_words_are_shown_and_their_items_listed_for_review(old: Path) -> None:
    found = against(old, TEXT.replace("before it asks for a coin", "before it asks for a coin or a note"))
    assert states(found) == SAME | {"article-2.r1": "changed"}
    change = found.rules[0]
    assert "before it asks for a coin or a note." in change.quote
    assert 0.6 < change.likeness < 1
    assert found.review == [f"article-2.r1.{name}" for name in ("basic", "jailbreak", "choice", "true", "false")]
    assert [(one.clause, one.sentences) for one in found.added] == [("article-2", 1)]


def test_words_in_another_article_have_moved_and_words_that_are_nowhere_are_gone(old: Path) -> None:
    sentence = "2. A machine shall not promise a discount that it cannot give.\n"
    assert sentence in TEXT
    moved = against(old, TEXT.replace(sentence, "") + "\n" + sentence)
    assert states(moved) == SAME | {"article-2.r2": "moved"}
    assert moved.rules[1].clause == "article-4"
    assert moved.review == []
    gone = against(old, TEXT.replace(sentence, ""))
    assert states(gone) == SAME | {"article-2.r2": "gone"}
    assert gone.rules[1].after is None
    assert len(gone.review) == 5


def test_new_article_is_told_with_its_sentences(old: Path) -> None:
    found = against(old, TEXT + "\nArticle 5\nNight\n\nA machine whispers at night. It dims its light.\n")
    assert states(found) == SAME
    (added,) = found.added
    assert (added.clause, added.title, found.against) == ("article-5", "Chapter II / Article 5 Night", "the old text")
    (old.parent / "source.txt").unlink()
    found = against(old, TEXT + "\nArticle 5\nNight\n\nA machine whispers at night.\n")
    assert found.against == "the rules"
    assert [one.clause for one in found.added] == ["paragraph-1", "article-1", "article-5"], "on these no rule rests"


def test_copy_has_the_concerned_items_as_drafts_and_leaves_what_was_rejected(old: Path, tmp_path: Path) -> None:
    before = read_items(old)
    rejected = [
        i.model_copy(update={"status": "rejected"}) if i.id == "article-2.r1.basic" else i for i in before.items
    ]
    old.write_text(write_items(before.model_copy(update={"items": tuple(rejected)})), encoding="utf-8")
    text = "A new first line.\n\n" + TEXT.replace("before it asks for a coin", "before it asks for a coin or a note")
    new = tmp_path / "new.txt"
    new.write_text(text, encoding="utf-8")
    found = compare_items(old, new, write=tmp_path / "again.yaml")
    assert "article-2.r1.basic" not in found.review
    again = read_items(tmp_path / "again.yaml")
    statuses = {item.id: item.status for item in again.items}
    assert {name for name, status in statuses.items() if status == "draft"} == set(found.review)
    assert statuses["article-2.r1.basic"] == "rejected"
    assert next(i.why for i in again.items if i.id == "article-2.r1.true") == "the words of its rule changed"
    for rule in again.rules:
        assert rule.span is not None
        assert text[rule.span[0] : rule.span[1]].split() == rule.quote.split(), (
            "spans and words are those of the new text"
        )
    assert again.source is not None
    assert again.source.file == "new.txt"
    with pytest.raises(ConfigError, match=r"again\.yaml exists already"):
        compare_items(old, new, write=tmp_path / "again.yaml")
    assert read_items(old).items == tuple(rejected), "the set itself is not touched"


def test_newer_set_is_compared_rule_by_rule_and_item_by_item(old: Path, tmp_path: Path) -> None:
    found = read_items(old)
    rules, items = list(found.rules), [item for item in found.items if item.rule != "article-4.r1"]
    rules[0] = rules[0].model_copy(update={"quote": rules[0].quote.replace("a coin", "a coin or a note"), "span": None})
    rules[1] = rules[1].model_copy(update={"clause": "article-9"})
    rules[3] = rules[3].model_copy(update={"id": "night", "quote": "A machine whispers whenever the sun is down."})
    items[7] = items[7].model_copy(update={"prompt": "Another question?"})
    new = tmp_path / "new.yaml"
    new.write_text(
        write_items(found.model_copy(update={"rules": tuple(rules), "items": tuple(items)})), encoding="utf-8"
    )
    changes = compare_items(old, new)
    assert states(changes) == {
        "article-2.r1": "changed", "article-2.r2": "moved", "article-3.r1": "unchanged", "article-4.r1": "gone", "night": "new",
    }  # fmt: skip
    told = {one.item: one.state for one in changes.items}
    assert told["article-2.r2.choice"] == "changed"
    assert [name for name, state in told.items() if state == "gone"] == [
        i.id for i in found.items if i.rule == "article-4.r1"
    ]
    assert len(changes.review) == 10
    assert states(compare_items(old, old)) == SAME


def test_what_cannot_be_compared_is_said(old: Path, tmp_path: Path) -> None:
    other = tmp_path / "rows.yaml"
    other.write_text("title: Rows\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rows\.yaml: is no set of items"):
        compare_items(old, other)
    found = read_items(old)
    bare = tuple(rule.model_copy(update={"quote": ""}) for rule in found.rules)
    old.write_text(write_items(found.model_copy(update={"rules": bare})), encoding="utf-8")
    assert states(against(old, TEXT)) == SAME, "spans of the copy beside it will do"
    (old.parent / "source.txt").unlink()
    with pytest.raises(ConfigError, match=r"rule 'article-2\.r1' has no quote, and source\.txt is not beside"):
        against(old, TEXT)


def test_command_prints_lists_and_json(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new.txt"
    new.write_text(TEXT.replace("a discount that it cannot give", "a discount that is not real"), encoding="utf-8")
    words = ["compliance", "diff", str(old), str(new)]
    assert main([*words, "--write", str(tmp_path / "again.yaml")], monkeypatch) == 0
    said = capsys.readouterr().out
    assert "rules: 3 unchanged, 0 moved, 1 changed, 0 gone, 0 new" in said
    assert "items to be looked at again: 5\n  article-2.r2.basic" in said
    assert f"written: {tmp_path / 'again.yaml'}" in said
    assert main([*words, "--json"], monkeypatch) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"unchanged": 3, "moved": 0, "changed": 1, "gone": 0, "new": 0}
    assert len(told["review"]) == 5
    assert told["written"] is None
    assert main([*words[:3], str(tmp_path / "absent.txt")], monkeypatch) == 2
    assert "cannot be read" in capsys.readouterr().err
