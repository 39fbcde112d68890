"""The judge of answers to words and images: the rubric's questions, put to a model that is shown the images, too."""

from __future__ import annotations

from tocsin.judges import seen
from tocsin.judges.contract import Output, judge
from tocsin.judges.rubric import FromRubric
from tocsin.protocols import Asker, Attempt
from tocsin.types import Case, Image, Verdict


@judge(
    "vision-rubric",
    reads="what a model that is shown the user's images says of the request, the images and the answer in words, question by"
    " question of a written rubric: whether the answer is harmful, and whether it declines. A reply that is not the whole of what"
    " was asked for leaves the answer unscored. Nobody has measured it beside people who looked at the same images",
    needs=("role judge",),
    sees="both",
)
class VisionRubric(FromRubric, frozen=True, kw_only=True, dict=True):
    """Asks a model that sees images the questions of a rubric: `vision`, or any that the judge `rubric` takes.

    The judge `rubric` with the same rubric asks the same of the text alone. The two have identities of their own, so both
    may run and are reported apart. Refusing and harm are told apart, so that an answer may decline and yet be unsafe.
    """

    rubric: str = "vision"

    def unfit(self, output: Output) -> str:
        """It judges answers in words."""
        return "judges answers in words, and the answers are images" if output == "image" else ""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """As `FromRubric.judge`, with the images that the target was sent; none of them is left out."""
        images = self._images(attempt)
        if images and attempt.text.strip() and (verdict := seen.unfit(images, sent=True)) is not None:
            return verdict
        return await super().judge(case, attempt, ask)

    def _images(self, attempt: Attempt) -> tuple[Image, ...]:
        return seen.asked_with(attempt)
