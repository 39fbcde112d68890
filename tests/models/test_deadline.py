from __future__ import annotations

import asyncio
import time

import pytest

from tocsin.models.deadline import Deadlines


async def _late(deadlines: Deadlines, seconds: float, work: float) -> str:
    """Works for a time under a deadline, as an endpoint's `send` does."""
    task = deadlines.begin(seconds)
    try:
        await asyncio.sleep(work)
    except asyncio.CancelledError:
        if deadlines.passed(task):
            return "late"
        raise
    finally:
        deadlines.end(task)
    return "done"


def test_a_task_that_is_not_done_in_time_is_told_so_and_no_other() -> None:
    async def main() -> None:
        deadlines, begun = Deadlines(), time.monotonic()
        said = await asyncio.gather(
            _late(deadlines, 0.05, 5), _late(deadlines, 0.05, 0.01), _late(deadlines, 5, 0.1), _late(deadlines, 0.02, 5)
        )
        assert said == ["late", "done", "done", "late"]
        assert time.monotonic() - begun < 1

    asyncio.run(main())


def test_a_later_call_of_the_same_task_has_a_deadline_of_its_own() -> None:
    async def main() -> None:
        deadlines = Deadlines()
        assert await _late(deadlines, 0.02, 5) == "late"
        assert await _late(deadlines, 5, 0.05) == "done"
        assert await _late(deadlines, 0.02, 5) == "late"

    asyncio.run(main())


def test_a_task_that_is_cancelled_from_outside_stays_cancelled() -> None:
    async def main() -> None:
        task = asyncio.create_task(_late(Deadlines(), 5, 5))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_task_that_is_cancelled_from_outside_while_its_deadline_passes_stays_cancelled() -> None:
    async def main() -> None:
        deadlines = Deadlines()
        task = asyncio.create_task(_late(deadlines, 0.02, 5))
        await asyncio.sleep(0.01)
        time.sleep(0.02)
        deadlines._look()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
