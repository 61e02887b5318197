"""How many vendor calls the last hour cost, and how many readers were spared by sharing flights. Pure but for its clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from domain.runtime_stats import CallCount
from domain.timestamps import Clock

_SLICES: Final = 60
_SLICE_SECONDS: Final = 60.0


def saved_calls(calls: int, readers: int) -> int:
    """What a flight of so many calls spared its readers: each but the first would have cost as much."""
    return calls * max(0, readers - 1)


@dataclass(slots=True)
class _Slice:
    number: int
    made: int = 0
    saved: int = 0


@dataclass(slots=True)
class CallCounter:
    """Counts by the minute, an account, over steady time: no step of the clock forgets or keeps anything."""

    clock: Clock
    _accounts: dict[str, deque[_Slice]] = field(default_factory=dict)

    def add_call(self, account: str) -> None:
        """Count one vendor call."""
        self._present(account).made += 1

    def add_saved_calls(self, account: str, calls: int) -> None:
        """Count the calls that readers were spared because they shared one flight."""
        self._present(account).saved += calls

    def count(self, account: str) -> CallCount:
        """Those of the last hour, to the minute."""
        oldest = self._number() - _SLICES
        kept = [one for one in self._accounts.get(account, ()) if one.number > oldest]
        return CallCount(sum(one.made for one in kept), sum(one.saved for one in kept))

    def _number(self) -> int:
        return int(self.clock.steady() // _SLICE_SECONDS)

    def _present(self, account: str) -> _Slice:
        number = self._number()
        slices = self._accounts.setdefault(account, deque(maxlen=_SLICES))
        if not slices or slices[-1].number != number:
            slices.append(_Slice(number))
        return slices[-1]
