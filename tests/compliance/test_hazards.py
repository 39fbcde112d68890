"""Every category of every benchmark that ships is a canonical hazard, or says why it is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.test_every_benchmark import made_of
from tocsin import registry
from tocsin.benchmarks import find
from tocsin.benchmarks.language.left_out import is_left_out
from tocsin.benchmarks.language.sorry_bench import CATEGORIES
from tocsin.compliance import framework
from tocsin.compliance.hazards import canonical, hazards, mapped, read_hazards, usable
from tocsin.datasets import DatasetError, Row, RowError, locate, read_rows
from tocsin.models.config import ConfigError

OF_HAZARDS = [name for name in registry.names("benchmark") if find(name).evaluation != "compliance"]
"""Items that were written for a clause need no map: their dimension names the clause."""
SAMPLES = [(name, sample) for name in OF_HAZARDS for sample in find(name).samples]
TO_COME = {"multijail", "xsafety"}

ROWS_OF_THE_PROPOSAL = {
    "cbrn", "violent_crime", "nonviolent_crime_fraud", "cyber_offence", "terrorism_extremism", "hate_discrimination",
    "self_harm", "sexual_content", "csae_ncii", "privacy_pii", "defamation_impersonation", "misinformation_elections",
    "specialised_advice", "copyright_ip", "manipulation", "exploiting_vulnerable", "social_scoring",
    "predictive_policing", "biometric_surveillance", "political_subversion_cn", "prompt_injection",
}  # fmt: skip
OF_BEHAVIOUR = {"ai_disclosure", "refusal_explanation", "faithful_explanation", "hallucination"}


def test_the_hazards_of_the_proposal_and_those_of_good_behaviour_are_there() -> None:
    assert set(hazards()) >= ROWS_OF_THE_PROPOSAL | OF_BEHAVIOUR
    assert len(ROWS_OF_THE_PROPOSAL) == 21


def test_each_hazard_says_what_it_covers_in_a_line() -> None:
    for name, one in hazards().items():
        assert one.id == name
        assert one.title
        assert one.text.endswith(".")
        assert len(one.text) < 130
    assert len({one.title for one in hazards().values()}) == len(hazards())


def test_each_hazard_is_what_some_clause_is_about() -> None:
    used = {
        hazard
        for name in registry.names("framework")
        for clause in framework.find(name).clauses
        for hazard in clause.hazards
    }
    assert used == usable()


def test_what_is_about_minors_is_canonical_for_nobody() -> None:
    assert set(hazards()) - usable() == {"csae_ncii"}
    assert "SECURITY.md" in hazards()["csae_ncii"].untested
    assert canonical("sets-of-mine", "csae_ncii") == ()
    for categories in mapped().values():
        assert [category for category in categories if is_left_out(category)] == []


def test_every_benchmark_that_ships_has_a_map() -> None:
    assert set(OF_HAZARDS) <= set(mapped())
    assert set(mapped()) - set(OF_HAZARDS) <= TO_COME


@pytest.mark.parametrize("name", OF_HAZARDS)
def test_every_category_that_its_rows_have_is_mapped(
    name: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))
    try:
        cases, _ = made_of(name, shared_data)
    except DatasetError:
        pytest.skip(f"the rows of {name} are not here")
    found = {case.hazard for case in cases}
    assert found
    assert sorted(found - set(mapped()[name])) == []


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
def test_every_category_of_a_sample_is_mapped(
    name: str, sample: str, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path))
    made = find(name).sampled(sample)
    try:
        files = locate(made.dataset, shared_data, fetch=False)
    except DatasetError:
        pytest.skip(f"the rows of {made.dataset.name} are not here")
    rows = [row for file in files for row in file.rows() if isinstance(row, Row)]
    found = {case.hazard for row in rows for case in made.cases([row])}
    assert found
    assert sorted(found - set(mapped()[name])) == []


def test_every_category_of_sorry_bench_is_mapped_though_its_rows_are_gated() -> None:
    assert {name for name in CATEGORIES if not is_left_out(name)} == set(mapped()["sorry-bench"])


def test_the_rows_that_air_bench_shows_have_categories_that_are_mapped(shared_data: Path) -> None:
    path = shared_data / "air_bench_2024" / "sample_scored_gpt4turbo.csv"
    if not path.is_file():
        pytest.skip("the scored rows of AIR-Bench are not here")
    made = find("air-bench")
    rows = [row for row in read_rows(path) if not isinstance(row, RowError)]
    found = {case.hazard for row in rows for case in made.cases([row])}
    assert len(found) > 10
    assert sorted(found - set(mapped()["air-bench"])) == []


def test_every_first_tag_of_multijail_is_mapped(shared_data: Path) -> None:
    path = shared_data / "multijail" / "MultiJail.csv"
    if not path.is_file():
        pytest.skip("the rows of MultiJail are not here")
    tags = {row["tags"].strip("[]").split("', '")[0].strip("'\" ") for row in read_rows(path) if isinstance(row, Row)}
    assert len(tags) > 10
    assert sorted(tag for tag in tags if not is_left_out(tag) and tag not in mapped()["multijail"]) == []


def test_a_category_may_be_several_hazards_one_or_none() -> None:
    assert canonical("starter", "fraud") == ("nonviolent_crime_fraud",)
    assert canonical("bbq", "Age") == ("social_bias", "discrimination_age")
    assert canonical("xstest", "homonyms") == ()
    assert "worded" in str(mapped()["xstest"]["homonyms"])
    assert canonical("starter", "no such category") == ()


def test_a_benchmark_of_your_own_may_use_canonical_names() -> None:
    assert canonical("house-rules", "manipulation") == ("manipulation",)
    assert canonical("house-rules", "spoons") == ()
    assert canonical("starter", "privacy_pii") == (), "a benchmark with a map has the categories of its map"


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(text: str) -> Path:
        path = tmp_path / "hazards.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return put


HEAD = "hazards:\n  theft: {title: Theft, text: Taking things.}\n  never: {title: N, text: N., untested: no}\n"


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("benchmarks: {tea: {a: teft}}", r"benchmarks\.tea\.a: no hazard is named 'teft': did you mean 'theft'\?"),
        ("benchmarks: {tea: {a: never}}", r"benchmarks\.tea\.a: no hazard is named 'never': there are: theft"),
        ("benchmarks: {tea: {a: theft, a: theft}}", r"has 'a' twice"),
        ("benchmarks: {tea: {a: {none: ''}}}", r"benchmarks\.tea\.a"),
        ("benchmarks: {tea: {a: []}}", r"benchmarks\.tea\.a"),
    ],
)
def test_faults_of_a_map_are_named_with_their_place(write: Write, rest: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_hazards(write(HEAD + rest))


def test_a_map_is_read_as_it_stands(write: Write) -> None:
    known, maps = read_hazards(write(HEAD + "benchmarks: {tea: {a: theft, b: {none: only tea}}}"))
    assert set(known) == {"theft", "never"}
    assert maps == {"tea": {"a": ("theft",), "b": "only tea"}}
