"""What a reader wants fresh, and what came of it: the words between the way of a read and the flights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.enums import StaleReason
from domain.records.model import ScopeKey


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """One scope that must have been asked at or after `not_before`.

    `resources` names what is wanted of it: where there are few, probes may serve. Empty means the whole scope.
    `missing` are those among them that the last complete listing lacks: they wait for their probe. `shown` are what the
    reader selected of a whole scope: should its sweep lack some of them, they wait for their probes too.
    `tombstones` are deleted ones that a forced reader asks for, a want of their own: each costs one probe where there is one,
    and no sweep.
    `max_wait_seconds` counts from the reader's arrival.
    """

    scope: ScopeKey
    not_before: datetime
    forced: bool
    max_wait_seconds: float
    resources: tuple[UUID, ...] = ()
    missing: tuple[UUID, ...] = ()
    shown: tuple[UUID, ...] = ()
    tombstones: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What came of the wants. A scope or resource without a reason was told of by a flight that went well.

    `calls` counts the vendor calls of the flights that were waited for; `shared` whether one of them was joined.
    """

    scopes: Mapping[ScopeKey, StaleReason] = field(default_factory=dict)
    resources: Mapping[UUID, StaleReason] = field(default_factory=dict)
    calls: int = 0
    shared: bool = False
