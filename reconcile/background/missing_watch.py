"""A scope with marks sweeps again by itself, also when nobody reads: what is missing must not wait for a reader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Final

from domain.errors import DatabaseUnavailable
from domain.records.model import Changes, ScopeKey
from reconcile.flights import Flight
from reconcile.runner import FlightRunner

# 2, 5 and 15 minutes after the mark, then hourly.
_PAUSES: Final = (120.0, 180.0, 600.0)
_HOURLY: Final = 3600.0


def pauses() -> Iterator[float]:
    """The seconds from one sweep to the next."""
    return chain(_PAUSES, repeat(_HOURLY))


def newly_absent(changes: Changes) -> bool:
    """Whether this sweep was the first to lack something."""
    scope = changes.scope
    return scope is not None and any(record.missing_since == scope.swept_at for record in changes.resources)


class MissingWatch:
    """Keeps scopes with marks under watch. `ask` sends a sweep unless one runs or the scope is held."""

    def __init__(self, shell: FlightRunner, ask: Callable[[ScopeKey], Flight | None]) -> None:
        self._shell = shell
        self._ask = ask
        self._watched: dict[ScopeKey, asyncio.Task[None]] = {}

    def watches(self, scope: ScopeKey) -> bool:
        """Whether the scope is under watch."""
        known = self._watched.get(scope)
        return known is not None and not known.done()

    def begin(self, scope: ScopeKey) -> None:
        """Watch the scope from now on, from the first pause, until it has no marks."""
        if self._shell.tasks.closed:
            return
        known = self._watched.pop(scope, None)
        if known is not None:
            known.cancel()
        self._watched[scope] = self._shell.tasks.start(
            self._keep(scope),
            f"watch {scope}",
            lambda error: self._shell.listener.task_failed("watch", error),
            endless=True,
        )

    async def _keep(self, scope: ScopeKey) -> None:
        for pause in pauses():
            # Later by a little and never earlier: witnesses must be so long apart.
            await asyncio.sleep(pause * (1 + 0.05 * self._shell.random.random()))
            if not await self._marked(scope):
                break
            flight = self._ask(scope)
            if flight is not None:
                await asyncio.shield(flight.ended)
        self._watched.pop(scope, None)

    async def _marked(self, scope: ScopeKey) -> bool:
        try:
            return bool(await self._shell.record.missing(scope, 1))
        except DatabaseUnavailable as error:
            # Nobody knows: it stays under watch.
            self._shell.listener.task_failed("watch", error)
            return True
