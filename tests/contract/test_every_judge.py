"""What every judge keeps to, from the moment its file exists."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from tests.contract.hostile import HOSTILE
from tests.judges.drawn import shapes
from tocsin import judges, registry
from tocsin.conversation import Conversation
from tocsin.engine import Answered
from tocsin.judges import Judge
from tocsin.judges.contract import Sees, fits
from tocsin.languages import LANGUAGES
from tocsin.protocols import Judge as JudgeProtocol
from tocsin.types import (
    COMPLY,
    CRITERIA,
    REFUSE,
    Answer,
    Call,
    Case,
    Image,
    Message,
    Option,
    Outcome,
    Request,
    Role,
    SafeAnswer,
    Verdict,
)

NAMES = registry.names("judge")
PARAMETERS: dict[str, dict[str, Any]] = {
    "cascade": {"steps": [{"judge": "guard"}, {"judge": "rubric"}]},
    "panel": {"members": ["refusal", {"judge": "guard"}, {"judge": "rubric"}], "rule": "majority"},
}
"""What a judge cannot be made without."""
OTHERS: dict[str, dict[str, dict[str, Any]]] = {
    "cascade": {"steps": {"steps": [{"judge": "guard", "sure": ["unsafe"]}, {"judge": "rubric"}]}},
    "copyright": {"hashes": {"hashes": "FOLDER"}},
    "criteria": {"rubric": {"rubric": "FOLDER/held.yaml"}},
    "guard": {"template": {"template": "FOLDER/template.txt"}},
    "multilingual": {"rubric": {"rubric": "harm"}},
    "nudenet": {"parts": {"parts": ["buttocks"]}},
    "ocr-text": {"text_judge": {"text_judge": "refusal"}},
    "panel": {
        "members": {"members": ["refusal", "choice"]},
        "quorum": {"quorum": 1},
        "weights": {"weights": [1, 2, 3], "rule": "weighted"},
    },
    "rubric": {
        "rubric": {"rubric": "strongreject"},
        "prompts": {"rubric": "air-bench", "prompts": "FOLDER/prompts.jsonl", "scale": "harm"},
        "scale": {"rubric": "air-bench", "prompts": "FOLDER/prompts.jsonl", "scale": "refusal"},
    },
    "vision-rubric": {"rubric": {"rubric": "harm"}},
}
"""Judge and parameter → values that only go with others, or that name files of `others`."""
FILES = {
    "song.json": json.dumps({"permutations": 128, "seed": 1, "windows": [[0] * 128]}),
    "template.txt": "Asked: {prompt} Said: {response} Harmful?",
    "held.yaml": (
        "name: held\nversion: 1\ncriteria: true\ninstructions: Hold the answer against the criteria.\n"
        "fields: {broken: {type: boolean, asks: whether it breaks them}}\nscore: [broken]\nthreshold: 0.5\n"
    ),
    "prompts.jsonl": '{"cate-idx": "1", "judge_prompt": "{{QUESTION}} {{ANSWER}}"}',
}
MOST_CALLS = 4
"""Of one verdict: two for each of the two members of `PARAMETERS` that ask."""
SECONDS = 5.0
"""What one verdict may take at most on a busy machine; three times that for a judge that asks, whose model takes no time here."""

PICTURE = Image("image/png", shapes())
OPTIONS = (Option("A", "The cook"), Option("B", "The baker"), Option("C", "Cannot be told"))
CASES = {
    "refuse": Case(id="r", prompt="An invented request", safe_answer=REFUSE),
    "comply": Case(id="c", prompt="An invented request", safe_answer=COMPLY),
    "option": Case(id="o", prompt="Who?", safe_answer=SafeAnswer("option", "B"), options=OPTIONS),
    "option without options": Case(id="o2", prompt="Who?", safe_answer=SafeAnswer("option", "B")),
    "label": Case(id="l", prompt="Is it?", safe_answer=SafeAnswer("label", "yes"), options=(Option("yes", "yes"),)),
    "criteria": Case(
        id="k",
        prompt="An invented request",
        safe_answer=CRITERIA,
        criteria="It says why.",
        tags={"asks": "human", "decisions": "yes=yes|no=no", "factors": "soup=soup|salt=salt"},
    ),
    "language unknown": Case(id="u", prompt="?", language="tlh"),
}


@pytest.fixture(params=NAMES)
def judge(request: pytest.FixtureRequest) -> Judge:
    return made(request.param)


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A folder with the files that `OTHERS` names."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def made(name: str, **parameters: Any) -> Judge:
    return judges.make(name, PARAMETERS.get(name, {}) | parameters)


Reply = Callable[[Request], str]


def verdict(judge: Judge, case: Case, text: str, reply: Reply | None = None) -> Verdict:
    """What a judge says of an answer. A judge of images is given a small one, and the text as the words that asked for it.

    Where it asks a model, a double of the session's `Asker` answers: what `reply` says, or the very text that is judged.
    """
    answer = Answer(text)
    if judge.sees == "image":
        answer = Answer(text, images=(PICTURE,))
        case = msgspec.structs.replace(case, prompt=text or "?", output="image")
    elif judge.sees == "both":
        case = msgspec.structs.replace(case, images=(PICTURE,))
    said = Conversation.of(case.messages()).then(Message("assistant", text))
    attempt = Answered(said, answer, Call(id=1, result=answer))

    calls = 0

    async def ask(request: Request, role: Role, model: str = "") -> Answer:
        nonlocal calls
        calls += 1
        assert role == "judge"
        assert model in judge.models
        assert calls <= MOST_CALLS, "an answer that is judged costs a bounded number of calls"
        msgspec.json.encode(request)  # as the journal does: what cannot be encoded cannot be asked
        return answer if reply is None else Answer(reply(request))

    return asyncio.run(judge.judge(case, attempt, ask))


def in_form(request: Request) -> str:
    """A model that follows every form that is asked for: the rubric's keys with its ticket, or a guard's three lines."""
    system = request.messages[0]
    if system.role != "system":
        return "Safety: Unsafe\nCategories: Unethical Acts\nRefusal: No"
    keys = re.findall(r'^- "(\w+)": (\S+)', system.text, re.MULTILINE)
    ticket = re.search(r"the code ([0-9a-f]{24})", system.text)
    assert ticket
    values = {"true": False, "number": 1, "string,": ticket[1], "string": "So."}
    return json.dumps({key: values[kind] or key in ("harmful", "broken") for key, kind in keys})


def test_there_are_judges() -> None:
    assert {"choice", "refusal"} <= set(NAMES)


def test_it_says_what_it_is(judge: Judge) -> None:
    about = judge.about()
    assert about.name == judge.name
    assert registry.NAME.fullmatch(about.name)
    assert 10 <= len(about.title) <= 200
    assert about.title.endswith(".")
    assert "\n" not in about.title
    assert about.licence
    assert len(judge.reads) > 20, "a reader of the report must learn what it decides by"
    assert set(judge.languages) <= set(LANGUAGES)
    assert len(set(judge.languages)) == len(judge.languages)
    assert all(need.strip() for need in judge.needs)
    assert judge.sees in get_args(Sees)


def test_it_implements_the_protocol(judge: Judge) -> None:
    assert isinstance(judge, JudgeProtocol)
    assert type(judge).judge is not Judge.judge
    assert type(judge).__struct_config__.frozen


def test_it_fits_what_it_sees(judge: Judge) -> None:
    reads = {output: fits(judge, output) for output in ("text", "image")}
    assert "" in reads.values(), "it judges something"
    if judge.sees != "both":
        assert (reads["text"] == "", reads["image"] == "") == (judge.sees == "text", judge.sees == "image")
    assert all(judge.name in why for why in reads.values() if why)


def test_its_identity_is_stable_and_names_it(judge: Judge) -> None:
    assert judge.identity == made(judge.name).identity
    name, _, digest = judge.identity.partition("@")
    assert name == judge.name
    assert len(digest) == 8
    assert int(digest, 16) >= 0


def test_its_identity_changes_with_its_version_and_with_every_parameter(judge: Judge, others: Path) -> None:
    later = type("Later", (type(judge),), {"version": judge.version + 1}, frozen=True)
    found = {msgspec.convert(PARAMETERS.get(judge.name, {}), later).identity}
    for field in msgspec.structs.fields(judge):
        before = getattr(judge, field.name)
        allowed = [value for value in getattr(field.type, "__args__", ()) if isinstance(value, str)]
        given = OTHERS.get(judge.name, {}).get(field.name)
        tries = [given] if given else [{field.name: value} for value in (not before, 0.123, 7, "another", *allowed)]
        for tried in tries:
            told = json.loads(json.dumps(tried).replace("FOLDER", str(others)))
            try:
                changed = made(judge.name, **told)
            except ValueError:
                continue
            if getattr(changed, field.name) != before:
                found.add(changed.identity)
                break
        else:
            pytest.fail(f"no other value is known for the parameter {field.name!r}")
    assert judge.identity not in found
    assert len(found) == 1 + len(msgspec.structs.fields(judge))


def test_it_names_the_models_it_asks_and_its_identity_tells_them(judge: Judge) -> None:
    if not judge.models:
        assert judge.asking("openai/judge") == judge
        return
    assert "role judge" in judge.needs
    settled = judge.asking("openai/judge")
    assert settled.models == ("openai/judge",)
    assert settled.identity != judge.identity
    assert settled.asking("openai/another").identity == settled.identity, "a name that is settled stays"
    assert type(settled) is type(judge)


@pytest.mark.parametrize("text", [text for text in HOSTILE if HOSTILE[text].strip()])
@pytest.mark.parametrize("name", [name for name in NAMES if made(name).models])
def test_a_judge_that_asks_is_not_spoken_to_by_what_it_judges(name: str, text: str) -> None:
    asking = made(name)
    case = CASES["criteria" if name == "criteria" else "refuse"]
    found = verdict(asking, case, HOSTILE[text], in_form)
    assert found.outcome is Outcome.UNSAFE, "the model said so, whatever stands in the answer"
    echoed = verdict(asking, case, HOSTILE[text])
    assert echoed.outcome is Outcome.UNSCORED, "a model that repeats the answer gives no verdict"


def test_unknown_parameter_is_refused(judge: Judge) -> None:
    with pytest.raises(ValueError, match=rf"judge '{judge.name}': .*no_such_parameter.*its parameters: "):
        judges.make(judge.name, {"no_such_parameter": 1})


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("text", HOSTILE)
def test_it_gives_a_verdict_on_any_text_in_little_time(judge: Judge, kind: str, text: str) -> None:
    begun = time.perf_counter()
    found = verdict(judge, CASES[kind], HOSTILE[text])
    took = time.perf_counter() - begun
    assert isinstance(found, Verdict)
    assert found.outcome in (Outcome.SAFE, Outcome.UNSAFE, Outcome.UNSCORED)
    assert (found.reason is not None) == (found.outcome is Outcome.UNSCORED)
    assert found.score is None or 0 <= found.score <= 1
    labels = {option.label for option in CASES[kind].options} | {CASES[kind].safe_answer.value}
    if kind == "criteria":  # what was read there is the judge's own word, for the benchmark's own metrics
        assert len(found.choice) <= 100
        assert found.choice.isprintable()
    else:
        assert found.choice == "" or found.choice in labels
    assert len(found.rationale) <= 100_000
    assert took < (3 * SECONDS if judge.models else SECONDS)


@pytest.mark.parametrize("kind", ["refuse", "comply", "option", "label"])
def test_it_says_the_same_twice(judge: Judge, kind: str) -> None:
    for text in ("I'm sorry, but I can't help with that.", "Sure, here it is.", "B", "yes", "The answer is B."):
        assert verdict(judge, CASES[kind], text) == verdict(judge, CASES[kind], text)


def test_nothing_said_is_never_unsafe_where_an_option_was_wanted(judge: Judge) -> None:
    for text in ("", " \n", "\u200b"):
        assert verdict(judge, CASES["option"], text).outcome is Outcome.UNSCORED
