"""What the report says of numbers, kinds and reasons, in words for readers who decide and need not code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tocsin.engine import Ending
from tocsin.evaluations.scoring import DEMONSTRATION, LOWER_IS_BETTER, TOO_FEW
from tocsin.languages import UnknownLanguage
from tocsin.languages import language as known_language
from tocsin.report import clean
from tocsin.report.messages import Message, joined, message, messages, otherwise
from tocsin.types import ErrorKind, Unscored

METRICS = messages(
    {
        "safe_rate": "Safe answers",
        "over_refusal_rate": "Harmless requests refused",
        "harm_score": "Mean grade of harm",
        "reasoning_leak_rate": "Unsafe reasoning shown",
        "accuracy": "Right answers",
        "bias_score_ambiguous": "Bias where the text does not tell",
        "bias_score_disambiguated": "Bias where the text tells",
        "refusal_share": "Requests declined",
        "refusal_explained_rate": "Refusals that say why",
        "refusal_alternative_rate": "Refusals that offer a way on",
        "human_claim_rate": "Claims to be human",
        "persona_disclosure_rate": "Says it is an AI, under a persona",
        "explanation_consistency": "Stated reasons agree with decisions",
        "explanation_consistency_relevant": "Stated reasons agree, factor with a bearing",
        "hidden_influence_rate": "Influence that the reason hides",
        "safe_worst": "Cases that withstand every attack",
        "safe_worst_3": "Cases that withstand the three worst attacks",
        "safe_response_rate": "Safe answers under attack",
        "refusal_response_rate": "Refusals under attack",
        "attack_success_rate": "Attack succeeds",
        "attack_success_rate_at_k": "Attack succeeds within k attempts",
        "transfer_rate": "What succeeded elsewhere succeeds again",
        "adaptive_gap": "How much more adaptive attacks break than static ones",
        "prompt_f1": "F1 on prompts",
        "prompt_precision": "Precision on prompts",
        "prompt_recall": "Recall on prompts",
        "prompt_false_positive_rate": "Safe prompts called unsafe",
        "response_f1": "F1 on responses",
        "response_precision": "Precision on responses",
        "response_recall": "Recall on responses",
        "response_false_positive_rate": "Safe responses called unsafe",
        "judgement_mean": "Mean of safety judgement (F1)",
        "safe_rate_valid": "Safe answers among those that understood",
        "safety_drop": "Unsafe answers beyond those in the reference language",
        "relative_safety_drop": "Share of the reference language's safe answers that is lost",
        "generation_mean": "Mean of safe generation",
        "compliance_rate": "Items passed, all formats",
        "open_basic_rate": "Open items passed, asked plainly",
        "open_jailbreak_rate": "Open items passed, asked under pressure",
        "multiple_choice_rate": "Multiple-choice items right",
        "true_false_rate": "True/false items right",
        "safe_image_rate": "Safe images, refusals not among them",
        "safe_image_worst": "Safe images in the worst case",
        "safe_image_worst_attack": "Safe images under the worst live attack",
        "mean_toxicity": "Mean toxicity of images",
        "macro_mean": "Mean of the benchmarks",
    }
)
"""Metric → what a table calls it."""

EVALUATIONS = messages(
    {
        "benchmark": "benchmarks (the questions put as they stand)",
        "adversarial": "adversarial (attempts to trick the model)",
        "multilingual": "multilingual (the same questions in other languages)",
        "compliance": "compliance (evidence for the clauses of a regulation)",
        "over-refusal": "over-refusal (harmless requests that only look harmful)",
    }
)
"""Evaluation → what it is."""

EVALUATION = messages(
    {
        "benchmark": "benchmark",
        "adversarial": "adversarial",
        "multilingual": "multilingual",
        "compliance": "compliance",
        "over-refusal": "over-refusal",
    }
)
"""Evaluation → its name within a sentence."""

MODALITIES = messages(
    {
        "language": "text",
        "vision": "vision-language (images shown, text answered)",
        "image": "text-to-image (images asked for)",
    }
)
"""Modality → what it is."""
SHORT = messages({"language": "text", "vision": "vision-language", "image": "text-to-image"})
"""Modality → what a column calls it."""

SEES = messages(
    {
        "text": "It sees text alone, and no image",
        "image": "It sees the images that a model made, and no text of the answer",
        "both": "It sees the text and the images",
    }
)
"""What a judge says that it sees → in words."""

ERRORS = messages(
    {
        ErrorKind.AUTH: "the endpoint refused the access key",
        ErrorKind.NOT_FOUND: "the endpoint or the model does not exist",
        ErrorKind.QUOTA: "nothing was left to spend at the endpoint",
        ErrorKind.RATE: "the endpoint kept asking to slow down",
        ErrorKind.TIMEOUT: "no complete reply came in time",
        ErrorKind.SERVER: "the endpoint had a fault of its own",
        ErrorKind.CONNECTION: "there was no connection, or it broke",
        ErrorKind.MALFORMED: "the reply could not be read",
        ErrorKind.TOO_LONG: "the request was longer than the model can take",
        ErrorKind.REJECTED: "the endpoint did not accept the request",
        ErrorKind.NOT_DELIVERED: "the helper model that rewrites or translates the request failed, so the model never saw it",
        ErrorKind.WITHHELD: "the filter for text that sexualises minors stopped the request; it was never sent",
        ErrorKind.BAD_ROW: "a row of the data could not be read as a case",
        ErrorKind.BUDGET: "the attempt used up its own budget before there was an answer",
        ErrorKind.INTERNAL: "a fault of tocsin or of a plug-in",
    }
)
"""Kind of error → what happened."""

UNSCORED = messages(
    {
        Unscored.EMPTY: "the model said nothing",
        Unscored.CUT_OFF: "the answer was cut off before its final text",
        Unscored.NO_CHOICE: "no option, or more than one, could be found in the answer",
        Unscored.BLOCKED: "the provider blocked a question that wanted an option",
        Unscored.UNSURE: "the judge could not tell",
        Unscored.COMPARED: "the answer was read, and counts only beside the answer to its twin",
        Unscored.JUDGE_FAILED: "the judge failed, refused or was blocked",
        Unscored.UNDECODABLE: "the encoded answer could not be decoded",
        Unscored.WITHHELD: "the filter for text that sexualises minors stopped the answer; it was not kept",
    }
)
"""Reason of an answer without a verdict → what happened."""

_REASONS = {kind.value: said for kind, said in (*UNSCORED.items(), *ERRORS.items())}

ENDINGS = messages(
    {
        Ending.COMPLETE: "finished",
        Ending.BUDGET: "stopped at its budget",
        Ending.ENDPOINT: "stopped because the endpoint refused further calls",
        Ending.INTERRUPTED: "was interrupted",
        Ending.JOURNAL: "stopped because its journal could not be written",
    }
)
"""How a session ended → in words."""

NOTES = messages(
    {
        TOO_FEW: "Fewer than ten independent groups of cases: the interval itself is uncertain.",
        DEMONSTRATION: "Demonstration: this figure ranks nobody.",
        "the judge was not made for this language": "The judge says that it is not made for this language.",
        "the judge was not validated in this language": "No card or label says how the judge errs in this language.",
        "no case of this kind was read": "Not one case that this figure is about has a verdict.",
    }
)
"""Note of a score → in words. A note that is not here is shown as it is."""

OUTCOMES = {
    "safe_rate": messages({"safe": "safe", "unsafe": "unsafe"}),
    "over_refusal_rate": messages({"safe": "not refused, as it should be", "unsafe": "refused though harmless"}),
    "accuracy": messages({"safe": "right", "unsafe": "wrong"}),
    "safe_response_rate": messages({"safe": "safe", "unsafe": "unsafe"}),
    "compliance_rate": {"safe": "passed", "unsafe": "failed"},
}
"""Metric → outcome → what the outcome means there."""


_ANY_OUTCOME = messages({"safe": "safe", "unsafe": "unsafe", "unscored": "no verdict", "error": "error"})

_DIFFERENCES = frozenset({"adaptive_gap", "safety_drop", "relative_safety_drop"})


def outcome(metric: str, name: str) -> str:
    """An outcome in words; unscored and error are the same for every metric."""
    return OUTCOMES.get(metric, _ANY_OUTCOME).get(name) or _ANY_OUTCOME.get(name, name)


def falls(score: dict[str, Any]) -> bool:
    """Whether a lower value is the better one. A mean over over-refusal rates falls as they do."""
    return score["metric"] in LOWER_IS_BETTER or (
        score["metric"] == "macro_mean" and score["evaluation"] == "over-refusal"
    )


def signed(score: dict[str, Any]) -> bool:
    """Whether the score lies about a 0 that is the best or no difference, in [-1, 1], and not in [0, 1]."""
    return str(score["metric"]).startswith("bias_score") or score["metric"] in _DIFFERENCES


def direction(score: dict[str, Any]) -> str:
    """Which way is good."""
    if score["metric"] in _DIFFERENCES:
        return message("0 is no difference")
    if signed(score):
        return message("0 is unbiased")
    return message("lower is better") if falls(score) else message("higher is better")


def reason(name: str) -> str:
    """An error's kind or the reason of an answer without a verdict, in words."""
    return _REASONS.get(name) or clean.name(name)


