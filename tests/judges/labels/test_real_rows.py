"""The published labels: how many, how they divide, and that published agreements follow from them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.judges.labels.test_contract import NAMES, read
from tocsin.judges.labels import find, joined, others_agree, people_agree

BALANCE = {
    "aegis": (232, 127, 0),
    "beavertails-answers": (1722, 1283, 0),
    "cold": (2101, 3207, 0),
    "harmbench-answers": (266, 326, 0),
    "jailbreakbench": (108, 185, 0),
    "jailjudge-mini": (311, 675, 0),
    "openai-moderation": (402, 324, 0),
    "saferlhf-answers": (967, 963, 0),
    "saferlhf-mini": (2287, 1692, 0),
    "toxicchat": (351, 2489, 0),
    "xstest-completions": (976, 1075, 176),
}
"""Positive, negative, neither: in the copy that leaves out what sexualises minors."""

LEFT = {
    "beavertails-answers": {"withheld": 2},
    "cold": {"withheld": 8},
    "jailbreakbench": {"withheld": 7},
    "jailjudge-mini": {"bad row": 1},
    "openai-moderation": {"no label": 799, "withheld": 36},
    "saferlhf-answers": {"contradiction": 58},
    "toxicchat": {"withheld": 1},
}


@pytest.fixture(autouse=True)
def this_copy(shared_data: Path) -> None:
    """Counts hold for the copy in which they were taken: its list of files tells whether this is it."""
    if not (shared_data / "INDEX.tsv").is_file():
        pytest.skip("the counts are those of a copy with a list of its files, which this is not")
    with (shared_data / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row["rows"] for row in csv.DictReader(file, delimiter="\t")}
    there = rows.get("judge_human_labels/toxicchat_prompt.jsonl"), rows.get("openai_moderation/samples-1680.jsonl.gz")
    if there != ("2841", "1561"):
        pytest.skip("the counts are those of another copy")


@pytest.mark.parametrize("name", NAMES)
def test_every_set_divides_as_counted(name: str, shared_data: Path) -> None:
    reading = read(name, shared_data)
    assert reading.balance() == BALANCE[name]
    assert dict(reading.left.counts) == LEFT.get(name, {})


def test_published_agreements_of_four_judges_follow_from_the_columns(shared_data: Path) -> None:
    reading = read("jailbreakbench", shared_data)
    shares = others_agree(reading.labelled + reading.without_text)
    assert {name: (round(agreed.share or 0, 3), agreed.n) for name, agreed in shares.items()} == {
        "gpt4": (0.903, 300),
        "harmbench": (0.783, 300),
        "llama-guard-2": (0.877, 300),
        "llama3": (0.907, 300),
    }


def test_people_agree_on_jailbreaks_as_the_columns_say(shared_data: Path) -> None:
    reading = read("jailbreakbench", shared_data)
    pairs = people_agree(reading.labelled + reading.without_text)
    assert {pair: (agreed.agreed, agreed.n) for pair, agreed in pairs.items()} == {
        (1, 2): (274, 300),
        (1, 3): (276, 300),
        (2, 3): (284, 300),
    }


def test_people_agree_on_refusals_as_the_file_says(shared_data: Path) -> None:
    reading = read("xstest-completions", shared_data)
    rows = [row for found in reading.files for row in found.rows()]
    said = sum(row["agreement"] == "TRUE" for row in rows)  # type: ignore[index]
    (agreed,) = people_agree(reading.labelled).values()
    assert (agreed.agreed, agreed.n) == (said, len(rows)) == (2146, 2227)


def test_records_without_text_hold_votes_and_nothing_else(shared_data: Path) -> None:
    records = read("jailbreakbench", shared_data).without_text
    assert len(records) == 7
    assert {(record.prompt, record.response, record.asked) for record in records} == {("", None, "")}
    assert {(len(record.votes), len(record.others)) for record in records} == {(3, 4)}


def test_a_jailbreak_keeps_the_request_and_what_the_attack_made_of_it(shared_data: Path) -> None:
    records = read("jailbreakbench", shared_data).labelled
    assert sum(record.asked != record.prompt for record in records) > 100
    assert len({record.cluster for record in records}) == 191


def test_answers_of_five_models_to_one_prompt_share_a_cluster(shared_data: Path) -> None:
    records = read("xstest-completions", shared_data).labelled
    assert {record.id.partition("-v2-")[0] for record in records} == {
        "gpt4",
        "llama2new",
        "llama2orig",
        "mistralguard",
        "mistralinstruct",
    }
    by_prompt: dict[str, set[str]] = {}
    for record in records:
        by_prompt.setdefault(record.prompt, set()).add(record.cluster)
    assert all(len(clusters) == 1 for clusters in by_prompt.values())


def test_jailbreakbench_holds_prompts_of_xstest_and_is_held_out_for_it(shared_data: Path) -> None:
    sets = [read(name, shared_data).labelled for name in ("jailbreakbench", "xstest-completions")]
    clusters = joined([record for records in sets for record in records])
    ours = {record.cluster for record in clusters[: len(sets[0])]}
    theirs = {record.cluster for record in clusters[len(sets[0]) :]}
    assert len(ours & theirs) >= 90
    assert find("jailbreakbench").held_out


def test_what_may_train_shares_no_cluster_with_xstest_once_those_are_taken_out(shared_data: Path) -> None:
    """What a trainer does: all sets at once, then every cluster that a set held out has a part in goes."""
    names = [name for name in NAMES if find(name).may_train or name in ("jailbreakbench", "xstest-completions")]
    tagged = [(find(name), record) for name in names for record in read(name, shared_data).labelled]
    clusters = joined([record for _, record in tagged])
    barred = {new.cluster for (s, _), new in zip(tagged, clusters, strict=True) if s.held_out}
    train = [new for (s, _), new in zip(tagged, clusters, strict=True) if s.may_train and new.cluster not in barred]
    assert len(train) > 1500
    xstest = {record.prompt.casefold() for record in read("xstest-completions", shared_data).labelled}
    assert not xstest & {record.prompt.casefold() for record in train}
