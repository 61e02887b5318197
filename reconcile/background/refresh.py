"""Scheduled sweeps of accounts that the operator wants fresh before anybody reads them. Off unless configured."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping

from domain.ports import KeepFresh
from domain.records.model import ScopeKey
from reconcile.background.periodic import start_periodic
from reconcile.runner import FlightRunner


def pause_seconds(schedule: KeepFresh, *, moving: bool, jitter: float) -> float:
    """Return the seconds to the next sweep, fewer while a resource is in a transitional status.

    `jitter` in 0 to 1 takes up to a tenth off.
    """
    return (schedule.moving_seconds if moving else schedule.seconds) * (1 - 0.1 * jitter)


def is_due(schedule: KeepFresh, read_at: float | None, now: float) -> bool:
    """Whether to sweep now: always, or only if somebody read lately. Times are the event loop's; None means never."""
    return schedule.idle_seconds is None or (read_at is not None and now - read_at <= schedule.idle_seconds)


class BackgroundRefresh:
    """Sweeps scopes on a schedule. `sweep` sends one unless it is not allowed, and awaits it."""

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
