"""Deadlines for many calls at a time, at the price of one timer.

A timer of its own for each call (aiohttp's total timeout, `asyncio.timeout`) took a tenth of a call's CPU. Nearly all
calls have the same time before them, so whoever began first is due first: one timer, set to the oldest, is enough.
"""

from __future__ import annotations

import asyncio


class Deadlines:
    """Cancels the tasks that are not done in time. Each task has one deadline at a time."""

    def __init__(self) -> None:
        self._due: dict[asyncio.Task[object], float] = {}
        """In the order of the deadlines, as long as none begins with less time than another before it."""
        self._expired: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._set_to = 0.0

    def begin(self, seconds: float) -> asyncio.Task[object]:
        """Sets the running task's deadline and returns the task, which `end` is to be given in any case."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a deadline is a task's"
        due = loop.time() + seconds
        self._due[task] = due
        if self._timer is None or due < self._set_to:
            self._set(loop, due)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Takes the task's deadline away."""
        self._due.pop(task, None)
        self._expired.discard(task)

    def passed(self, task: asyncio.Task[object]) -> bool:
        """Whether a `CancelledError` that reached the task says no more than that its deadline has passed."""
        return task in self._expired and not task.uncancel()

    def close(self) -> None:
        """Forgets all deadlines."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due.clear()

    def _set(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._set_to = loop.call_at(due, self._look), due

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for task in [task for task, due in self._due.items() if due <= now]:
            del self._due[task]
            self._expired.add(task)
            task.cancel()
        self._timer = None
        if self._due:
            self._set(loop, min(self._due.values()))
