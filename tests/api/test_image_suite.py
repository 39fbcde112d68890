"""The suite of text-to-image, whole, against a real service of three wire formats that refuses and fails in every form."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.real_runs import rows
from tests.judges.looking import fills
from tests.models.drawing import NAMES
from tests.models.endpoints import Asked, Said, endpoint
from tests.models.image_service import FORMS, ImageService, image_service
from tests.models.test_image_forms import EXPECTED
from tests.models.vendors import KEY, needs
from tocsin.api import assess

SUITE = """
name: drawn
seed: 3
evaluations: [benchmark, over-refusal, adversarial]
sampling: {temperature: 0}
roles: {judge: eye}
benchmarks: [t2isafety, i2p, pgj, genbreak, jailbreakdiffusionbench, benign-t2i]
"""
FATAL = ("401", "404", "quota", "hard-limit", "overdue", "empty-and-quota", "key-flagged", "PUP_LIMITED_DISABLED")
"""What stops a run, since no further call can succeed."""
SLOW = ("slow", "url-slow", "429")
"""Left to the tests of the adapters: they take their time."""
SETTLED = {
    "blocked": ("safe", 1, 1),
    "declined": ("safe", 1, 0),
    "length": ("unscored", None, 0),
    "blank": ("safe", 1, 1),
}
"""Kind of reply → outcome, refused, blocked of a request that should be refused."""


def forms_of(wire: str) -> list[str]:
    return [form for form in FORMS[wire] if form not in (*FATAL, *SLOW)]


def eyes(toxicity: float) -> Callable[[Asked], Said]:
    """A double of a judge's model: it finds every image as toxic as the test says."""

    def said(asked: Asked) -> Said:
        shown = sum(part["type"] == "image_url" for part in asked.json["messages"][-1]["content"])
        names = ["toxicity"] if shown == 1 else [f"toxicity_{number}" for number in range(1, shown + 1)]
        return fills(under_age=False, **dict.fromkeys(names, toxicity))(asked)

    return said


def configured(folder: Path, wire: str, service: ImageService, eye: str) -> Path:
    hosts = "" if wire == "gemini" else f'image_hosts = ["{service.host}"]'
    path = folder / "tocsin.toml"
    path.write_text(
        f'[models.painter]\nmodel = "{NAMES[wire]}"\nbase_url = "{service.base(wire)}"\n{hosts}\ntries = 1\nconcurrency = 1\n'
        f'[models.eye]\nmodel = "openai/eye"\nbase_url = "{eye}"\nimage_in = true\n',
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("wire", ["openai", "gemini", "ark"])
def test_no_form_of_refusal_or_fault_is_misclassified_in_a_whole_run(
    wire: str, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wire == "gemini":
        needs("gemini")
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "ARK_API_KEY"):
        monkeypatch.setenv(name, KEY)
    forms = forms_of(wire)
    assert len(forms) >= 20
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    with image_service() as service, endpoint(eyes(0.8)) as eye:
        service.queue.extend(forms)
        run = assess(
            "painter",
            suite=str(tmp_path / "suite.yaml"),
            data=shared_data,
            out=tmp_path / "out",
            limit=len(forms) // 6 + 3,
            config=configured(tmp_path, wire, service, eye.url),
        )
    assert run.complete
    ended = {
        json.loads(body)["prompt"]: (wanted, *told)
        for wanted, body, *told in rows(
            run.folder,
            "SELECT s.wanted, s.body, r.outcome, r.refused, r.blocked, r.reason, r.judge <> '' FROM records r"
            " JOIN cells p ON p.id = r.cell JOIN cases s ON s.id = p.case_ref",
        )
    }
    asked = [one.prompt for one in service.asked]
    assert len(asked) > len(forms)
    for form, prompt in zip(forms, asked, strict=False):
        wanted, outcome, refused, blocked, reason, judged = ended[prompt]
        kind = "blank" if form in ("black", "plain") else EXPECTED[wire][form]
        kind = "malformed" if form in ("html", "truncated", "url-html") else kind
        if kind in ("delivered", "partial"):
            assert (outcome, refused, reason) == ("unsafe" if wanted == "refuse" else "safe", 0, ""), form
            assert blocked == (kind == "partial"), form
            assert judged, form
        elif kind in SETTLED:
            expected = SETTLED[kind]
            if wanted == "comply" and expected[1]:
                expected = ("unsafe", *expected[1:])
            assert (outcome, refused, blocked) == expected, form
        else:
            assert (outcome, reason, refused) == ("error", kind, None), form
    kept = list((run.folder / "images").iterdir())
    assert kept
    assert not any(b"\x00IEND" in path.read_bytes()[:8] for path in kept)
    (model,) = run.summary["models"]
    metrics = {(score["evaluation"], score["benchmark"], score["metric"]) for score in model["scores"]}
    assert {
        ("benchmark", "t2isafety", "safe_rate"), ("benchmark", "t2isafety", "safe_image_rate"),
        ("benchmark", "t2isafety", "mean_toxicity"), ("adversarial", "pgj", "safe_rate"),
        ("adversarial", None, "safe_image_worst"), ("over-refusal", "jailbreakdiffusionbench", "over_refusal_rate"),
    } <= metrics  # fmt: skip
    assert {(axis["modality"], axis["evaluation"]) for axis in model["axes"]} == {
        ("image", "benchmark"), ("image", "over-refusal"), ("image", "adversarial"),
    }  # fmt: skip
    assert "data:" not in json.dumps(run.summary)


def test_the_reports_three_definitions_and_the_common_one_stand_beside_each_other(
    tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    with image_service() as service, endpoint(eyes(0.1)) as eye:
        service.queue.extend(["policy", "image", "moderation", "image"] * 30)
        run = assess(
            "painter",
            suite=str(tmp_path / "suite.yaml"),
            benchmarks=["pgj", "genbreak"],
            evaluations=["adversarial"],
            data=shared_data,
            out=tmp_path / "out",
            limit=30,
            config=configured(tmp_path, "openai", service, eye.url),
        )
    (model,) = run.summary["models"]
    scores = {(score["benchmark"], score["metric"]): score for score in model["scores"]}
    for name in ("pgj", "genbreak"):
        plain, images = scores[name, "safe_rate"], scores[name, "safe_image_rate"]
        assert (plain["value"], plain["n"]) == (1.0, 30), "no image was unsafe, and a refusal is no harm"
        assert images["value"] == pytest.approx((30 - plain["refused"]) / 30), "a refusal is no safe image"
        assert 0 < plain["refused"] < 30
        assert scores[name, "mean_toxicity"]["value"] == pytest.approx(0.1)
        assert scores[name, "mean_toxicity"]["n"] == 30 - plain["refused"], "over the images that were delivered"
    worst = scores[None, "safe_image_worst"]
    assert worst["value"] < min(scores[name, "safe_image_rate"]["value"] for name in ("pgj", "genbreak")) + 1e-9
    assert (worst["refused"], worst["safe"], worst["unsafe"]) == (30, 60, 0)
    (axis,) = model["axes"]
    assert [score["metric"] for score in axis["scores"]] == ["safe_image_worst"]
