"""What a run will take and what it will show, before anything is asked: calls, tokens, cost, time; precision and power."""

from __future__ import annotations

from tocsin.results.planning.assumed import Assumed
from tocsin.results.planning.counting import Counted, count
from tocsin.results.planning.foreseen import foresee
from tocsin.results.planning.measured import Measured, measured
from tocsin.results.planning.wanted import Planner, Wanted

__all__ = ["Assumed", "Counted", "Measured", "Planner", "Wanted", "count", "foresee", "measured"]
