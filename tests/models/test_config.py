"""What a user may write about models, and how they are found by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.models import ConfigError, ModelUnavailable, Prices, open_caller, read_config
from tocsin.registry import UnknownName
from tocsin.types import Usage

EVERYTHING = """
[models.mine]
model = "openai/qwen3-8b"
base_url = "http://127.0.0.1:8000/v1"
api_key_env = "MINE_KEY"
headers = { X-Project = "env:PROJECT" }
prices = { input = 0.25, output = 2 }
image_in = true
image_out = true
images = 2
image_size = "1024x1024"
image_hosts = ["127.0.0.1"]
structured = true
system = "Be kind."
temperature = 0
top_p = 0.9
max_tokens = 512
max_tokens_field = "max_completion_tokens"
reasoning_effort = "low"
thinking_budget = 2048
extra = { top_k = 3, nested = { a = [1, 2] } }
concurrency = 4
max_concurrency = 64
requests_per_minute = 500
tokens_per_minute = 1e5
deadline = 30
tries = 3
backoff = 0
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "models.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(written(folder, text))
    said = str(caught.value)
    assert said.startswith(str(folder / "models.toml"))
    assert "\n" not in said
    return said


def test_every_field_is_read(tmp_path: Path) -> None:
    entry = read_config(written(tmp_path, EVERYTHING))["mine"]
    assert set(entry.model_fields_set) == set(type(entry).model_fields)
    assert entry.prices == Prices(input=0.25, output=2)
    assert entry.extra == {"top_k": 3, "nested": {"a": [1, 2]}}
    limits = entry.limits()
    assert (limits.concurrency, limits.deadline, limits.tries, limits.backoff) == (4, 30, 3, 0)


def test_without_a_file_there_are_no_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config() == {}


def test_the_file_of_the_working_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.toml").write_text('[models."openai/a"]\ntries = 2\n')
    monkeypatch.chdir(tmp_path)
    assert read_config()["openai/a"].tries == 2


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "absent.toml")


@pytest.mark.parametrize("text", ["[models", "models = {", "[models.a]\ntries = 1\ntries = 2"])
def test_what_is_not_toml_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    assert "is not TOML" in refusal(tmp_path, text)


def test_what_is_not_utf8_is_said_to_be_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_bytes(b'[models.a]\nsystem = "\xff"\n')
    with pytest.raises(ConfigError, match="is not TOML"):
        read_config(path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[models.mine]\nbase_ur = "http://hidden-host/v1"', "models.mine.base_ur"),
        ('[models.mine]\napi_key = "hidden-key"', "models.mine.api_key"),
        ("[models.mine.prices]\ninput = 1\noutput = 1\ncached = 0.1", "models.mine.prices.cached"),
        ('[model.mine]\nbase_url = "http://hidden-host/v1"', "model"),
    ],
)
def test_an_unknown_field_is_named(tmp_path: Path, text: str, named: str) -> None:
    said = refusal(tmp_path, text)
    assert f" {named}: " in said
    assert "hidden" not in said


