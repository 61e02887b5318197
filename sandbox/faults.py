"""Faults that are switched on and off: for a tenant, an operation, a page, for the next calls or until switched off."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock
from typing import Final

from sandbox.operations import LISTS, Operation


class FaultKind(StrEnum):
    """What goes wrong. What `seconds` means stands beside each; the others ignore it.

    | kind | what the caller sees |
    |---|---|
    | slow | the answer comes `seconds` (1) late; the state that it shows was taken before the wait, unless `before_snapshot` |
    | hold | the answer comes when the fault is switched off |
    | rate_limited | 429, with `Retry-After: seconds` if given, else without |
    | server_error | 500 with JSON |
    | unavailable | 503 with HTML |
    | forbidden, unauthorized | 403, 401 |
    | not_found | a 404 of a web server, not in the cloud's own words |
    | redirect | 302 to another place |
    | cut_listing | the page claims to be the last one; where it is, it loses its second half |
    | empty_list, null_list | `[]` or `null` where the list should be, and no further page |
    | empty_object | `{}` |
    | repeated_cursor | the page names as the next one the page that was asked for |
    | html | 200 with a page of HTML |
    | cut_json | 200 and half of the JSON, told as whole |
    | cut_body | the connection is closed amid the body |
    | reset | the connection is reset without an answer |
    | stall | headers, then nothing |
    | trickle | one byte in `seconds` (1) |
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
"""The faults that only a listing can have."""


class Pages(StrEnum):
    """Which pages of a listing a fault hits; `later` is an error in the middle of a listing."""

    ANY = "any"
    FIRST = "first"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault. None for tenant or operation hits all; None for `times` stays until switched off."""

    kind: FaultKind
    tenant: str | None = None
    operation: Operation | None = None
    times: int | None = None
    seconds: float | None = None
    pages: Pages = Pages.ANY
    before_snapshot: bool = False
    fault_id: str = ""

    def hits(self, tenant: str, operation: Operation, page: int) -> bool:
        """Whether a call has this fault."""
        return (
            self.tenant in {None, tenant}
            and self.operation in {None, operation}
            and (self.pages is Pages.ANY or (self.pages is Pages.FIRST) == (page == 1))
            and (self.kind not in LIST_KINDS or operation in LISTS)
        )

    def lasting(self, default: float = 1) -> float:
        """`seconds`, or the kind's own default."""
        return default if self.seconds is None else self.seconds


class _Gate:
    """Holds calls, on whichever event loops they run, until it is opened."""

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
    """The switchboard. Safe to use from several threads.

    `latency_seconds` delays every answer, after its state was taken.
    """

    def __init__(self, latency_seconds: float = 0) -> None:
        self.latency_seconds = latency_seconds
        self._lock = Lock()
        self._number = 0
        self._on: dict[str, FaultRule] = {}
        self._gates: dict[str, _Gate] = {}

    def switch_on(
        self,
        kind: FaultKind,
        *,
        tenant: str | None = None,
        operation: Operation | None = None,
        times: int | None = None,
        seconds: float | None = None,
        pages: Pages = Pages.ANY,
        before_snapshot: bool = False,
    ) -> FaultRule:
        """Switch a fault on; answers it with its id."""
        with self._lock:
            self._number += 1
            fault = FaultRule(kind, tenant, operation, times, seconds, pages, before_snapshot, f"f{self._number}")
            self._on[fault.fault_id] = fault
            if kind is FaultKind.HOLD:
                self._gates[fault.fault_id] = _Gate()
            return fault

    def switch_off(self, fault_id: str) -> bool:
        """Switch one off and let go what it holds; answers whether it was known."""
        with self._lock:
            gate = self._gates.pop(fault_id, None)
            if gate is not None:
                gate.open()
            return self._on.pop(fault_id, None) is not None or gate is not None

    def switch_off_all(self) -> None:
        """Switch every fault off; the latency stays."""
        for fault_id in {*self._on, *self._gates}:
            self.switch_off(fault_id)

    def on(self) -> tuple[FaultRule, ...]:
        """What is switched on, with what is left of `times`."""
        with self._lock:
            return tuple(self._on.values())

    def take(self, tenant: str, operation: Operation, page: int) -> tuple[FaultRule, ...]:
        """The faults of one call, in the order in which they were switched on; each has one time less from now on."""
        with self._lock:
            taken = tuple(fault for fault in self._on.values() if fault.hits(tenant, operation, page))
            for fault in taken:
                if fault.times is not None:
                    self._on[fault.fault_id] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._on[fault.fault_id]
            return taken

    async def held(self, fault: FaultRule) -> None:
        """Wait until a fault of the kind `hold` is switched off."""
        gate = self._gates.get(fault.fault_id)
        if gate is not None:
            await gate.wait()
