"""Replies of the generating model: JSON of one form, or the reason why a reply cannot be used."""

from __future__ import annotations

from typing import Any

from tocsin.attacks.replies import TEXT, Form, Kind, Listed
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
RULE: Form[dict[str, Any]] = Form(rule=TEXT, should=_TEXTS, should_not=_TEXTS, quote=TEXT)
RULES: Form[dict[str, Any]] = Form(rules=Listed(_Entry(RULE), least=0, most=_MOST))
REQUEST: Form[dict[str, str]] = Form(request=TEXT)
CHOICE: Form[dict[str, Any]] = Form(question=TEXT, right=TEXT, wrong=Listed(TEXT, least=2, most=3))
FIT: Form[dict[str, Any]] = Form(right=TEXT, fits=bool)
STATEMENTS: Form[dict[str, str]] = Form(true=TEXT, false=TEXT)


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
