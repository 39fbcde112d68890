"""The suite as people write it: what is taken, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.evaluations.suite import Suite, parse_suite, read_suite, suite_names
from tocsin.models import ConfigError
from tocsin.types import Sampling


def test_every_suite_that_ships_can_be_read_and_names_benchmarks_that_exist() -> None:
    from tocsin import registry

    assert "quick" in suite_names()
    for name in suite_names():
        suite = read_suite(name)
        assert suite.name == name
        assert suite.title
        assert {entry.name for entry in suite.benchmarks} <= set(registry.names("benchmark"))


def test_languages_of_a_suite_are_known_ones_and_written_in_one_way() -> None:
    suite = parse_suite("name: mine\nlanguages: [EN, zh-hans]\nmultilingual: {reference: DE}\n", "mine")
    assert (suite.languages, suite.multilingual.reference) == (("en", "zh-Hans"), "de")
    with pytest.raises(ConfigError, match=r"languages.*'jp'.*did you mean 'ja'"):
        parse_suite("name: mine\nlanguages: [jp]\n", "mine")
    with pytest.raises(ConfigError, match=r"multilingual\.reference.*'xx'"):
        parse_suite("name: mine\nmultilingual: {reference: xx}\n", "mine")


def test_quick_is_the_starter_set_at_temperature_0() -> None:
    quick = read_suite("quick")
    assert [entry.name for entry in quick.benchmarks] == ["starter"]
    assert quick.sampling.record() == Sampling(temperature=0)


def test_everything_a_suite_says_is_taken() -> None:
    suite = parse_suite(
        "name: mine\ntitle: Mine\nversion: 2\nseed: 7\nevaluations: [benchmark]\nbenchmarks:\n- bbq\n"
        "- name: xstest\n  limit: 10\njudge: refusal\njudges: {refusal: {}}\nlimit: 50\nrepeats: 3\n"
        "sampling: {temperature: 0.7, top_p: 0.9, max_tokens: 64, seed: 5, stop: [a, b]}\n",
        "mine",
    )
    assert [(entry.name, entry.limit) for entry in suite.benchmarks] == [("bbq", None), ("xstest", 10)]
    assert (suite.seed, suite.limit, suite.repeats, suite.evaluations) == (7, 50, 3, ("benchmark",))
    record = suite.sampling.record()
    assert record == Sampling(temperature=0.7, top_p=0.9, max_tokens=64, seed=5, stop=("a", "b"))


def test_suite_survives_the_manifest() -> None:
    suite = read_suite("quick")
    assert Suite.model_validate(suite.model_dump(mode="json")) == suite


def test_suite_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nbenchmarks: [starter]\n", encoding="utf-8")
    assert read_suite(str(path)).name == "mine"
    with pytest.raises(ConfigError, match=r"suite .*absent\.yaml cannot be read"):
        read_suite(str(tmp_path / "absent.yaml"))
    path.write_bytes("name: Grüße\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"suite .*mine\.yaml cannot be read"):
        read_suite(str(path))


def test_unknown_suite_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no suite is named 'quik': did you mean 'quick'"):
        read_suite("quik")
    with pytest.raises(ConfigError, match=r"no suite is named 'zzzzzz': there are: .*quick"):
        read_suite("zzzzzz")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a\n- b\n", "is not a mapping of names to values"),
        ("", "is not a mapping of names to values"),
        ("name: [", "is not YAML"),
        ("name: !!python/object/apply:os.getcwd []", "is not YAML"),
        ("title: x\n", "name: is needed"),
        ("name: x\nbenchmark: [bbq]\n", "benchmark: there is no such field"),
        ("name: x\nlimit: 0\n", "limit: input should be greater than or equal to 1"),
        ("name: x\nrepeats: none\n", "repeats: input should be a valid integer"),
        ("name: x\nbenchmarks: [{name: bbq, limit: -1}]\n", "benchmarks.0.limit: input should be greater"),
        ("name: x\nbenchmarks: [{nam: bbq}]\n", "benchmarks.0.name: is needed"),
        ("name: x\nsampling: {temperature: -1}\n", "sampling.temperature: input should be greater"),
        ("name: x\nsampling: {temprature: 1}\n", "sampling.temprature: there is no such field"),
        ("name: x\nevaluations: [benchmrk]\n", "did you mean 'benchmark'"),
        ("name: x\nevaluations: [zzz]\n", "there are: benchmark, over-refusal"),
    ],
)
def test_mistake_in_a_suite_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_suite(text, "mine")
    assert str(told.value).startswith("suite 'mine': ")
    assert problem.lower() in str(told.value).lower()
    assert "\n" not in str(told.value)