def language(code: str) -> str:
    """A language by its name, with its code behind it; the code alone where it names none that is known."""
    name = language_name(code)
    return message("{name} ({code})", name=name, code=code) if isinstance(name, Message) else name


def language_name(code: str) -> str:
    """A language by its name alone; its code where that names none that is known."""
    try:
        return message(known_language(code).name)
    except UnknownLanguage:
        return clean.name(code, most=40)


def percent(value: float | None, digits: int = 0) -> str:
    """A share in [0, 1] as a percentage. What is not quite 0% or 100% is never written as if it were."""
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{100 * value:.0f}%"
    shown = f"{100 * value:.{digits}f}"
    if float(shown) not in (0, 100):
        return f"{shown}%"
    if digits == 0:
        return percent(value, 1)
    return "<0.1%" if value < 0.5 else ">99.9%"


def figure(value: float | None, *, plus: bool) -> str:
    """A value as a table shows it: a percentage, or a signed decimal where it lies in [-1, 1]."""
    if value is None:
        return "–"
    return f"{value:+.3f}".replace("-", "\u2212") if plus else percent(value, 1)


def span(low: float | None, high: float | None, *, plus: bool = False, digits: int = 1) -> str:
    """Two values with "to" between them; a dash where there are none."""
    if low is None or high is None:
        return "–"
    if plus:
        return message("{low} to {high}", low=figure(low, plus=True), high=figure(high, plus=True))
    first, last = percent(low, digits), percent(high, digits)
    start = first if first.startswith("<") else first.removesuffix("%")
    return otherwise(f"{start} to {last}", "{low} to {high}", low=first, high=last)


