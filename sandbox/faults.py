"""Faults that are switched on and off at run time.

A fault applies to a tenant, an operation or a page, for a number of calls or until it is switched off.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock
from typing import Final

from sandbox.operations import LISTS, ApiOperation


class FaultKind(StrEnum):
    """The kinds of faults. Only kinds whose row mentions `seconds` use it; its default is in parentheses.

    | kind | what the caller sees |
    |---|---|
    | slow | an answer that is `seconds` (1) late; its state was taken before the delay, unless `before_snapshot` |
    | hold | an answer that is sent when the fault is switched off |
    | rate_limited | 429, with `Retry-After: seconds` if `seconds` is set |
    | server_error | 500 with JSON |
    | unavailable | 503 with HTML |
    | forbidden, unauthorized | 403, 401 |
    | not_found | the 404 page of a web server, not the API's own error |
    | redirect | 302 to another path |
    | cut_listing | a page that claims to be the last one; the real last page loses its second half |
    | empty_list, null_list | `[]` or `null` in the place of the list, and no further page |
    | empty_object | `{}` |
    | null_body | 200 with `null` |
    | repeated_cursor | a page whose next cursor points to the page itself |
    | html | 200 with an HTML page |
    | cut_json | 200 and the first half of the JSON, with a matching content length |
    | cut_body | a connection that is closed in mid-body |
    | reset | a connection that is reset without an answer |
    | stall | headers without a body |
    | trickle | one byte every `seconds` (1) |
    | stale | the state of `seconds` (60) ago, at most an hour |
    """

    SLOW = "slow"
    HOLD = "hold"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    REDIRECT = "redirect"
    CUT_LISTING = "cut_listing"
    EMPTY_LIST = "empty_list"
    NULL_LIST = "null_list"
    EMPTY_OBJECT = "empty_object"
    NULL_BODY = "null_body"
    REPEATED_CURSOR = "repeated_cursor"
    HTML = "html"
    CUT_JSON = "cut_json"
    CUT_BODY = "cut_body"
    RESET = "reset"
    STALL = "stall"
    TRICKLE = "trickle"
    STALE = "stale"


LIST_KINDS: Final = frozenset({
    FaultKind.CUT_LISTING, FaultKind.EMPTY_LIST, FaultKind.NULL_LIST, FaultKind.REPEATED_CURSOR,
})  # fmt: skip
"""The kinds that apply to listings only."""


class Pages(StrEnum):
    """The pages of a listing that a fault applies to. `later` breaks a listing in the middle."""

    ANY = "any"
    FIRST = "first"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault. A tenant or operation of `None` means all. A fault whose `times` is `None` stays until it is switched off."""

    kind: FaultKind
    tenant: str | None = None
    operation: ApiOperation | None = None
    times: int | None = None
    seconds: float | None = None
    pages: Pages = Pages.ANY
    before_snapshot: bool = False
    fault_id: str = ""

    def applies_to(self, tenant: str, operation: ApiOperation, page: int) -> bool:
        """Return whether a call has this fault."""
        return (
            self.tenant in {None, tenant}
            and self.operation in {None, operation}
            and (self.pages is Pages.ANY or (self.pages is Pages.FIRST) == (page == 1))
            and (self.kind not in LIST_KINDS or operation in LISTS)
        )

    def duration(self, default: float = 1) -> float:
        """Return `seconds`, or the default of the kind."""
        return default if self.seconds is None else self.seconds


class _Gate:
    """Blocks calls, on any event loop, until it is opened."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = False
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def wait(self) -> None:
        event = asyncio.Event()
        with self._lock:
            if self._open:
                return
            self._waiting.append((asyncio.get_running_loop(), event))
        await event.wait()

    def open(self) -> None:
        with self._lock:
            self._open = True
            for loop, event in self._waiting:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(event.set)
            self._waiting.clear()


class FaultInjector:
    """The faults that are switched on. Safe to use from several threads.

    `latency_seconds` delays every answer after its state was taken.
    """

    def __init__(self, latency_seconds: float = 0) -> None:
        self.latency_seconds = latency_seconds
        self._lock = Lock()
        self._last_number = 0
        self._active: dict[str, FaultRule] = {}
        self._gates: dict[str, _Gate] = {}

    def switch_on(
        self,
        kind: FaultKind,
        *,
        tenant: str | None = None,
        operation: ApiOperation | None = None,
        times: int | None = None,
        seconds: float | None = None,
        pages: Pages = Pages.ANY,
        before_snapshot: bool = False,
    ) -> FaultRule:
        """Switch a fault on. Return it with its id."""
        with self._lock:
            self._last_number += 1
            fault_id = f"f{self._last_number}"
            fault = FaultRule(kind, tenant, operation, times, seconds, pages, before_snapshot, fault_id)
            self._active[fault_id] = fault
            if kind is FaultKind.HOLD:
                self._gates[fault_id] = _Gate()
            return fault

    def switch_off(self, fault_id: str) -> bool:
        """Switch a fault off and release the calls that it holds. Return whether the fault existed."""
        with self._lock:
            gate = self._gates.pop(fault_id, None)
            if gate is not None:
                gate.open()
            return self._active.pop(fault_id, None) is not None or gate is not None

    def switch_off_all(self) -> None:
        """Switch every fault off. The latency stays."""
        for fault_id in {*self._active, *self._gates}:
            self.switch_off(fault_id)

    def active(self) -> tuple[FaultRule, ...]:
        """Return the faults that are switched on, each with its remaining `times`."""
        with self._lock:
            return tuple(self._active.values())

    def take(self, tenant: str, operation: ApiOperation, page: int) -> tuple[FaultRule, ...]:
        """Return the faults of one call, in the order in which they were switched on, and use each of them once."""
        with self._lock:
            faults = tuple(fault for fault in self._active.values() if fault.applies_to(tenant, operation, page))
            for fault in faults:
                if fault.times is not None:
                    self._active[fault.fault_id] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._active[fault.fault_id]
            return faults

    async def wait_until_off(self, fault: FaultRule) -> None:
        """Wait until a fault of the kind `hold` is switched off."""
        gate = self._gates.get(fault.fault_id)
        if gate is not None:
            await gate.wait()
