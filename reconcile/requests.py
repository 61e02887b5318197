"""Refresh requests of readers and their results: the values that a read and the reconciler exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.enums import StaleReason
from domain.records.model import ScopeKey


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """A demand that a flight sent at or after `not_before` refreshes one scope.

    - `resources` limits the demand to these resources; probes may serve a few of them. Empty means the whole scope.
    - `missing` are those that the last complete listing lacks: the reader waits for their probes.
    - `shown` are the resources that the reader selected of a whole scope: it also waits for the probes of those that the
      sweep lacks.
    - `tombstones` are deleted resources that a forced reader selected. They make a request of their own: each costs one probe
      if the vendor has probes, and no sweep.
    - `max_wait_seconds` counts from the reader's arrival.
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
    """The result of all requests of one read. A scope or resource without a reason was refreshed by a successful flight.

    `calls` counts the vendor calls of the flights that were waited for; `shared` is whether one of them was joined.
    """

    scopes: Mapping[ScopeKey, StaleReason] = field(default_factory=dict)
    resources: Mapping[UUID, StaleReason] = field(default_factory=dict)
    calls: int = 0
    shared: bool = False
