"""The nouns of tocsin as typed records.

Everything that is journaled, passed between folders or written to ``summary.json`` has its type here. The records are
`msgspec` structs: cheap to make in the hot path, and encoded to JSON as they are. They hold no behaviour beyond
properties that follow from their own fields.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Literal

import msgspec

Role = Literal["target", "judge", "attacker", "translator"]
Modality = Literal["language", "vision", "image"]
EvaluationName = Literal["benchmark", "adversarial", "multilingual", "compliance", "over-refusal"]
CellEvaluation = Literal["benchmark", "adversarial", "multilingual", "compliance", "over-refusal", "static"]
STATIC: Literal["static"] = "static"
"""What the plan calls the adversarial evaluation of prompts that somebody attacked beforehand: they meet no attack here, and are
counted as a benchmark's cases are. Scores call it adversarial."""


class Outcome(enum.StrEnum):
    """How an attempt ended. Only `SAFE` and `UNSAFE` enter a rate."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    UNSCORED = "unscored"
    ERROR = "error"


class ErrorKind(enum.StrEnum):
    """Why an attempt ended as `Outcome.ERROR`. The values appear in ``errors_by_kind`` of ``summary.json``."""

    AUTH = "auth"
    """The key was refused. Stops the run."""
    NOT_FOUND = "not_found"
    """The endpoint or the model does not exist. Stops the run."""
    QUOTA = "quota"
    """Nothing is left to spend. Stops the run."""
    RATE = "rate"
    """Asked to slow down (429) until the call's deadline."""
    TIMEOUT = "timeout"
    """No complete reply within the call's deadline."""
    SERVER = "server"
    """A 5xx reply."""
    CONNECTION = "connection"
    """No connection, or one that broke."""
    MALFORMED = "malformed"
    """A reply that is not what the wire format says: broken JSON, no choices, wrong types."""
    TOO_LONG = "too_long"
    """The request does not fit the model's context."""
    REJECTED = "rejected"
    """Any other 4xx: the endpoint does not accept this request."""
    NOT_DELIVERED = "not_delivered"
    """An attacker or a translator failed or refused, so nothing reached the target."""
    WITHHELD = "withheld"
    """The filter for text that sexualises minors stopped it; it was not sent."""
    BAD_ROW = "bad_row"
    """The data row could not become a case."""
    BUDGET = "budget"
    """The attempt spent its own budget before it had an answer."""
    INTERNAL = "internal"
    """A fault of tocsin or of a plug-in; the detail names it."""


class Unscored(enum.StrEnum):
    """Why an attempt that was answered has no verdict."""

    EMPTY = "empty"
    """The target chose to say nothing."""
    CUT_OFF = "cut_off"
    """The answer ended before any final text (the token limit fell within the reasoning)."""
    NO_CHOICE = "no_choice"
    """An option or a label was wanted and none could be found."""
    BLOCKED = "blocked"
    """The provider blocked a case whose safe answer is an option or a label."""
    UNSURE = "unsure"
    """The judge does not know."""
    COMPARED = "compared"
    """It was read, and says something only beside another answer: the benchmark's own metrics compare them."""
    JUDGE_FAILED = "judge_failed"
    """The judge failed, refused or was blocked."""
    UNDECODABLE = "undecodable"
    """An encoded answer could not be decoded."""
    WITHHELD = "withheld"
    """The answer itself met the filter for text that sexualises minors; it was not kept."""


# ---------------------------------------------------------------------------------------------------------------------
# What is asked


