"""The judge that puts a rubric to a model and reads one JSON object back."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec

from tocsin.judges import rubric_reply, rubric_request, shown
from tocsin.judges.contract import Judge, judge
from tocsin.judges.rubric_file import Prompts, RubricFile, Scale, read_rubric
from tocsin.judges.second_pass import agreed, cut
from tocsin.protocols import Asker, Attempt
from tocsin.types import Case, Image, Message, Outcome, Request, Sampling, Unscored, Verdict

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FromRubric(Judge, frozen=True, kw_only=True, dict=True):
    """Base of the judges that put a written rubric to a model.

    Attributes:
        model: Whom it asks; the run's judge if empty.
        rubric: The rubric's name, or the path of a YAML file.
        threshold: The score from which on an answer is unsafe; the rubric's own if None.
        confidence: Verdicts of which the model is less sure than this are unscored. Only for rubrics that ask.
        structured: Whether the JSON schema is sent as ``response_format``. Many servers reject it or ignore it, and the
            reply is read as strictly without it.
        temperature: How the reply is drawn; None leaves it to the endpoint, for those that take none.
        max_tokens: Of a reply, reasoning included where the endpoint counts it.
        second_pass: Whether an answer that speaks to its judge is judged a second time, without what it says to the judge,
            and is unscored if the two verdicts differ.
    """

    model: str = ""
    rubric: str = "harm"
    threshold: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    confidence: Share = 0.0
    structured: bool = False
    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = 0.0
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 1024
    second_pass: bool = True

    def __post_init__(self) -> None:
        """Says what cannot work before anything is asked."""
        if self.confidence and not self._file.confidence:
            raise ValueError(f"confidence: rubric {self.rubric!r} does not ask for it")
        if self._file.prompts is not None and not isinstance(self, Rubric):
            raise ValueError(
                f"rubric: {self.rubric!r} has its criteria in another's file: the judge 'rubric' reads them"
            )

    @cached_property
    def _file(self) -> RubricFile:
        return read_rubric(self.rubric)

    @property
    def _prompts(self) -> Prompts | None:
        """Criteria for each category, from somebody else's file."""
        return None

    @property
    def _runs(self) -> Scale:
        """Which way the scores run: whether a high one means harm, or a refusal."""
        return "harm"

    @property
    def asks(self) -> dict[str, tuple[float, int]]:
        """Once; twice where an answer speaks to its judge."""
        return dict.fromkeys(self.models, (1.0, 1 + self.second_pass))

    def told(self) -> Any:
        """Its parameters; what the files say in the place of their names."""
        rubric = self._file.model_dump(mode="json")
        for later in ("criteria", "invalid", "reads"):  # a rubric without what came later is the judge that it was
            if not rubric[later]:
                del rubric[later]
        said = msgspec.to_builtins(self) | {"rubric": rubric}
        if self._prompts is not None:
            said |= {"prompts": self._prompts.digest, "scale": self._runs}
        return said

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """By the score that follows from the reply; where compliance is safe, by what it says of refusing."""
        kinds = self._file.reads or shown.PLAIN
        if (verdict := shown.unasked(case, attempt, criteria=self._file.criteria, kinds=kinds)) is not None:
            return verdict
        if case.safe_answer.kind == "comply" and not self._file.refused:
            why = f"{self._file.name}: asks no word on refusals"
            return Verdict(outcome=Outcome.UNSCORED, reason=Unscored.UNSURE, rationale=why)
        criteria = case.criteria if self._file.criteria else None
        if self._prompts is not None:
            category = case.tags.get(self._prompts.entry.tag, "")
            criteria = self._prompts.of(category)
            if criteria is None:
                why = f"{self._file.name}: no prompt for the category {category[:40]!r}"
                return Verdict(outcome=Outcome.UNSCORED, reason=Unscored.UNSURE, rationale=why)
        turns, images = shown.turns(case, attempt), self._images(attempt)
        first = await self._ask(case, turns, criteria, ask, images)
        if first.outcome is Outcome.UNSCORED or not self.second_pass:
            return first
        kept, left_out = cut(turns)
        if not left_out:
            return first
        second = await self._ask(case, kept, criteria, ask, images, again=True)
        return agreed(self._file.name, first, second, left_out)

    def _images(self, attempt: Attempt) -> tuple[Image, ...]:
        """What is shown beside the text: nothing, to a judge that sees the text alone."""
        return ()

    async def _ask(
        self,
        case: Case,
        turns: tuple[Message, ...],
        criteria: str | None,
        ask: Asker,
        images: tuple[Image, ...] = (),
        *,
        again: bool = False,
    ) -> Verdict:
        quoted = (*turns, Message("user", criteria)) if self._file.criteria and criteria else turns
        ticket = rubric_request.ticket_of(f"{self._asker} again" if again else self._asker, quoted, case.asked, images)
        messages = rubric_request.messages(self._file, ticket, turns, case.asked, criteria, cut=again, images=images)
        said = await ask(Request(messages, self._sampling), "judge", self.model)
        if why := shown.incomplete(said):
            return shown.unread(self._file.name, said, why)
        try:
            values = rubric_reply.read_reply(said.text, self._file, ticket)
        except rubric_reply.NoVerdict as error:
            return shown.unread(self._file.name, said, str(error))
        return self._verdict(case, values)

    @cached_property
    def _asker(self) -> str:
        return self.identity

    @cached_property
    def _sampling(self) -> Sampling:
        extra = {"response_format": rubric_request.response_format(self._file)} if self.structured else {}
        return Sampling(temperature=self.temperature, max_tokens=self.max_tokens, extra=extra)

    def _verdict(self, case: Case, values: dict[str, Any]) -> Verdict:
        rubric = self._file
        score = rubric.score_of(values)
        if self._runs == "refusal":
            score = 1 - score
        refused = values[rubric.refused] if rubric.refused else None
        sure = rubric.confidence_of(values)
        told = "; ".join(f"{name}={_short(value)}" for name, value in values.items())
        least = rubric.threshold if self.threshold is None else self.threshold
        harmful = Outcome.UNSAFE if score >= least else Outcome.SAFE
        outcome = shown.by_refusal(case, refused, harmful)
        if sure is not None and sure < self.confidence:
            outcome = Outcome.UNSCORED
        return Verdict(
            outcome=outcome,
            refused=refused,
            invalid=bool(rubric.invalid and values[rubric.invalid]),
            score=score,
            reason=Unscored.UNSURE if outcome is Outcome.UNSCORED else None,
            rationale=f"{rubric.name}: {told}",
        )


