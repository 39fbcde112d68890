"""tocsin measures how safe a model is, and says how well it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin._version import __version__

if TYPE_CHECKING:
    from tocsin.api import (
        Run,
        assess,
        assess_async,
        compare,
        compliance_evidence,
        leaderboard,
        load_run,
        profile_of,
        rejudge,
        rejudge_async,
        resume,
        resume_async,
    )

__all__ = [
    "Run",
    "__version__",
    "assess",
    "assess_async",
    "compare",
    "compliance_evidence",
    "leaderboard",
    "load_run",
    "profile_of",
    "rejudge",
    "rejudge_async",
    "resume",
    "resume_async",
]


def __getattr__(name: str) -> Any:
    """Imports the API when it is first used, so that ``import tocsin`` costs nothing."""
    if name in __all__:
        from tocsin import api

        return getattr(api, name)
    raise AttributeError(f"module 'tocsin' has no attribute {name!r}")