@pytest.mark.parametrize(
    ("field", "named"),
    [
        *(('tries = "hidden"', "tries"), ("tries = 0", "tries"), ("tries = 1.5", "tries")),
        *(("deadline = 0", "deadline"), ("deadline = inf", "deadline"), ("deadline = nan", "deadline")),
        *(("concurrency = 0", "concurrency"), ("max_concurrency = -4", "max_concurrency")),
        *(("requests_per_minute = 0", "requests_per_minute"), ("backoff = -1", "backoff")),
        *(('headers = "hidden"', "headers"), ("headers = { X-Key = 9137 }", "headers.X-Key")),
        *(("api_key_env = [ 'hidden' ]", "api_key_env"), ("base_url = 9137", "base_url")),
        *(("temperature = -1", "temperature"), ("top_p = 2", "top_p"), ("max_tokens = 0", "max_tokens")),
        *(("prices = { input = 1 }", "prices.output"), ("prices = { input = -9137, output = 1 }", "prices.input")),
        *(('extra = "hidden"', "extra"), ('image_in = "hidden"', "image_in"), ("mine = 9137", "mine")),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(tmp_path: Path, field: str, named: str) -> None:
    said = refusal(tmp_path, f"[models.mine]\n{field}\n")
    assert f" models.mine.{named}: " in said
    assert "hidden" not in said
    assert "9137" not in said


def test_an_entry_that_is_no_table_is_named(tmp_path: Path) -> None:
    assert " models.mine: " in refusal(tmp_path, '[models]\nmine = "hidden"\n')


def test_prices_are_per_million_tokens() -> None:
    assert Prices(input=2, output=8).of(Usage(1_000_000, 500_000)) == 6


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("opnai/gpt-5", "openai/gpt-5"),
        ("loopback", "openai/loopback"),
        ("smollm2-135m", "local/smollm2-135m"),
        ("locl/smollm2-135m", "local/smollm2-135m"),
        ("hostd", "hosted"),
    ],
)
def test_an_unknown_model_suggests_the_nearest(tmp_path: Path, name: str, nearest: str) -> None:
    entries = read_config(written(tmp_path, '[models.hosted]\nmodel = "openai/a"\n'))
    with pytest.raises(UnknownName, match="did you mean") as caught:
        open_caller(name, entries)
    assert nearest in caught.value.near
    assert name not in caught.value.near


@pytest.mark.parametrize("name", ["", "/", "openai/", "/gpt-5"])
def test_half_a_name_is_no_model(name: str) -> None:
    with pytest.raises(UnknownName):
        open_caller(name, {})


def test_an_entry_that_does_not_say_what_it_is_is_told_how(tmp_path: Path) -> None:
    entries = read_config(written(tmp_path, '[models.mine]\nbase_url = "http://127.0.0.1:9/v1"\n'))
    with pytest.raises(ConfigError, match='model = "openai/mine"'):
        open_caller("mine", entries)


def test_an_entry_of_an_unknown_provider_names_the_provider_and_not_itself(tmp_path: Path) -> None:
    entries = read_config(written(tmp_path, '[models.mine]\nmodel = "opnai/gpt-5"\n'))
    with pytest.raises(UnknownName, match="'opnai/gpt-5'") as caught:
        open_caller("mine", entries)
    assert "openai/gpt-5" in caught.value.near


def test_an_entry_is_opened_under_its_own_name(tmp_path: Path) -> None:
    entries = read_config(
        written(tmp_path, '[models.mine]\nmodel = "openai/org/a"\nbase_url = "http://127.0.0.1:9/v1"\ntries = 2\n')
    )
    caller = open_caller("mine", entries)
    assert caller.model.name == "mine"
    assert caller.model.identity.startswith("org/a@http://127.0.0.1:9/v1#")
    assert caller.limits.tries == 2
    assert caller.concurrency.adaptive


def test_the_command_lines_concurrency_goes_over_the_entrys(tmp_path: Path) -> None:
    entries = read_config(
        written(tmp_path, '[models."openai/a"]\nbase_url = "http://127.0.0.1:9/v1"\nconcurrency = 4\n')
    )
    assert open_caller("openai/a", entries).concurrency.limit == 4
    assert open_caller("openai/a", entries, concurrency=9).concurrency.limit == 9
    assert not open_caller("openai/a", entries, concurrency=9).concurrency.adaptive


def test_a_missing_key_is_said_when_the_model_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        open_caller("openai/gpt-5", {})
    entries = read_config(
        written(tmp_path, '[models.mine]\nmodel = "openai/a"\nbase_url = "http://h/v1"\napi_key_env = "MY_KEY"\n')
    )
    with pytest.raises(ModelUnavailable, match="MY_KEY"):
        open_caller("mine", entries)
