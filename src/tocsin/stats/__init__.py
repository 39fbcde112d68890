"""Intervals, clusters, means, worst cases, and what is known of judges: numbers in, numbers out.

Nothing here knows what a model or an attack is.
"""

from __future__ import annotations

from tocsin.stats.agreement import Agreement, Figure, judge_agreement
from tocsin.stats.audit import Audit, Audited, audit_size, audited_by_attack, audited_rate, draw_audit
from tocsin.stats.bounded import bounded_mean
from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, cluster_bootstrap, clustered_proportion
from tocsin.stats.corrected_drops import CorrectedDrop, corrected_drops, counted_error
from tocsin.stats.correction import (
    LEAST_YOUDEN,
    Corrected,
    JudgeError,
    Robust,
    judge_error,
    robust_worst_case,
    rogan_gladen,
)
from tocsin.stats.drops import Drop, Span, paired_drops
from tocsin.stats.intervals import Interval, bounds, critical_t, critical_z, wilson
from tocsin.stats.means import macro_mean
from tocsin.stats.paired import (
    Difference,
    RankRange,
    holm,
    judges_agree,
    mean_difference,
    moved,
    pairwise_confidence,
    rank_ranges,
    rate_difference,
    sign_flip,
)
from tocsin.stats.power import detectable, discordance_of, needed, power_of
from tocsin.stats.powered import Powered, powered_mean
from tocsin.stats.ranking import auc
from tocsin.stats.reliability import Bin, Reliability, reliability_table
from tocsin.stats.sequences import Stop, confidence_sequence, difference_sequence, split_alpha, stop_when
from tocsin.stats.stated import Standing, standing
from tocsin.stats.votes import HumanAgreement, human_agreement
from tocsin.stats.worst_case import (
    CurvePoint,
    Gap,
    WorstCase,
    WorstFew,
    asr_at_k,
    safe_worst,
    safe_worst_few,
    worst_case_curve,
    worst_case_gap,
)

__all__ = [
    "FEW_CLUSTERS",
    "LEAST_YOUDEN",
    "Agreement",
    "Audit",
    "Audited",
    "Bin",
    "Corrected",
    "CorrectedDrop",
    "CurvePoint",
    "Difference",
    "Drop",
    "Estimate",
    "Figure",
    "Gap",
    "HumanAgreement",
    "Interval",
    "JudgeError",
    "Powered",
    "RankRange",
    "Reliability",
    "Robust",
    "Span",
    "Standing",
    "Stop",
    "WorstCase",
    "WorstFew",
    "asr_at_k",
    "auc",
    "audit_size",
    "audited_by_attack",
    "audited_rate",
    "bounded_mean",
    "bounds",
    "cluster_bootstrap",
    "clustered_proportion",
    "confidence_sequence",
    "corrected_drops",
    "counted_error",
    "critical_t",
    "critical_z",
    "detectable",
    "difference_sequence",
    "discordance_of",
    "draw_audit",
    "holm",
    "human_agreement",
    "judge_agreement",
    "judge_error",
    "judges_agree",
    "macro_mean",
    "mean_difference",
    "moved",
    "needed",
    "paired_drops",
    "pairwise_confidence",
    "power_of",
    "powered_mean",
    "rank_ranges",
    "rate_difference",
    "reliability_table",
    "robust_worst_case",
    "rogan_gladen",
    "safe_worst",
    "safe_worst_few",
    "sign_flip",
    "split_alpha",
    "standing",
    "stop_when",
    "wilson",
    "worst_case_curve",
    "worst_case_gap",
]
