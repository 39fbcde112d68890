"""The programmer's door: what the command line does, as functions."""

from __future__ import annotations

from tocsin.api.assessing import assess, assess_async, resume, resume_async
from tocsin.api.attacking import attack_one, attack_one_async
from tocsin.api.calibrating import Calibrated, calibrate, calibrate_async, resume_calibration, resume_calibration_async
from tocsin.api.comparing import compare
from tocsin.api.compliance import compliance_evidence
from tocsin.api.conduct import Watcher
from tocsin.api.gating import GateResult, gate, policies
from tocsin.api.generating import (
    Generated,
    compare_items,
    generate_items,
    generate_items_async,
    resume_generation,
    resume_generation_async,
)
from tocsin.api.labelling import add_labels, close_labels, draw_labels, export_labels, label_agreement
from tocsin.api.picturing import Pictured, draw_pictures, draw_pictures_async, resume_pictures, resume_pictures_async
from tocsin.api.planning import plan
from tocsin.api.profiling import profile_of
from tocsin.api.ranking import leaderboard
from tocsin.api.rejudging import rejudge, rejudge_async
from tocsin.api.run import Run, load_run, run_loop, write_results
from tocsin.api.transferring import transfer, transfer_async
from tocsin.api.translating import (
    TranslatedRun,
    resume_translation,
    resume_translation_async,
    translate,
    translate_async,
)
from tocsin.evaluations.catalogue import datasets_here, fetch_dataset, listing

__all__ = [
    "Calibrated",
    "GateResult",
    "Generated",
    "Pictured",
    "Run",
    "TranslatedRun",
    "Watcher",
    "add_labels",
    "assess",
    "assess_async",
    "attack_one",
    "attack_one_async",
    "calibrate",
    "calibrate_async",
    "close_labels",
    "compare",
    "compare_items",
    "compliance_evidence",
    "datasets_here",
    "draw_labels",
    "draw_pictures",
    "draw_pictures_async",
    "export_labels",
    "fetch_dataset",
    "gate",
    "generate_items",
    "generate_items_async",
    "label_agreement",
    "leaderboard",
    "listing",
    "load_run",
    "plan",
    "policies",
    "profile_of",
    "rejudge",
    "rejudge_async",
    "resume",
    "resume_async",
    "resume_calibration",
    "resume_calibration_async",
    "resume_generation",
    "resume_generation_async",
    "resume_pictures",
    "resume_pictures_async",
    "resume_translation",
    "resume_translation_async",
    "run_loop",
    "transfer",
    "transfer_async",
    "translate",
    "translate_async",
    "write_results",
]
