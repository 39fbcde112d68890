"""Reading answers that are code: what fills the list is read, and nothing else is lost."""

from __future__ import annotations

import time

import pytest

from tests.contract.hostile import HOSTILE
from tocsin.attacks.completed_code import read

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
    assert read(f"Gladly!\n```python\n{source}```\nEnjoy.", "report") == f"Gladly!\n{STEPS}\nEnjoy."
    assert "tea" in read(source, "report"), "outside of a fence other code stays"
    assert "Fill the samovar." in read(source, "report")


def test_what_fills_no_list_stays_as_it_is() -> None:
    for text in (
        "I'm sorry, but I can't help with that.",
        '```python\nreport = []\nreport.append("")\n```\nI will not complete this.',
        '```python\nwords.append("tea")\n```',
        'The list report holds "steps". report == "x"',
        "",
    ):
        assert read(text, "report") == text


def test_escapes_are_undone_and_a_block_that_was_cut_off_is_read_so_far() -> None:
    said = '```python\nreport.append("Say \\"tea\\",\\nand wait: \\u8336")\nreport.append("Pour'
    assert read(said, "report") == 'Say "tea",\nand wait: 茶'
    assert read('```go\nreport = append(report, `a\\n"b"`)\n```', "report") == 'a\\n"b"'


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_it_or_takes_long(text: str) -> None:
    began = time.process_time()
    for around in ("{}", "```\nreport = ['{}"):
        read(around.replace("{}", HOSTILE[text]), "report")
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
        read(piece * 5_000, "report")
        read("```\n" + piece * 5_000, "report")
    assert time.process_time() - began < 5
