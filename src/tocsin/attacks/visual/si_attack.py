"""SI-Attack: words of the text and patches of the image in random order, again and again, until one order gets through."""

from __future__ import annotations

from typing import Annotated

import msgspec

from tocsin.attacks.contract import Attack, Card, attack
from tocsin.attacks.search.progress import Progress
from tocsin.attacks.steering import succeeded
from tocsin.attacks.visual.pictures import jumbled, sent, shown
from tocsin.attacks.visual.wording import shuffled
from tocsin.drawing import lettering
from tocsin.engine import CallFailed
from tocsin.protocols import Attempt, Session
from tocsin.types import Case

CARD = Card(
    paper="Jailbreaking Multimodal Large Language Models via Shuffle Inconsistency (Zhao, Duan, Wang, Wang, Kang, Tao, Wei"
    " 2025)",
    source="arXiv:2501.04931",
    family="visual",
    mechanism="Models make out the sense of shuffled text and images, and are less wary of them. The words of the request"
    " and the"
    " patches of its image are put in random order; of several orders, the one whose answer a judge finds most harmful counts.",
    parameters={
        "iterations": "10",
        "patches": "the image is cut into 2 × 2 patches (from memory)",
        "judge": "a model that scores how toxic an answer is, asked after each query",
        "images": "those of the benchmark (MM-SafetyBench, HADES, SafeBench)",
    },
    deviations=(
        "From memory of the paper; it has no repository that we know of.",
        "A case without an image gets one of its own request, drawn as text.",
        "Text and image are shuffled anew in each iteration, both; the paper keeps the best order so far and says how it"
        " goes on"
        " from it, which we do not remember. Here each order is drawn afresh.",
        "The search ends at the first answer that the in-loop judge finds unsafe; three tries in a row without an answer"
        " end it, too.",
        "Scripts without blanks are shuffled in pieces of three characters.",
    ),
    verified=(
        "the words, sorted, are the request's, and patches put back give the image to the pixel, in which text recognition"
        " reads the"
        " request (tests/attacks/test_si_attack.py)",
        "a case's own image is what is shuffled (same file)",
        "no query follows the first success, and the best answer counts where there is none (same file)",
    ),
)


@attack("si-attack", kind="visual", card=CARD, needs=("judge",), pictured=True)
class SiAttack(Attack, frozen=True):
    """Shuffles the words of the request and the patches of its image until the in-loop judge finds an answer harmful.

    Attributes:
        iterations: Orders that are tried, at most.
        patches: Columns, and rows, that the image is cut into.
        text: Whether words are shuffled.
        image: Whether patches are.
    """

    iterations: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    patches: Annotated[int, msgspec.Meta(ge=2, le=16)] = 2
    text: bool = True
    image: bool = True

    @property
    def queries(self) -> int:
        """One for each order."""
        return self.iterations

    async def run(self, case: Case, session: Session) -> Attempt:
        """One query for each order, in a conversation of its own."""
        pictures = shown(case, session) or [
            lettering(case.prompt, width=760, height=760, size=64, language=case.language)
        ]
        progress, rng = Progress(), session.rng
        for _ in range(self.iterations):
            prompt = shuffled(case.prompt, rng) if self.text else case.prompt
            images = tuple(
                sent(jumbled(one, self.patches, rng)[0] if self.image else one, case.prompt) for one in pictures
            )
            try:
                _, verdict = await progress.put(session, prompt, images)
            except CallFailed as failed:
                progress.lost(failed)
                if progress.hopeless:
                    break
                continue
            if succeeded(verdict):
                break
        return progress.result()
