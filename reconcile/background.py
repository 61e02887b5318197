"""Work that no reader waits for: periodic tasks, scheduled sweeps, and sweeps of scopes with missing resources."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import chain, repeat
from random import Random
from typing import Final

from domain.errors import DatabaseUnavailable
from domain.ports import KeepFresh
from domain.records.model import ScopeKey
from reconcile.runner import FlightRunner

# 2, 5 and 15 minutes after a resource went missing, then hourly.
_WATCH_PAUSES: Final = (120.0, 180.0, 600.0)
_HOURLY: Final = 3600.0
# Pauses are only ever lengthened: two listings must be `witness_seconds` apart to count as evidence.
_JITTER: Final = 0.05
_WATCH: Final = "missing watch"


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


def pause_seconds(schedule: KeepFresh, *, moving: bool, jitter: float) -> float:
    """Return the seconds to the next sweep, fewer while a resource is in a transitional status.

    `jitter` in 0 to 1 takes up to a tenth off.
    """
    return (schedule.moving_seconds if moving else schedule.seconds) * (1 - 0.1 * jitter)


def is_due(schedule: KeepFresh, read_at: float | None, now: float) -> bool:
    """Whether to sweep now: always, or only if somebody read lately. Times are the event loop's; None means never."""
    return schedule.idle_seconds is None or (read_at is not None and now - read_at <= schedule.idle_seconds)


class BackgroundRefresh:
    """Sweeps accounts that the operator wants fresh before anybody reads them. Off unless configured.

    `sweep` sends one unless it is not allowed, and awaits it.
    """

    def __init__(
        self,
        runner: FlightRunner,
        schedules: Mapping[str, KeepFresh],
        sweep: Callable[[ScopeKey], Awaitable[None]],
    ) -> None:
        self._runner = runner
        self._schedules = schedules
        self._sweep = sweep
        self._read_at: dict[str, float] = {}

    def start(self) -> None:
        """Start a task for each configured scope of these accounts."""
        for key, scope in self._runner.scopes.items():
            schedule = self._schedules.get(key.account)
            if schedule is not None and scope.configured:
                self._start_schedule(key, schedule)

    def note_read(self, account: str) -> None:
        """Note that somebody reads the account now."""
        self._read_at[account] = asyncio.get_running_loop().time()

    def _start_schedule(self, scope: ScopeKey, schedule: KeepFresh) -> None:
        async def sweep_if_due() -> bool:
            if is_due(schedule, self._read_at.get(scope.account), asyncio.get_running_loop().time()):
                await self._sweep(scope)
            return True

        pauses = self._pauses(scope, schedule)
        start_periodic(self._runner, f"refresh {scope}", "background refresh", pauses, sweep_if_due)

    def _pauses(self, scope: ScopeKey, schedule: KeepFresh) -> Iterator[float]:
        while True:
            moving = scope in self._runner.moving
            yield pause_seconds(schedule, moving=moving, jitter=self._runner.random.random())


def watch_pause_seconds() -> Iterator[float]:
    """Return the seconds from one sweep of a scope with missing resources to the next."""
    return chain(_WATCH_PAUSES, repeat(_HOURLY))


class MissingWatch:
    """Sweeps scopes again while they have missing resources: whether a resource is gone must not wait for a reader.

    `sweep` sends one unless it is not allowed, and awaits it.
    """

    def __init__(self, runner: FlightRunner, sweep: Callable[[ScopeKey], Awaitable[None]]) -> None:
        self._runner = runner
        self._sweep = sweep
        self._tasks: dict[ScopeKey, asyncio.Task[None]] = {}

    def watches(self, scope: ScopeKey) -> bool:
        """Whether the scope is being watched."""
        task = self._tasks.get(scope)
        return task is not None and not task.done()

    def start(self, scope: ScopeKey) -> None:
        """Watch the scope, from the first pause, until it has no missing resources. Restarts a present watch."""
        if self._runner.tasks.closed:
            return
        task = self._tasks.pop(scope, None)
        if task is not None:
            task.cancel()
        pauses = add_jitter(watch_pause_seconds(), _JITTER, self._runner.random)
        self._tasks[scope] = start_periodic(
            self._runner, f"watch {scope}", _WATCH, pauses, lambda: self._sweep_if_missing(scope)
        )

    async def _sweep_if_missing(self, scope: ScopeKey) -> bool:
        try:
            is_over = not await self._runner.store.missing(scope, 1)
        except DatabaseUnavailable as error:
            # Unknown, so the watch goes on.
            self._runner.listener.task_failed(_WATCH, error)
            is_over = False
        if not is_over:
            await self._sweep(scope)
        return not is_over
