"""Automatic sweeps of scopes with missing resources: whether a resource is gone must not wait for a reader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain, repeat
from typing import Final

from domain.errors import DatabaseUnavailable
from domain.records.model import ScopeKey
from reconcile.background.periodic import add_jitter, start_periodic
from reconcile.runner import FlightRunner

# 2, 5 and 15 minutes after a resource went missing, then hourly.
_PAUSES: Final = (120.0, 180.0, 600.0)
_HOURLY: Final = 3600.0
# Pauses are only ever lengthened: two listings must be `witness_seconds` apart to count as evidence.
_JITTER: Final = 0.05
_WHAT: Final = "missing watch"


def pause_seconds() -> Iterator[float]:
    """Return the seconds from one sweep to the next."""
    return chain(_PAUSES, repeat(_HOURLY))


class MissingWatch:
    """Sweeps scopes again while they have missing resources. `sweep` sends one unless it is not allowed, and awaits it."""

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
        pauses = add_jitter(pause_seconds(), _JITTER, self._runner.random)
        self._tasks[scope] = start_periodic(
            self._runner, f"watch {scope}", _WHAT, pauses, lambda: self._sweep_if_missing(scope)
        )

    async def _sweep_if_missing(self, scope: ScopeKey) -> bool:
        if not await self._has_missing(scope):
            return False
        await self._sweep(scope)
        return True

    async def _has_missing(self, scope: ScopeKey) -> bool:
        try:
            return bool(await self._runner.store.missing(scope, 1))
        except DatabaseUnavailable as error:
            # Unknown, so the watch goes on.
            self._runner.listener.task_failed(_WHAT, error)
            return True