class Image(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image: its bytes, or where a run keeps them.

    What a loader, an attack or an endpoint makes has `data`. Once it is kept in the run folder, it is a reference: `data` is
    empty and the other fields say what is there. Journals of earlier versions hold bytes.

    Attributes:
        media_type: Such as ``image/png``; empty while nobody has looked.
        data: Its bytes, as they came; empty in a reference.
        sha256: Of the file that is kept, hexadecimal; empty while it is not.
        size: Bytes of that file.
        width: Pixels.
        height: Pixels.
        blank: Whether it has one colour throughout.
        says: The text that somebody drew in it, as it was before it was turned, shuffled or encoded; empty if nobody says.
            The filter reads it with the prompt.
    """

    media_type: str = ""
    data: bytes = b""
    sha256: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    blank: bool = False
    says: str = ""

    def read(self) -> bytes:
        """Its bytes; empty for a reference."""
        return self.data


class Deferred(Image, frozen=True):
    """An image that is read or drawn only when it is kept, so that a plan of thousands of cases takes no more memory than
    the cases that are drawn from it. It is never journaled.

    Attributes:
        make: Gives the bytes. What it raises (`OSError`, `ValueError`) makes the row a bad one.
    """

    make: Callable[[], bytes] | None = None

    def read(self) -> bytes:
        """Its bytes, made anew at each call."""
        return self.make() if self.make is not None else b""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    text: str
    images: tuple[Image, ...] = ()


class SafeAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a safe answer to a case is: a refusal, compliance, a given option or label, or one that meets the case's criteria."""

    kind: Literal["refuse", "comply", "option", "label", "criteria"]
    value: str = ""


REFUSE = SafeAnswer("refuse")
COMPLY = SafeAnswer("comply")
CRITERIA = SafeAnswer("criteria")


class Option(msgspec.Struct, frozen=True):
    """One option of a multiple-choice case: its label (``A``) and its text."""

    label: str
    text: str


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One test input and what a safe answer to it is.

    Attributes:
        id: Unique within its benchmark, stable over versions of the data.
        prompt: What the user says last.
        request: What is asked, where the prompt does not say it: an image may, or a jailbreak's text may stand in its place.
            Judges read it with the answer.
        system: The system prompt, where the case has one.
        history: Earlier turns, where the case is a dialogue.
        images: Images that go with the prompt.
        hazard: The benchmark's own category.
        language: BCP 47 code of the prompt.
        safe_answer: What the safe answer is.
        options: The options, where the safe answer is one of them.
        criteria: What an answer has to do and must not do, in words for a judge, where the safe answer is one that does so.
        cluster: Cases that stand or fall together (a template, a source row) share it; the case's own id if empty.
        tags: Whatever else the benchmark's own metrics need.
        output: What is asked for: text, or an image.
    """

    id: str
    prompt: str
    system: str | None = None
    history: tuple[Message, ...] = ()
    images: tuple[Image, ...] = ()
    hazard: str = "unspecified"
    language: str = "en"
    safe_answer: SafeAnswer = REFUSE
    options: tuple[Option, ...] = ()
    criteria: str = ""
    cluster: str = ""
    tags: dict[str, str] = {}
    output: Literal["text", "image"] = "text"
    request: str = ""

    @property
    def asked(self) -> str:
        """The original request: what a judge is told was asked."""
        return self.request or self.prompt

    def messages(self) -> tuple[Message, ...]:
        """The conversation that puts this case to a model as it stands."""
        head = (Message("system", self.system),) if self.system else ()
        return (*head, *self.history, Message("user", self.prompt, self.images))


class Sampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an answer is drawn. What is None is left to the endpoint."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    extra: dict[str, Any] = {}
    """Sent as it is, for what one vendor knows and others do not."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one cell may spend, or what is left of it. None is no limit."""

    queries: int | None = None
    """Calls to the target."""
    tokens: int | None = None
    """Tokens in and out, over all calls of the cell but the final judge's."""
    seconds: float | None = None
    """Time in which such calls were under way, as the journal has it: side by side they add up."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request to one model."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()


# ---------------------------------------------------------------------------------------------------------------------
# What comes back


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens as the endpoint counted them; zero where it does not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model's answer to one request. Reasoning is kept apart from the text that a judge reads."""

    text: str = ""
    reasoning: str = ""
    finish: str = "stop"
    """Why it ended: ``stop``, ``length``, ``content_filter`` or the endpoint's own word."""
    blocked: bool = False
    """The provider's filter struck; `text` is what was delivered before."""
    declined: bool = False
    """The endpoint itself marks the text as a refusal (the wire format's ``refusal`` field)."""
    usage: Usage = Usage()
    model: str = ""
    """The model's name as the endpoint reports it."""
    images: tuple[Image, ...] = ()
    withheld: str = ""
    """Hash of a text that was not kept, because it met the filter."""
    lost: str = ""
    """Why some of its images could not be opened, where others could: what they show nobody knows."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a call has no answer. The detail names no key and quotes no prompt."""

    kind: ErrorKind
    detail: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to one model and what came of it: the unit of cost and of durability."""

    id: int
    """Row of the journal."""
    result: Answer | Failure
    tries: int = 1
    latency: float = 0.0
    """Seconds from the first try to the end of the last."""
    cost: float | None = None
    """In US dollars; None where no price is known."""


class Capabilities(msgspec.Struct, frozen=True):
    """What a model takes and gives."""

    text_in: bool = True
    image_in: bool = False
    text_out: bool = True
    image_out: bool = False
    structured: bool = False
    """Whether it holds its reply to a JSON schema that is sent as ``response_format``."""


# ---------------------------------------------------------------------------------------------------------------------
# What is made of it


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a judge says of one attempt."""

    outcome: Outcome
    refused: bool | None = None
    """Whether the answer is a refusal; None where the judge does not say."""
    invalid: bool = False
    """The target did not understand, or was off topic."""
    controversial: bool = False
    score: float | None = None
    """Harm in [0, 1], where the judge gives one."""
    choice: str = ""
    """The option or label that was found in the answer."""
    reason: Unscored | None = None
    """Why there is no verdict, where the outcome is `Outcome.UNSCORED`."""
    rationale: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Case × attack × language × repeat, on one target: the unit of planning, resuming and scheduling."""

    position: int
    """Its place in the run's seeded random order, from 1."""
    target: int
    """Index of the target in the manifest."""
    evaluation: CellEvaluation
    benchmark: str
    case: Case
    attack: str = "direct"
    repeat: int = 0
    judge: str = "refusal"

    @property
    def key(self) -> str:
        """What names the cell in every run of the same suite, whatever its order."""
        attack = self.attack
        if attack == "direct" and self.evaluation == "adversarial":
            attack = "direct.adversarial"  # the plain request among attacks is a draw of its own
        return f"{self.benchmark}/{self.case.id}/{attack}/{self.case.language}/{self.repeat}"


class FurtherVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge says of something beside an answer: the reasoning that it shows, or its translation. It changes nothing of the
    answer's own outcome.
    """

    outcome: Outcome
    refused: bool | None = None
    score: float | None = None
    reason: str = ""
    """The `Unscored` reason; where a translation could not be had or judged, ``not_delivered`` or ``no_request``."""
    detail: str = ""
    """Of a translation it begins with how it came about: ``translated``, ``a refusal by rule``, ``no judge was needed``."""
    judge: str = ""
    """Identity of the judge; empty where none was asked."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One finished attempt at a cell, with its verdict: one row of the journal."""

    cell: int
    attempt: int = 0
    call: int | None = None
    """The call whose answer was judged. Records with the same call share a draw, and so a cluster."""
    outcome: Outcome
    refused: bool | None = None
    blocked: bool = False
    truncated: bool = False
    invalid: bool = False
    controversial: bool = False
    score: float | None = None
    choice: str = ""
    reason: str = ""
    """The `Unscored` reason or the `ErrorKind`."""
    detail: str = ""
    judge: str = ""
    """Identity of the judge; empty where none was needed."""
    reasoning: FurtherVerdict | None = None
    """The verdict on the reasoning, where a judge was asked for one: a row of its own."""
    read_as: str | None = None
    """What the judge read in place of the answer, where an attack decoded it: a row of its own."""
    language: str = ""
    """BCP 47 code of the answer, where it was looked at and could be told: a row of its own."""
    translated: FurtherVerdict | None = None
    """The verdict on the answer's translation into the reference language, where a run checks that: a row of its own."""


class Score(msgspec.Struct, kw_only=True):
    """One number of a result, with all that is needed to read it. A row of ``scores`` in ``summary.json``.

    Rates and F1 lie in [0, 1]. ``n`` counts scored attempts; ``planned`` is ``n + unscored + error``. What does not apply
    is None. ``worst`` and ``best`` are the values if every unscored and failed attempt had been unsafe (failed), or safe
    (passed).
    """

    evaluation: str
    modality: str = "language"
    benchmark: str | None = None
    attack: str | None = None
    language: str | None = None
    framework: str | None = None
    metric: str
    value: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None
    planned: int
    n: int
    n_cases: int
    n_clusters: int
    safe: int | None = None
    unsafe: int | None = None
    passed: int | None = None
    failed: int | None = None
    refused: int = 0
    blocked: int = 0
    truncated: int = 0
    """Answers that the limit on their length cut off, and that were judged as far as they went."""
    invalid: int = 0
    unscored: int = 0
    error: int = 0
    errors_by_kind: dict[str, int] = {}
    judge: str | None = None
    corrected: dict[str, Any] | None = None
    """The rate put right for the judge's error: ``value, low, high, method, card``. Only where that is sound."""
    sensitivity: list[dict[str, Any]] = []
    """What the rate would be if the judge erred as on labels of another kind, and in ``against``, what is other there."""
    notes: list[str] = []
    """Words that belong beside the number: ``too few clusters``, ``demonstration``."""
