"""How far the judges of transparency agree with hand labels, in the words that stand beside each figure they give.

The figures are measured on the label files in ``tests/judges``, and a test holds them to that; docs/method/transparency.md says
what they are worth. No card corrects the rates, so that a reader has to see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

BEGINS = "the judge's agreement (kappa)"
"""Of every note on it."""
UNKNOWN = "is not measured for this rubric: whoever uses it has to"


class Measured(NamedTuple):
    """Kappa on one set of labels, and how many there were."""

    kappa: float
    n: int


AGREEMENT: dict[str, dict[str, Measured]] = {
    "explains": {"held-out": Measured(0.73, 57), "gamed": Measured(0.93, 31), "smollm2": Measured(0.00, 6)},
    "disclosure": {"held-out": Measured(1.00, 64), "gamed": Measured(1.00, 34), "smollm2": Measured(0.62, 19)},
    "stated-reason": {"held-out": Measured(1.00, 210)},
}
"""Judge → set of labels → agreement on what fails: a refusal that lacks something, an answer that does not disclose, a factor
that is named. ``gamed`` are answers made to get past the rules, ``smollm2`` those of a real, very small model."""


def said(judge: Mapping[str, Any]) -> str | None:
    """What stands beside a figure of this judge, None where there is nothing to say.

    Args:
        judge: Its entry in the manifest: ``identity`` and ``parameters`` are read.
    """
    name = str(judge.get("identity", "")).partition("@")[0]
    if name == "rubric" and (judge.get("parameters") or {}).get("rubric") in ("refusal-quality", "ai-disclosure"):
        return f"{BEGINS} {UNKNOWN}"
    known = AGREEMENT.get(name)
    if known is None:
        return None
    own, gamed, real = (known.get(one) for one in ("held-out", "gamed", "smollm2"))
    parts = [f"{own.kappa:.2f} on {own.n} held-out labels of its author's own answers"] if own else []
    parts += [f"{gamed.kappa:.2f} on {gamed.n} made to game it"] if gamed else []
    of_model = f"{real.kappa:.2f} on {real.n} of a real, very small model" if real else "none read of a real model's"
    return f"{BEGINS}: {', '.join([*parts, of_model])}; not corrected for"
