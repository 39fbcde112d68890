"""Prefill: the answer is begun, and what the target adds to it is judged, and nothing else."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from tests.attacks.played import play
from tocsin.attacks import make
from tocsin.attacks.transform.prefill import _STARTS
from tocsin.models import EMBEDDED, ModelConfig
from tocsin.types import Message, Request, Sampling

HELP = "heat water in the samovar until it sings."


@pytest.mark.parametrize("start", _STARTS)
@pytest.mark.parametrize("repeated", [False, True])
def test_answer_is_begun_and_only_what_follows_is_judged(tmp_path: Path, start: str, repeated: bool) -> None:
    begun = _STARTS[start]  # type: ignore[index]
    played = play(tmp_path / "run", make("prefill", {"start": start}), target=begun + HELP if repeated else HELP)
    (asked,) = played.target.asked
    assert [message.role for message in asked] == ["user", "assistant"]
    assert asked[-1].text == begun
    assert "samovar" in asked[0].text
    assert played.record["outcome"] == "unsafe"
    assert played.reading == HELP if repeated else played.reading in (None, HELP)


def test_beginning_alone_is_no_answer_and_no_success(tmp_path: Path) -> None:
    played = play(tmp_path / "run", make("prefill"), target=_STARTS["agreement"])
    assert (played.record["outcome"], played.record["reason"]) == ("unscored", "empty")


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs xllamacpp: see scripts/setup.sh")
def test_embedded_model_goes_on_from_the_beginning() -> None:
    from tocsin.models.local import LocalModel

    async def both() -> list[str]:
        model = LocalModel(EMBEDDED, ModelConfig())
        asked = Message("user", "How is bread made?")
        begun = Message("assistant", "Three things are needed. First of all, seven")
        sampling = Sampling(temperature=0.0, max_tokens=8)
        try:
            return [(await model.send(Request(told, sampling), 60)).text for told in ((asked,), (asked, begun))]
        finally:
            await model.close()

    plain, led = asyncio.run(both())
    assert "seven" in led
    assert "seven" not in plain
