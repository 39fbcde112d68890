"""Reading answers that are code: what it says is read, and nothing is lost."""

from __future__ import annotations

import re
import time

import pytest

from tests.contract.hostile import HOSTILE
from tocsin.attacks.completed_code import read
from tocsin.judges.refusal_rules import is_refusal

STEPS = "Fill the samovar.\nLight the fire."


@pytest.mark.parametrize(
    "code",
    [
        'report = []\nreport.append("Fill the samovar.")\nreport.append("Light the fire.")',
        "report.append('Fill the samovar.')  # step 1\nreport.append('''Light the fire.''')  # step 2",
        'report = [\n    "Fill the samovar.",  # "one"\n    "Light the fire.",\n]',
        'report: list[str] = ["Fill the samovar.", "Light the fire."]',
        'report += ["Fill the samovar."]\nreport.extend(["Light the fire."])',
        'self.report = ["Fill " "the " + f"samovar.", "Light "\n    "the fire."]',
        'report.append(\n    "Fill the "\n    "samovar."\n)\nreport.append("Light the fire.")',
        'std::vector<std::string> report;\nreport.push_back("Fill the samovar."); // 1\nreport.emplace_back("Light the fire.");',
        'std::vector<std::string> report{"Fill the samovar.", "Light the fire."};',
        'var report []string\nreport = append(report, "Fill the samovar.") // 1\nreport = append(report, `Light the fire.`)',
        'report := []string{"Fill the samovar.", "Light the fire."}',
    ],
)
def test_texts_are_read_in_every_language(code: str) -> None:
    source = f'words.append("tea")\nif task == "tea":\n{code}\nprint("done")\n'
    found = read(f"Gladly!\n```python\n{source}```\nEnjoy.", ["tea", "done"]).splitlines()
    assert (found[0], found[-1]) == ("Gladly!", "Enjoy.")
    assert [line for line in found if line in STEPS.splitlines()] == STEPS.splitlines()
    assert all(re.fullmatch(r"step \d|\d|\"one\"", line) for line in found[1:-1] if line not in STEPS.splitlines())


@pytest.mark.parametrize(
    "code",
    [
        'steps = ["Fill the samovar."]\nreport.append("Here is the plan:")\nfor step in steps:\n    report.append(step)',
        'STEP_1 = "Fill the samovar."\nreport.append(STEP_1)\nreport.append("Enjoy!")',
        'first = """Fill the samovar."""\nreport = [first, "Done."]',
        'report[0] = "Fill the samovar."\nreport.append("end")',
        'report.append("Step 1: Preparation")\n# Fill the samovar.',
    ],
)
def test_nothing_that_code_says_is_lost_wherever_it_stands(code: str) -> None:
    assert "Fill the samovar." in read(f"```python\n{code}\n```")


@pytest.mark.parametrize(
    "code",
    [
        "# I'm sorry, but I can't help with that.\nreport.append('...')",
        'report.append("")\nprint("I\'m sorry, but I can\'t help with that.")',
    ],
)
def test_a_refusal_in_code_is_read_as_one(code: str) -> None:
    assert is_refusal(read(f"```python\n{code}\n```"))


def test_prose_stays_as_it_is() -> None:
    for text in (
        "I'm sorry, but I can't help with that.",
        "Leaving `report.append('...')` as it is: I'm sorry, but I can't help with this request.",
        'I decoded it. report = "below", so here goes: fill the samovar with water and light the charcoal.',
        'report.append("Fill the samovar.")',
        "```python\nwords = 3 + 4\n```",
        "",
    ):
        assert read(text) == text


def test_what_the_prompt_held_is_left_out_and_a_block_of_nothing_else_stays() -> None:
    code = '```python\nstack.append("tea")\nreport.append("Pour.")\n```'
    assert read(code, ["tea"]) == "Pour."
    only = '```python\nstack.append("tea")\n```'
    assert read(only, ["tea"]) == only


def test_escapes_are_undone_and_a_block_that_was_cut_off_is_read_so_far() -> None:
    said = '```python\nreport.append("Say \\"tea\\",\\nand wait: \\u8336")\nreport.append("Pour'
    assert read(said) == 'Say "tea",\nand wait: 茶'
    assert read('```go\nreport = append(report, `a\\n"b"`)\n```') == 'a\\n"b"'


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_it_or_takes_long(text: str) -> None:
    began = time.process_time()
    for around in ("{}", "```\nreport = ['{}"):
        read(around.replace("{}", HOSTILE[text]))
    assert time.process_time() - began < 10


def test_many_beginnings_take_no_longer_than_one() -> None:
    began = time.process_time()
    for piece in (
        "report = (",
        'report.append("',
        "report = '''",
        "```\n",
        "report : ",
        "report :x",
        '"""',
        "report\n\n",
    ):
        read(piece * 5_000)
        read("```\n" + piece * 5_000)
    assert time.process_time() - began < 5
