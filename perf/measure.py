"""What every client under measurement shares: the prompts, the meter, and the loop."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def prompts(n: int) -> Iterator[str]:
    """`n` short prompts, each unlike the others."""
    return (
        f"Question {number}: in one sentence, what is worth knowing about the number {number}?" for number in range(n)
    )


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on uvloop, or on asyncio's own loop where there is none."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


class Figures(msgspec.Struct, kw_only=True):
    """What a measured client prints, as one line of JSON.

    Attributes:
        samples: Prompts that were answered.
        cpu_seconds: User and system time of the process and of the children it waited for, start-up included.
        cpu_seconds_without_startup: The same from `Meter.begin` on.
        cpu_seconds_of_calls: The part of it that went into calls, judging and keeping the answers; the same as without
            start-up for a client that does nothing else.
        wall_seconds: Seconds since the process began, start-up included.
        wall_seconds_without_startup: The same from `Meter.begin` on.
        peak_rss_mb: Largest resident set of the process, in units of 1,000,000 bytes.
        bytes_on_disk: Total length of the files it left.
    """

    samples: int
    cpu_seconds: float
    cpu_seconds_without_startup: float
    cpu_seconds_of_calls: float
    wall_seconds: float
    wall_seconds_without_startup: float
    peak_rss_mb: float
    bytes_on_disk: int


class Meter:
    """Measures its own process. Make it first, call `begin` when all is imported, and `figures` when all is written."""

    def __init__(self) -> None:
        self._born = time.time() - _age()
        self._cpu = 0.0
        self._wall = self._born

    def begin(self) -> None:
        """Marks the end of start-up."""
        self._cpu = cpu()
        self._wall = time.time()

    def figures(self, samples: int, folder: Path, *, cpu_of_calls: float | None = None) -> Figures:
        """The figures up to now, for a client that left its files in `folder`.

        Args:
            samples: Prompts that were answered.
            folder: Where its files are.
            cpu_of_calls: CPU seconds of calls, judging and keeping; all since `begin` if None.
        """
        spent, now = cpu(), time.time()
        return Figures(
            samples=samples,
            cpu_seconds=spent,
            cpu_seconds_without_startup=spent - self._cpu,
            cpu_seconds_of_calls=spent - self._cpu if cpu_of_calls is None else cpu_of_calls,
            wall_seconds=now - self._born,
            wall_seconds_without_startup=now - self._wall,
            peak_rss_mb=_peak_bytes() / 1e6,
            bytes_on_disk=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        )


def report(figures: Figures) -> None:
    """Prints the figures as the last line of standard output."""
    print(msgspec.json.encode(figures).decode(), flush=True)


def cpu() -> float:
    """User and system time of this process and of the children it waited for, in seconds."""
    own, waited = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime


def _age() -> float:
    """Seconds since this process began; on systems without /proc the CPU it has used stands for that."""
    try:
        # Field 22, counted after the parenthesised name, is the start in clock ticks since boot.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError):
        return cpu()


def _peak_bytes() -> int:
    try:
        # Not ru_maxrss: on Linux it carries over the size that the parent had when it forked.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
