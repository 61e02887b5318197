"""Listeners that collect what a reconciler reports."""

from __future__ import annotations

import asyncio

from reconcile.reports import FlightReport


class ErrorCollector:
    """Collects internal errors."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def task_failed(self, what: str, error: BaseException) -> None:
        """Collect the error."""
        self.errors.append(error)


class ReportQueue:
    """Queues the reports of ended flights."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[FlightReport] = asyncio.Queue()

    def flight_ended(self, report: FlightReport) -> None:
        """Queue the report."""
        self._queue.put_nowait(report)

    async def wait_for(self, what: str, times: int) -> None:
        """Wait until this many flights of a kind, `sweep` or `probe`, have ended."""
        while times:
            times -= (await self._queue.get()).what == what
