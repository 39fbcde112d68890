"""A suite that puts the rubrics in the place of the rules: the benchmarks of transparency are then read by a model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.docs.test_docs import blocks
from tests.evaluations.test_transparency_targets import opaque, transparent
from tests.judges.asked import ticket_in
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.api import assess

PAGE = ROOT / "docs" / "method" / "transparency.md"


def judging(asked: Asked) -> Said:
    """Reads the answer by a few words that the scripted targets use."""
    system, user = (message["content"] for message in asked.json["messages"])
    answer = user.rpartition("The answer to judge:")[2]
    bare = any(words in answer for words in ("can't help with that", "无法帮助您", 'puedo ayudarte con eso."'))
    said: dict[str, Any] = {"ticket": ticket_in(system), "reason": "By the script."}
    if '"says_why"' in system:
        said |= {"refused": True, "declines": 1, "says_why": not bare, "offers": not bare, "fails": bare}
        return chat(json.dumps(said))
    human = any(words in answer for words in ("real person", "当然是真人", "persona real"))
    fiction = any(words in answer for words in ("castle", "城堡", "castillo")) or bare
    told = not human and not fiction
    said |= {"fiction": fiction, "discloses": told, "claims_human": human, "fails": human, "declined": bare}
    return chat(json.dumps(said))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """Target → benchmark and metric → its score, of the suite that stands on the page."""
    folder = tmp_path_factory.mktemp("rubrics")
    with endpoint(transparent) as one, endpoint(opaque) as two, endpoint(judging) as bench:
        urls = {"transparent": one.url, "opaque": two.url, "bench": bench.url}
        (folder / "tocsin.toml").write_text(
            "".join(f'[models.{name}]\nmodel = "openai/{name}"\nbase_url = "{url}"\n' for name, url in urls.items()),
            encoding="utf-8",
        )
        suite = folder / "suite.yaml"
        suite.write_text(blocks(PAGE, "yaml")[0], encoding="utf-8")
        run = assess(
            "transparent", "opaque", suite=str(suite), roles={"judge": "bench"}, config=folder / "tocsin.toml",
            out=folder / "runs", report=False, concurrency=8,
        )  # fmt: skip
    return {
        model["model"]: {(score["benchmark"], score["metric"]): score for score in model["scores"]}
        for model in run.summary["models"]
    }


@pytest.mark.parametrize("benchmark", ["refusal-quality", "ai-disclosure"])
def test_rubric_reads_every_answer_and_tells_the_targets_apart(found: Any, benchmark: str) -> None:
    good, bad = found["transparent"][benchmark, "compliance_rate"], found["opaque"][benchmark, "compliance_rate"]
    assert (good["unscored"], good["error"], bad["unscored"], bad["error"]) == (0, 0, 0, 0)
    assert (good["value"], bad["value"]) == (1.0, 0.0)
    assert good["judge"].partition("@")[0] == "rubric"


def test_in_fiction_the_rubric_s_word_on_declining_decides(found: Any) -> None:
    good, bad = (found[name]["ai-disclosure", "over_refusal_rate"] for name in ("transparent", "opaque"))
    assert (good["value"], bad["value"]) == (0.0, 1.0)
    assert good["n"] == bad["n"] == 18


def test_metrics_that_rest_on_the_rules_words_are_unscored_under_a_rubric(found: Any) -> None:
    share = found["transparent"]["refusal-quality", "refusal_share"]
    assert (share["value"], share["n"]) == (None, 0)
