"""The loop of all periodic tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from random import Random

from reconcile.runner import FlightRunner


def start_periodic(
    runner: FlightRunner, name: str, what: str, pauses: Iterable[float], work: Callable[[], Awaitable[bool]]
) -> asyncio.Task[None]:
    """Start a task that does the work after each pause, in seconds, until it returns False.

    An exception of the work is reported as one of `what` and does not end the task: the database may be restarting.
    """

    async def run() -> None:
        for pause in pauses:
            if pause:
                await asyncio.sleep(pause)
            try:
                if not await work():
                    return
            except Exception as error:  # noqa: BLE001 - it is reported, and the work is tried again
                runner.listener.task_failed(what, error)

    return runner.start_task(run(), name, what, endless=True)


def add_jitter(pauses: Iterable[float], share: float, random: Random) -> Iterator[float]:
    """Lengthen each pause by a random part of itself, at most `share`, drawn when the pause begins."""
    return (pause * (1 + share * random.random()) for pause in pauses)