def points(value: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    if value is None:
        return "–"
    shown = f"{100 * value:+.1f}".replace("-", "\u2212")
    return "0.0" if shown[1:] == "0.0" else shown


def p_value(value: float | None) -> str:
    """A p-value; what is small is told as less than the least that is written."""
    return "–" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    several = many or one + "s"
    return otherwise(f"{number:,} {one if number == 1 else several}", f"{{n}} {several}", n=f"{number:,}")


def moment(stamp: str | None) -> str:
    """An ISO 8601 time as people write it, in UTC; as it is where it cannot be read."""
    if not stamp:
        return message("not recorded")
    try:
        when = datetime.fromisoformat(stamp).astimezone(UTC)
    except ValueError:
        return clean.name(stamp)
    shown, time = f"{when.day} {when:%B %Y, %H:%M} UTC", f"{when:%H:%M}"
    return otherwise(
        shown, "{day}/{month}/{year}, {time} UTC", day=when.day, month=when.month, year=when.year, time=time
    )


def listed(names: list[str], *, most: int = 8) -> str:
    """Names as a sentence lists them; the rest of a long list is counted."""
    if not names:
        return message("none")
    if len(names) > most:
        return message("{names} and {n} more", names=joined(names[:most], ", "), n=f"{len(names) - most:,}")
    return message("{names} and {last}", names=joined(names[:-1], ", "), last=names[-1]) if names[1:] else names[0]


def axis(told: Mapping[str, Any]) -> str:
    """What an axis is called: its evaluation, and its modality where that is not text."""
    modality = told.get("modality", "language")
    evaluation = EVALUATION.get(told["evaluation"]) or clean.name(told["evaluation"])
    return evaluation if modality == "language" else joined((evaluation, SHORT[modality]), ", ")
