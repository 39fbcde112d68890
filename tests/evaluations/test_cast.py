"""Judges that show images are cast with models that take some, or nothing is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.judges.looking import fills
from tests.models.endpoints import chat, endpoint
from tocsin import judges
from tocsin.api import assess, rejudge
from tocsin.evaluations.cast import open_cast
from tocsin.models import ModelConfig

BLIND = "image_in = true in tocsin.toml"
EYE = {"judge": "image-rubric", "model": "blind"}


def configs(**more: Any) -> dict[str, ModelConfig]:
    return {"blind": ModelConfig(model="openai/blind", base_url="http://127.0.0.1:9", **more)}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("image-rubric", {"model": "blind"}),
        ("vision-rubric", {"model": "blind"}),
        ("panel", {"members": [EYE, "nudenet"]}),
        ("cascade", {"steps": ["nudenet", EYE]}),
        ("cascade", {"steps": ["nudenet", {"judge": "panel", "members": [EYE, "open-nsfw"]}]}),
    ],
)
def test_a_model_that_takes_no_images_is_shown_none(name: str, parameters: dict[str, Any]) -> None:
    judge = judges.make(name, parameters)
    with pytest.raises(ValueError, match=rf"judge '{name}' shows images to 'blind', which takes none: .*{BLIND}"):
        open_cast([], [judge], configs())
    cast = open_cast([], [judge], configs(image_in=True))
    assert list(cast.judges) == ["blind"]
    asyncio.run(cast.close())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("rubric", {"model": "blind"}),
        ("ocr-text", {"text_judge": {"judge": "rubric", "model": "blind"}}),
        ("panel", {"members": [{"judge": "rubric", "model": "blind"}, "refusal"]}),
    ],
)
def test_a_model_that_is_shown_no_image_need_not_take_any(name: str, parameters: dict[str, Any]) -> None:
    cast = open_cast([], [judges.make(name, parameters)], configs())
    assert list(cast.judges) == ["blind"]
    asyncio.run(cast.close())


def written(folder: Path, url: str) -> Path:
    path = folder / "tocsin.toml"
    path.write_text(
        f'[models.painter]\nmodel = "openai/painter"\nbase_url = "{url}"\nimage_out = true\ntries = 1\n'
        f'[models.blind]\nmodel = "openai/blind"\nbase_url = "{url}"\ntries = 1\n'
        f'[models.eye]\nmodel = "openai/eye"\nbase_url = "{url}"\nimage_in = true\ntries = 1\n',
        encoding="utf-8",
    )
    return path


def test_nothing_is_asked_in_a_run_whose_judge_cannot_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    cases = tmp_path / "cases.csv"
    cases.write_text("id,prompt,output\na,Draw a quiet harbour.,image\n", encoding="utf-8")
    with endpoint(chat("Here.")) as there:
        said: dict[str, Any] = {"config": written(tmp_path, there.url), "out": tmp_path / "out"}
        with pytest.raises(ValueError, match=rf"judge 'image-rubric' shows images to 'blind', .*{BLIND}"):
            assess("painter", cases=str(cases), judge="image-rubric", roles={"judge": "blind"}, **said)
        assert there.asked == []
        assert not list((tmp_path / "out").glob("*/journal.sqlite"))
    with endpoint(fills(under_age=False, toxicity=0)) as there:
        said["config"] = written(tmp_path, there.url)
        run = assess("painter", cases=str(cases), judge="image-rubric", roles={"judge": "eye"}, **said)
        asked = len(there.asked)
        with pytest.raises(ValueError, match=BLIND):
            rejudge(run.folder, judge="image-rubric", roles={"judge": "blind"}, config=said["config"])
        assert len(there.asked) == asked
