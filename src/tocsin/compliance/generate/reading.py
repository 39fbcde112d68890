"""Replies of the generating model: JSON of one form, or the reason why a reply cannot be used."""

from __future__ import annotations

from functools import cache
from typing import Any

from tocsin.attacks.replies import TEXT, Form, Kind, Listed
from tocsin.compliance.generate.wanted import Wanted
from tocsin.judges.refusal_rules import is_refusal

_MOST = 20
"""Entries of a list that are looked at: a model that goes on for ever is not answering any more."""


class _Entry(Kind):
    """An object of a list, as it came: what is wrong with one is counted, where a `Form` would pass over it."""

    def __init__(self, form: Form[Any]) -> None:
        self.schema = form.schema

    def read(self, value: Any) -> Any:
        return value


_TEXTS = Listed(TEXT, least=0, most=6)
REQUEST: Form[dict[str, str]] = Form(request=TEXT)
CHOICE: Form[dict[str, Any]] = Form(question=TEXT, right=TEXT, wrong=Listed(TEXT, least=2, most=3))
FIT: Form[dict[str, Any]] = Form(right=TEXT, fits=bool)
IMAGE_FIT: Form[dict[str, Any]] = Form(shows=TEXT, fits=bool)
STATEMENTS: Form[dict[str, str]] = Form(true=TEXT, false=TEXT)


class _Clause(Kind):
    """The id of a clause, or nothing. What is no text is nothing: the rule is counted as one that belongs to no clause."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        self.schema = {"type": "string", "enum": [*ids, ""]}

    def read(self, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else ""


@cache
def rule_form(wanted: Wanted) -> Form[dict[str, Any]]:
    """What a rule is read as, for one kind of set."""
    fields: dict[str, Kind] = {"rule": TEXT, "should": _TEXTS, "should_not": _TEXTS, "quote": TEXT}
    if wanted.output == "image":
        fields = {"theme": TEXT, "rule": TEXT, "should_not": _TEXTS, "quote": TEXT}
    if wanted.clauses:
        fields["clause"] = _Clause(tuple(one.id for one in wanted.clauses))
    return Form(**fields)


@cache
def rules_form(wanted: Wanted) -> Form[dict[str, Any]]:
    """What the rules of a passage are read as, for one kind of set."""
    return Form(rules=Listed(_Entry(rule_form(wanted)), least=0, most=_MOST))


def why_not(reply: str) -> str:
    """Why a reply that a form could not read is of no use."""
    text = reply.strip()
    if not text:
        return "empty reply"
    if is_refusal(text):
        return "refused"
    if "{" not in text:
        return "prose without JSON"
    return "JSON of another form" if _closes(text) else "broken JSON"


def _closes(text: str) -> bool:
    """Whether a reply has an object that can be read, whatever it says."""
    anything: Form[dict[str, Any]] = Form()
    return anything(text) is not None or (text.count("{") > 1 and anything(text[text.rindex("{") :]) is not None)
