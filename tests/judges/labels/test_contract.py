"""What every set of labels keeps to, from the moment its file exists. A failure names ids and lines, never text."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import islice
from pathlib import Path
from typing import get_args

import pytest

from tests.conftest import ROOT
from tests.docs.test_docs import blocks, codes, first_codes, table
from tocsin import registry
from tocsin.datasets import DatasetError, GitHub, Hub, Row
from tocsin.datasets.origin import Gate
from tocsin.judges.labels import Labelled, LabelSet, Reading, find
from tocsin.judges.labels.contract import Subject, Who
from tocsin.judges.labels.own import COLUMNS
from tocsin.judges.labels.records import REASONS
from tocsin.languages import LANGUAGES
from tocsin.registry import UnknownName

NAMES = registry.names("labels")
PAGE = ROOT / "docs" / "reference" / "labels.md"


@pytest.fixture(params=NAMES)
def label_set(request: pytest.FixtureRequest) -> LabelSet:
    return find(request.param)


@cache
def read(name: str, folder: Path) -> Reading:
    return find(name).load(folder, fetch=False)


@pytest.fixture
def reading(label_set: LabelSet, shared_data: Path) -> Reading:
    try:
        return read(label_set.name, shared_data)
    except DatasetError:
        pytest.skip(f"the rows of {label_set.name} are not here")


def test_the_sets_are_there() -> None:
    assert NAMES == [
        "aegis",
        "beavertails-answers",
        "cold",
        "harmbench-answers",
        "jailbreakbench",
        "jailjudge-mini",
        "openai-moderation",
        "saferlhf-answers",
        "saferlhf-mini",
        "toxicchat",
        "xstest-completions",
    ]


def test_unknown_set_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no labels is named 'jailbreak-bench': did you mean 'jailbreakbench'"):
        find("jailbreak-bench")


def test_finding_one_set_imports_no_other() -> None:
    code = (
        "import sys\nfrom tocsin.judges.labels import find\nfind('cold')\n"
        "front = 'tocsin.judges.labels.'\n"
        "print(sorted(name.removeprefix(front) for name in sys.modules if name.startswith(front)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "'cold'" in done.stdout
    assert not {"jailbreakbench", "xstest", "guardreasoner"} & set(re.findall(r"'(\w+)'", done.stdout))


def test_it_says_what_it_is(label_set: LabelSet) -> None:
    about = label_set.about()
    assert registry.NAME.fullmatch(about.name)
    assert 10 <= len(about.title) <= 200
    assert about.title.endswith(".")
    assert "arXiv" in about.title
    assert about.source
    assert about.licence
    assert label_set.labels in get_args(Subject)
    assert label_set.who in get_args(Who)
    assert set(label_set.languages) <= set(LANGUAGES)


def test_its_data_is_pinned(label_set: LabelSet) -> None:
    data = label_set.dataset
    assert isinstance(data.origin, GitHub | Hub)
    assert re.fullmatch(r"[0-9a-f]{40}", data.origin.revision)
    assert all(re.fullmatch(r"[0-9a-f]{64}", file.sha256 or "") for file in data.files)


def test_terms_that_bar_a_use_are_gated_and_keep_it_from_training(label_set: LabelSet) -> None:
    data = label_set.dataset
    assert data.gate is None or data.gate in get_args(Gate)
    if "-nc" in data.licence.lower() or "own terms" in data.licence:
        assert data.gate is not None
    if data.gate is not None:
        assert not label_set.may_train
        assert label_set.about().needs == (f"--accept-licence {label_set.name} ({data.gate})",)


def test_what_never_trains_is_held_out() -> None:
    held_out = [name for name in NAMES if find(name).held_out]
    assert held_out == ["jailbreakbench", "jailjudge-mini", "saferlhf-mini", "xstest-completions"]
    assert [name for name in NAMES if find(name).may_train] == [
        "aegis",
        "cold",
        "harmbench-answers",
        "openai-moderation",
    ]


def test_row_of_another_shape_is_a_bad_row_and_no_label(label_set: LabelSet) -> None:
    reading = label_set.read([Row({"some": "thing"}, "other.csv", 7, 5)])
    assert reading.labelled == ()
    assert set(reading.left.counts) <= {"bad row", "no label"}
    assert reading.left.total == 1
    assert next(iter(reading.left.first.values())).startswith("other.csv, line 7: ")


def test_every_real_row_is_a_record_or_is_left_out(label_set: LabelSet, reading: Reading) -> None:
    rows = sum(1 for found in reading.files for _ in found.rows())
    assert len(reading.labelled) + reading.left.total == rows
    assert set(reading.left.counts) <= set(REASONS)
    assert list(reading.left.counts) == list(reading.left.first)
    assert reading.missing == ()


def test_records_hold_what_the_set_promises(label_set: LabelSet, reading: Reading) -> None:
    def kept(record: Labelled) -> bool:
        of_prompt, of_refusal = label_set.labels == "prompt harm", label_set.labels == "refusal"
        return (
            bool(record.prompt.strip())
            and (record.response is None) == of_prompt
            and (record.unsafe is None) == of_refusal
            and (of_refusal or record.refused is None)
            and record.language in label_set.languages
            and bool(record.cluster and record.hazard)
            and record.probability == 1.0
        )

    assert [record.id for record in reading.labelled if not kept(record)] == []
    assert [record.id for record in reading.labelled if record.positive is None and not record.word] == []


def test_ids_are_unique_printable_and_the_same_every_time(label_set: LabelSet, reading: Reading) -> None:
    counts = Counter(record.id for record in reading.labelled)
    assert [name for name, count in counts.items() if count > 1 or not name.isprintable() or len(name) > 200] == []
    first = label_set.read(islice((row for found in reading.files for row in found.rows()), 300))
    again = [record.id for record in first.labelled if record.id in counts]
    assert again == list(counts)[: len(again)]
    assert again


def test_one_text_never_has_two_labels(reading: Reading) -> None:
    said: dict[tuple[str, str | None], set[bool | None]] = {}
    for record in reading.labelled:
        said.setdefault((record.prompt, record.response), set()).add(record.positive)
    assert sum(len(found) > 1 for found in said.values()) == 0


def test_no_message_quotes_a_text(reading: Reading) -> None:
    texts = {
        text for record in reading.labelled for text in (record.prompt, record.response) if text and len(text) > 15
    }
    messages = list(reading.left.first.values())
    assert sum(text in message for text in texts for message in messages) == 0


# ---------------------------------------------------------------------------------------------------------------------
# The page


def test_the_page_lists_every_set_as_it_is() -> None:
    told = [
        [*codes(row[0]), *row[1:4], *(codes(row[4]) or [""]), row[5]]
        for row in table(PAGE, "| set | what is labelled |")
    ]
    there = [find(name) for name in NAMES]
    assert told == [
        [s.name, s.labels, s.who, ", ".join(s.languages), s.dataset.gate or "", "yes" if s.may_train else "no"]
        for s in there
    ]


def test_the_page_has_every_reason_field_and_column() -> None:
    assert first_codes(PAGE, "| reason | meaning |") == list(REASONS)
    assert first_codes(PAGE, "| field | meaning |") == list(Labelled.__struct_fields__)
    assert first_codes(PAGE, "| column | meaning |") == list(COLUMNS)


def test_the_pages_example_of_a_set_works_from_another_package(tmp_path: Path) -> None:
    package, info = tmp_path / "our_tests", tmp_path / "our_tests-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "kitchen_labels.py").write_text(blocks(PAGE, "python")[1], encoding="utf-8")
    kitchen = "id,question,answer,rude\n1,Is soup food?,Yes.,no\n2,Is tea food?,Go away.,yes\n3,And rice?,Hm.,maybe\n"
    (package / "kitchen.csv").write_text(kitchen, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-tests\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[tocsin.labels]\nkitchen-labels = our_tests.kitchen_labels\n", encoding="utf-8"
    )
    code = (
        "from tocsin.judges.labels import find\nreading = find('kitchen-labels').load()\n"
        "print(reading.balance(), reading.left)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=True,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
    )  # fmt: skip
    assert done.stdout == "(1, 1, 0) unknown label: 1\n"
