"""What a plan takes for granted where nothing was measured. Each is said in the plan, and can be said otherwise."""

from __future__ import annotations

import msgspec

WORST_RATE = 0.5
"""The rate at which an interval is widest."""
CLUSTER_CORRELATION = 0.5
"""Of two attempts of a cluster. Clusters are templates, twins and translations; nobody knows it before a run."""
MODEL_CORRELATION = 0.3
"""Of two models' outcomes on a case. It is taken low: models that agree more show smaller differences than the plan says."""
LATENCY = 5.0
"""Seconds of a call to an endpoint."""
ANSWER_TOKENS = 300
"""Tokens of an answer, where its limit is not lower."""
AT_A_TIME = 32
"""Calls at a time, where the engine finds the number by itself: it begins with 8 and doubles while the endpoint bears it."""
SUCCESS = 0.3
"""Share of cells on which an attack is taken to succeed in the mode worst-case, as the scheduler does at its start."""
HELPER_IN, HELPER_OUT = 700, 250
"""Tokens of a call to an attacker or a translator."""
IMAGE_TOKENS = 1000
"""Tokens of an image in a request. Vendors count from 85 to some 1,600, by its size."""
POWER, ALPHA, CONFIDENCE = 0.8, 0.05, 0.95


class Assumed(msgspec.Struct, frozen=True, kw_only=True):
    """Assumptions of a plan.

    Attributes:
        rate: Of every score, in [0, 1]: `WORST_RATE` if None.
        cluster_correlation: Of the outcomes of two attempts of a cluster, in [0, 1].
        model_correlation: Of the outcomes of two models on a case, in [0, 1].
        unscored: Share of attempts that will have no verdict, errors included, in [0, 1).
        latency: Seconds of a call.
        answer_tokens: Tokens of an answer.
    """

    rate: float | None = None
    cluster_correlation: float = CLUSTER_CORRELATION
    model_correlation: float = MODEL_CORRELATION
    unscored: float = 0.0
    latency: float = LATENCY
    answer_tokens: int = ANSWER_TOKENS

    def __post_init__(self) -> None:
        """Says what cannot be."""
        for name, value in (
            ("rate", 0.0 if self.rate is None else self.rate),
            ("cluster correlation", self.cluster_correlation),
            ("model correlation", self.model_correlation),
        ):
            if not 0 <= value <= 1:
                raise ValueError(f"the {name} is {value:g}: give a share from 0 to 1")
        if not 0 <= self.unscored < 1:
            raise ValueError(f"the unscored share is {self.unscored:g}: give a share from 0 to less than 1")
        if not self.latency > 0:
            raise ValueError(f"the latency is {self.latency:g} s: give seconds above 0")
        if self.answer_tokens < 1:
            raise ValueError(f"answers of {self.answer_tokens} tokens: give 1 or more")
