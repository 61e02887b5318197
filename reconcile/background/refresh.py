"""Sweeping in the background, for accounts whose operator wants them fresh before anybody asks. Off unless configured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from domain.ports import KeepFresh
from domain.records.model import ScopeKey
from reconcile.flights import Flight
from reconcile.runner import FlightRunner


def pause(keep: KeepFresh, *, moving: bool, jitter: float) -> float:
    """Seconds to the next sweep; shorter while something moves. `jitter` in 0 to 1 takes up to a tenth off."""
    return (keep.moving_seconds if moving else keep.seconds) * (1 - 0.1 * jitter)


def wanted(keep: KeepFresh, read_at: float | None, now: float) -> bool:
    """Whether to go on: always, or only while somebody reads. Times are the event loop's; None is never."""
    return keep.idle_seconds is None or (read_at is not None and now - read_at <= keep.idle_seconds)


class BackgroundRefresh:
    """Keeps scopes fresh. `ask` sends a sweep unless one runs or the scope is held."""

    def __init__(
        self, shell: FlightRunner, accounts: Mapping[str, KeepFresh], ask: Callable[[ScopeKey], Flight | None]
    ) -> None:
        self._shell = shell
        self._accounts = accounts
        self._ask = ask
        self._read_at: dict[str, float] = {}

    def start(self) -> None:
        """Begin with every configured scope of these accounts."""
        for key, scope in self._shell.scopes.items():
            keep = self._accounts.get(key.account)
            if keep is not None and scope.configured:
                self._shell.tasks.start(
                    self._keep(key, keep),
                    f"keep {key}",
                    lambda error: self._shell.listener.task_failed("keep", error),
                    endless=True,
                )

    def read(self, account: str) -> None:
        """Somebody wants the account fresh."""
        self._read_at[account] = asyncio.get_running_loop().time()

    async def _keep(self, scope: ScopeKey, keep: KeepFresh) -> None:
        while True:
            moving = scope in self._shell.moving
            await asyncio.sleep(pause(keep, moving=moving, jitter=self._shell.random.random()))
            if not wanted(keep, self._read_at.get(scope.account), asyncio.get_running_loop().time()):
                continue
            flight = self._ask(scope)
            if flight is not None:
                await asyncio.shield(flight.ended)
