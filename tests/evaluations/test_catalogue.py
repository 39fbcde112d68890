"""Listings, and which data is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluations.conftest import Inventor
from tests.test_registry import python
from tocsin import registry
from tocsin.evaluations.catalogue import datasets_here, fetch_dataset, listing
from tocsin.languages import LANGUAGES
from tocsin.registry import About, UnknownName

KINDS = ("models", "benchmarks", "attacks", "judges", "languages", "frameworks", "suites")


@pytest.mark.parametrize("kind", KINDS)
def test_every_listing_has_names_and_titles(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = listing(kind)
    assert all(isinstance(about, About) and about.name and about.title for about in found)
    assert len({about.name for about in found}) == len(found)
    assert found


def test_benchmarks_are_listed_with_their_evaluation_and_what_an_unpublished_one_needs() -> None:
    found = {about.name: about for about in listing("benchmarks")}
    told = {name: about.tags["evaluation"] for name, about in found.items()}
    assert (told["xstest"], told["multijail"], told["compliance-nist"]) == ("benchmark", "multilingual", "compliance")
    assert found["ml-bench"].needs == ("a copy of your own, since it is unpublished",)
    assert found["xstest"].needs == ()


def test_dataset_of_several_benchmarks_has_the_files_of_all_once() -> None:
    (files,) = [dataset.files for dataset, _, _ in datasets_here() if dataset.name == "report_2601_10527"]
    names = [file.name for file in files]
    assert {"NIST.json", "EU_AI_Act.json", "FEAT.json", "alert_adversarial_100.jsonl"} <= set(names)
    assert len(names) == len(set(names))


def test_unknown_listing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no listing of 'weather'"):
        listing("weather")


def test_plugins_are_listed_by_their_registered_names() -> None:
    assert [about.name for about in listing("benchmarks")] == registry.names("benchmark")
    assert [about.name for about in listing("judges")] == registry.names("judge")
    assert [about.name for about in listing("frameworks")] == registry.names("framework")


def test_plugin_that_cannot_be_imported_is_listed_with_what_it_needs(tmp_path: Path) -> None:
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tocsin.judges]\nheavy = others_judge\n")
    (tmp_path / "others_judge.py").write_text("import no_such_package\n")
    told = python(
        "from tocsin.evaluations.catalogue import listing\n"
        "print([(one.title, one.needs) for one in listing('judges') if one.name == 'heavy'], len(listing('judges')) > 2)",
        path=tmp_path,
    )
    assert told.strip() == "[(\"cannot be imported: No module named 'no_such_package'\", ('no_such_package',))] True"


def test_models_of_the_configuration_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.toml").write_text('[models.mine]\nmodel = "openai/invented"\n[models."openai/other"]\n')
    monkeypatch.chdir(tmp_path)
    found = {about.name: about.title for about in listing("models")}
    assert found["mine"] == "openai/invented"
    assert found["openai/other"] == "openai/other"


def test_judges_say_they_read_only_languages_that_have_a_name() -> None:
    for name in registry.names("judge"):
        assert set(registry.find("judge", name).languages) <= set(LANGUAGES), name


def test_data_is_here_where_a_folder_or_the_cache_holds_it(
    invent: Inventor, data: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    invent()
    absent = {dataset.name: found for dataset, _, found in datasets_here()}
    assert absent["invented-data"] is None
    assert absent["starter"] is not None
    folder = data("invented-data", a=["1"])
    by_name = {dataset.name: (users, found) for dataset, users, found in datasets_here(folder)}
    users, found = by_name["invented-data"]
    assert users == ["invented"]
    assert [one.place for one in found or ()] == ["data"]
    monkeypatch.setenv("TOCSIN_DATA", str(folder))
    assert {dataset.name: found is not None for dataset, _, found in datasets_here()}["invented-data"]


def test_dataset_is_fetched_by_its_own_name_or_a_benchmarks() -> None:
    assert [found.place for found in fetch_dataset("starter")] == ["package"]
    with pytest.raises(UnknownName, match=r"no benchmark is named 'startr': did you mean 'starter'"):
        fetch_dataset("startr")
