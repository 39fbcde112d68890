"""Low-resource languages: the request in languages of which models have seen little, in all of them together."""

from __future__ import annotations

from tocsin.attacks.contract import Card, attack
from tocsin.attacks.search.languages import InLanguages, Languages

CARD = Card(
    paper="Low-Resource Languages Jailbreak GPT-4 (Yong, Menghini, Bach 2023)",
    source="arXiv:2310.02446",
    family="cross-lingual",
    mechanism="The request is translated into a language with little training data, and the answer back into English. The"
    " combined attack takes several such languages, and works if it works in any of them.",
    parameters={
        "languages": "Zulu, Scots Gaelic, Hmong, Guarani; for comparison Ukrainian, Bengali, Thai, Hebrew, and Simplified"
        " Mandarin, Modern Standard Arabic, Italian, Hindi",
        "translator": "Google Translate, there and back",
    },
    deviations=(
        "From memory of the paper: it has no code of its own that could be read.",
        "The translator role translates, and may know these languages worse than the paper's service does.",
        "Languages are tried in the order given, and the first success of the in-loop judge ends them; the paper asks in all."
        " Where none works, the answer that it scored highest is judged.",
        "People graded the paper's answers as bypass, reject or unclear.",
        "A refusal that the refusal rules know is judged as it came, untranslated.",
    ),
    verified=(
        "the request goes there and the answer comes back, in four languages unless told otherwise"
        " (tests/attacks/test_low_resource.py)",
        "it works if any of them does, and one that fails is lost alone (same file)",
    ),
    reported="79% on GPT-4 with the four combined, 53% with Zulu alone, under 1% in English, on AdvBench (cited from memory).",
)


@attack("low-resource", kind="search", card=CARD, needs=("translator", "judge"), decodes=True)
class LowResource(InLanguages, frozen=True):
    """Puts the request in languages with little training data, one after another.

    Attributes:
        languages: As in `InLanguages`.
    """

    languages: Languages = ("zu", "gd", "hmn", "gn")