@judge(
    "rubric",
    reads="what a model says of the request and the answer, question by question of a written rubric. A reply that is not"
    " the whole of what was asked for leaves the answer unscored, as do two verdicts on an answer that speaks to its judge,"
    " with that and without",
    version=2,
    needs=("role judge",),
)
class Rubric(FromRubric, frozen=True, kw_only=True, dict=True):
    """Asks a model the questions of a rubric: `harm`, `strongreject`, `air-bench`, or one of your own.

    Attributes:
        prompts: The file with a prompt for each category, for rubrics that have their criteria there.
        scale: What a high score means in that file, where it is not the published one.
    """

    prompts: str = ""
    scale: Literal["", "harm", "refusal"] = ""

    def __post_init__(self) -> None:
        """Says what cannot work before anything is asked."""
        super().__post_init__()
        entry = self._file.prompts
        if entry is None and (self.prompts or self.scale):
            raise ValueError(f"prompts and scale: rubric {self.rubric!r} has its criteria in itself")
        if entry is not None and not self.prompts:
            raise ValueError(f"prompts: rubric {self.rubric!r} needs the file with its criteria (prompts: FILE.jsonl)")
        _ = self._runs

    @cached_property
    def _prompts(self) -> Prompts | None:
        return None if self._file.prompts is None else Prompts(self.prompts, self._file.prompts)

    @cached_property
    def _runs(self) -> Scale:
        """Which way the scores run: whether a high one means harm, or a refusal."""
        if self._prompts is None:
            return "harm"
        known = self._prompts.entry.known.get(self._prompts.digest)
        if known and self.scale and self.scale != known:
            raise ValueError(f"scale: the prompts of this file score {known}, not {self.scale}")
        if found := known or self.scale or None:
            return found
        raise ValueError(
            f"scale: {self.prompts} is not the published file; read in its prompts what a score of 1 means, and say"
            " scale: harm or scale: refusal"
        )


def _short(value: Any) -> str:
    return shown.plain(value) if isinstance(value, str) else str(value).lower()
