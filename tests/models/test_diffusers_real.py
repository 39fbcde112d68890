"""A real pipeline of diffusers, tiny and with random weights, from a folder to PNG bytes. Skipped where there is no torch."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.models.drawing import came, sort
from tests.models.image_service import picture
from tocsin.api import run_loop
from tocsin.models import ModelConfig, ModelUnavailable
from tocsin.models.diffusers import DiffusersModel
from tocsin.types import Answer, Image, Message, Request, Sampling

torch: Any = pytest.importorskip("torch")
diffusers: Any = pytest.importorskip("diffusers")
transformers: Any = pytest.importorskip("transformers")

STEPS = {"num_inference_steps": 3}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Stable Diffusion with a few thousand weights."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("words")
    letters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder), model_max_length=77)
    text = transformers.CLIPTextConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=len(words),
        bos_token_id=0, eos_token_id=1, pad_token_id=1, projection_dim=32,
    )  # fmt: skip
    vision = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
        projection_dim=32,
    )  # fmt: skip
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    config = transformers.CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=32)
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.fill_(9.0)  # nothing is near enough to be kept back
    checker.special_care_embeds_weights.fill_(9.0)
    return diffusers.StableDiffusionPipeline(
        vae=diffusers.AutoencoderKL(
            block_out_channels=[4, 8], layers_per_block=1, latent_channels=4, norm_num_groups=2,
            down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        ),
        unet=diffusers.UNet2DConditionModel(
            block_out_channels=(4, 8), layers_per_block=1, sample_size=32, norm_num_groups=2, cross_attention_dim=32,
            attention_head_dim=2, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        ),
        text_encoder=transformers.CLIPTextModel(text), tokenizer=tokenizer, scheduler=diffusers.DDIMScheduler(),
        safety_checker=checker, feature_extractor=transformers.CLIPImageProcessor(size=32, crop_size=32),
    )  # fmt: skip


@pytest.fixture
def saved(pipeline: Any, tmp_path: Path) -> str:
    pipeline.save_pretrained(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def seeded(prompt: str, seed: int, *images: Image) -> Request:
    return Request((Message("user", prompt, images),), Sampling(seed=seed))


def model(folder: str, **config: Any) -> DiffusersModel:
    entry = ModelConfig.model_validate({"image_size": "64x64", "extra": STEPS} | config)
    return DiffusersModel(f"diffusers/{folder}", entry)


def test_it_draws_from_a_prompt_and_the_seed_decides(saved: str) -> None:
    async def drawn() -> list[Answer]:
        one = model(saved, images=2)
        asked = [seeded("A kite.", 1), seeded("A kite.", 1), seeded("A kite.", 2)]
        return [await one.send(request, 60) for request in asked]

    first, again, other = run_loop(drawn())
    assert [len(answer.images) for answer in (first, again, other)] == [2, 2, 2]
    assert first == again
    assert first.images != other.images
    assert (first.blocked, first.finish) == (False, "stop")
    with Pillow.open(BytesIO(first.images[0].data)) as opened:
        assert (opened.format, opened.size) == ("PNG", (64, 64))


def test_it_edits(saved: str) -> None:
    answer = came(model(saved, image_in=True), seeded("A frame.", 1, Image("image/png", picture("red", "64x64"))))
    assert sort(answer) == "delivered", answer


def test_what_its_safety_checker_keeps_back_is_a_block(pipeline: Any, tmp_path: Path) -> None:
    pipeline.safety_checker.concept_embeds_weights.fill_(-9.0)  # everything is
    pipeline.save_pretrained(tmp_path / "strict")
    pipeline.safety_checker.concept_embeds_weights.fill_(9.0)
    answer = came(model(str(tmp_path / "strict")), seeded("A kite.", 1), timeout=60)
    assert isinstance(answer, Answer), answer
    assert (answer.images, answer.blocked, answer.finish) == ((), True, "nsfw_content_detected")


def test_it_ends_with_its_time(saved: str) -> None:
    slow = model(saved, extra={"num_inference_steps": 900}, image_size="256x256")
    assert sort(came(slow, seeded("A kite.", 1), timeout=0.2)) == "timeout"


def test_an_argument_that_it_does_not_know_ends_the_run(saved: str) -> None:
    with pytest.raises(ModelUnavailable, match="no_such_argument"):
        came(model(saved, extra={"no_such_argument": 1}), seeded("A kite.", 1), timeout=60)


def test_a_folder_without_a_pipeline_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        came(model(str(tmp_path)), seeded("A kite.", 1))
