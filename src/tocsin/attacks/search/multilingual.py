"""Multilingual: the request in other languages, from those with much training data to those with little."""

from __future__ import annotations

from tocsin.attacks.contract import Card, attack
from tocsin.attacks.search.languages import InLanguages, Languages

CARD = Card(
    paper="Multilingual Jailbreak Challenges in Large Language Models (Deng, Zhang, Pan, Bing 2023)",
    source="arXiv:2310.06474",
    family="cross-lingual",
    mechanism="The request is put in another language, since safety training is mostly English; the answer is translated back"
    " and judged. An adaptive user takes one language after another, and the case counts as broken if any of them works.",
    parameters={
        "languages": "nine: zh, it, vi (much data), ar, ko, th (medium), bn, sw, jv (little)",
        "instruction": "none where the user means no harm; in the intentional setting the English persona AIM before the prompt",
        "temperature": "0",
    },
    deviations=(
        "The translator role translates; MultiJail's prompts were translated by native speakers, answers by Google Translate.",
        "Languages are tried in the order given, and the first success of the in-loop judge ends them; the paper asks in all"
        " and counts the case if one works, which comes to the same.",
        "No persona comes with it: `instruction` takes one, which is sent in English before the translated request.",
        "Where no language works, the answer that the in-loop judge scored highest is judged.",
        "A refusal that the refusal rules know is judged as it came, untranslated.",
        "Order, templates and judge of the nine-language combination are from memory; the languages are from the authors'"
        " page (MIT), which holds no code.",
    ),
    verified=(
        "each language is asked in alone, and no other text reaches the target (tests/attacks/test_multilingual.py)",
        "the judge reads the answer in the case's language, and the first success ends the search (same file)",
        "a refusal in a language without rules stays one after translation (same file)",
    ),
    reported="80.9% unsafe on ChatGPT and 40.7% on GPT-4 in the intentional setting (cited from memory).",
)


@attack("multilingual", kind="search", card=CARD, needs=("translator", "judge"), decodes=True)
class Multilingual(InLanguages, frozen=True):
    """Puts the request in other languages, one after another.

    Attributes:
        languages: As in `InLanguages`.
        instruction: What stands before the translated request, in whatever language it is written; nothing if empty.
    """

    languages: Languages = ("zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv")
    instruction: str = ""

    def framed(self, prompt: str) -> str:
        """The instruction, if there is one, and the request."""
        return f"{self.instruction}\n\n{prompt}" if self.instruction else prompt
