"""The suite `report` on models of three modalities: twelve axes, each with a value or with the reason why it has none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.judges.asked import ticket_in
from tests.models.drawing import KEY, VARIABLES
from tests.models.endpoints import Asked, Endpoint, Said, chat, endpoint
from tests.models.image_service import ImageService, image_service
from tocsin.api import Run, assess
from tocsin.benchmarks import find
from tocsin.cli.table import show_scores
from tocsin.datasets import fetch
from tocsin.evaluations.suite import read_suite
from tocsin.judges import make
from tocsin.judges.image_rubric import ImageRubric
from tocsin.types import Modality

EVALUATIONS = ("benchmark", "adversarial", "multilingual", "compliance")
AXES = {(evaluation, modality) for evaluation in EVALUATIONS for modality in get_args(Modality)}


@pytest.fixture(autouse=True)
def _no_keys_and_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))

    def out_of_reach(*_: object) -> Path:
        """A double of the origins: none of them can be reached."""
        raise ConnectionError("out of reach")

    monkeypatch.setattr(fetch, "download", out_of_reach)
    for name in VARIABLES:
        monkeypatch.setenv(name, KEY)


@pytest.fixture
def service() -> Iterator[ImageService]:
    with image_service() as running:
        yield running


def judging(asked: Asked) -> Said:
    """A target that declines, a guard that finds that safe, and a model that finds every image harmless."""
    head = asked.json["messages"][0]["content"]
    if asked.json["model"] != "judge":
        return chat("I'm sorry, but I can't help with that.")
    if isinstance(head, str) and '"ticket"' in head:
        fields = re.findall(r'^- "(\w+)": (.*?);', head, re.MULTILINE)
        return chat(json.dumps({"ticket": ticket_in(head)} | {name: least(kind) for name, kind in fields}))
    return chat("Safety: Safe\nCategories: None\nRefusal: Yes")


def least(kind: str) -> Any:
    """The value of a rubric's field that speaks of the least harm."""
    if kind == "true or false":
        return False
    number = re.search(r"numbers? (?:from )?(\d+)", kind)
    return int(number[1]) if number else "So."


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint(judging) as running:
        yield running


def reported(folder: Path, model: str, data: Path, server: Endpoint, service: ImageService, **more: Any) -> Run:
    config = folder / "tocsin.toml"
    chat_models = {"writer": "", "seer": "image_in = true\n", "judge": "image_in = true\n"}
    config.write_text(
        "".join(
            f'[models.{name}]\nmodel = "openai/{name}"\nbase_url = "{server.url}"\ntries = 1\n{also}'
            for name, also in chat_models.items()
        )
        + f'[models.painter]\nmodel = "openai/gpt-image-1"\nbase_url = "{service.openai}"\ntries = 1\n',
        encoding="utf-8",
    )
    options: dict[str, Any] = {"suite": "report", "roles": {"judge": "judge"}, "limit": 2, "attacks": ["flip"]} | more
    return assess(
        model,
        data=data,
        config=config,
        out=folder / "runs",
        evaluations=EVALUATIONS,
        accept_licences=["alert"],
        **options,
    )


def axes(run: Run) -> dict[tuple[str, str], dict[str, Any]]:
    found = {(axis["evaluation"], axis["modality"]): axis for axis in run.summary["models"][0]["axes"]}
    assert found.keys() == AXES
    for key, axis in found.items():
        measured = any(score["value"] is not None for score in axis["scores"])
        assert measured == (not axis["why"]), key
    return found


def measured(found: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    return {key for key, axis in found.items() if not axis["why"]}


def test_a_model_of_language_has_twelve_axes_and_the_others_say_why_they_are_empty(
    tmp_path: Path, shared_data: Path, server: Endpoint, service: ImageService, capsys: pytest.CaptureFixture[str]
) -> None:
    run = reported(tmp_path, "writer", shared_data, server, service)
    found = axes(run)
    assert {("benchmark", "language"), ("adversarial", "language")} <= measured(found)
    assert {modality for _, modality in measured(found)} == {"language"}
    for (_, modality), axis in found.items():
        if modality == "vision":
            assert "it shows images, which no model of the run takes" in axis["why"]
        elif modality == "image":
            assert "it asks for images, which no model of the run makes" in axis["why"]
    show_scores(run.summary)
    told = " ".join(capsys.readouterr().out.split())
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for evaluation in EVALUATIONS:
        assert f"{evaluation}, vision-language: no score; " in told
        assert f"{evaluation}, text-to-image: no score; " in told
    for name in ("multijail-typography", "compliance-nist-vision", "t2isafety-languages", "interim-measures-images"):
        assert f"{name}: named by the suite, but left out of this run" in page


def test_a_model_that_sees_is_asked_in_other_languages_and_says_which_pictures_are_missing(
    tmp_path: Path, shared_data: Path, server: Endpoint, service: ImageService
) -> None:
    run = reported(tmp_path, "seer", shared_data, server, service, limit=1)
    found = axes(run)
    assert ("multilingual", "vision") in measured(found) | {key for key, axis in found.items() if axis["scores"]}, (
        "its pictures are drawn here"
    )
    why = found["compliance", "vision"]["why"]
    assert "tocsin compliance draw" in why
    assert "report_2601_10527/vision/nist/ITEM.png" in why
    assert any(isinstance(asked.json["messages"][-1]["content"], list) for asked in server.asked)


def test_a_model_that_makes_images_is_asked_for_them_and_says_which_sets_are_to_be_made(
    tmp_path: Path, shared_data: Path, server: Endpoint, service: ImageService
) -> None:
    run = reported(tmp_path, "painter", shared_data, server, service)
    found = axes(run)
    assert measured(found) == {("benchmark", "image"), ("adversarial", "image")}
    assert "tocsin translate t2isafety" in found["multilingual", "image"]["why"]
    assert "tocsin compliance generate" in found["compliance", "image"]["why"]
    for evaluation in EVALUATIONS:
        assert "it asks for text, which no model of the run writes" in found[evaluation, "language"]["why"]
    assert {asked.wire for asked in service.asked} == {"openai"}


def test_every_entry_that_differs_says_so_and_every_modality_is_planned() -> None:
    suite = read_suite("report")
    planned = {
        (evaluation, about.modality)
        for entry in suite.benchmarks
        for about in (find(entry.name),)
        for evaluation in entry.evaluations or (about.evaluation,)
    }
    assert planned == AXES
    new = [entry for entry in suite.benchmarks if find(entry.name).modality != "language"]
    assert all(entry.optional and entry.reconstruction for entry in new)
    for entry in new:
        seen = find(entry.name).modality == "vision"
        assert not seen or (entry.sampling is not None and entry.sampling.max_tokens == 256), entry.name
        judge = entry.judge or suite.judge or ""
        made = make(str(suite.judges.get(judge, {}).get("judge", judge)), None)
        assert (made.sees == "image") == (not seen), entry.name
    levels = make("levels", suite.judges["levels"])
    assert isinstance(levels, ImageRubric)
    assert levels.scale == "levels"
