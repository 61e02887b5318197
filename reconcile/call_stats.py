"""How many vendor calls the last hour cost, and how many were saved because readers shared flights."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from domain.runtime_stats import CallCount
from domain.timestamps import Clock

_SLICES: Final = 60
_SLICE_SECONDS: Final = 60.0


def saved_calls(calls: int, readers: int) -> int:
    """Return the calls that a shared flight saved: without sharing, each reader but the first would have cost as many."""
    return calls * max(0, readers - 1)


@dataclass(slots=True)
class _Slice:
    """The counts of one minute."""

    number: int
    sent: int = 0
    saved: int = 0


@dataclass(slots=True)
class CallCounter:
    """Counts calls by account and minute. It uses steady time, so setting the clock changes no count."""

    clock: Clock
    _accounts: dict[str, deque[_Slice]] = field(default_factory=dict)

    def add_call(self, account: str) -> None:
        """Count one vendor call."""
        self._current(account).sent += 1

    def add_saved_calls(self, account: str, calls: int) -> None:
        """Count calls that were saved because readers shared one flight."""
        self._current(account).saved += calls

    def count(self, account: str) -> CallCount:
        """Return the calls of the last hour, to the minute."""
        oldest = self._number() - _SLICES
        recent = [one for one in self._accounts.get(account, ()) if one.number > oldest]
        return CallCount(sum(one.sent for one in recent), sum(one.saved for one in recent))

    def _number(self) -> int:
        return int(self.clock.steady() // _SLICE_SECONDS)

    def _current(self, account: str) -> _Slice:
        number = self._number()
        slices = self._accounts.setdefault(account, deque(maxlen=_SLICES))
        if not slices or slices[-1].number != number:
            slices.append(_Slice(number))
        return slices[-1]
