"""The engine: budget, schedule, session, run. It knows plug-ins only by their protocols."""

from __future__ import annotations

from tocsin.engine.budget import Budget, Limits
from tocsin.engine.calling import AllowanceSpent, CallFailed, RunStopped, Shared
from tocsin.engine.outcome import settled
from tocsin.engine.run import PASS_ON, Counts, Ended, Ending, Engine, seldom_collected
from tocsin.engine.session import Answered, Session
from tocsin.engine.translating import delivered
from tocsin.engine.withhold import REASON, fingerprint, withheld

__all__ = [
    "PASS_ON",
    "REASON",
    "AllowanceSpent",
    "Answered",
    "Budget",
    "CallFailed",
    "Counts",
    "Ended",
    "Ending",
    "Engine",
    "Limits",
    "RunStopped",
    "Session",
    "Shared",
    "delivered",
    "fingerprint",
    "seldom_collected",
    "settled",
    "withheld",
]
