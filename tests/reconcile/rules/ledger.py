"""Records held as plain values, so that decisions can be tested with thousands of cases a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.enums import ResourceKind
from domain.records.model import (
    Changes,
    FlightTicket,
    LinkRecord,
    LockedState,
    ResourceRecord,
    ScopeKey,
    ScopeRecord,
    VendorKey,
)
from domain.records.observation import ProbeResult, SweepResult
from domain.records.timeline import AccountTimeline
from domain.rules import AbsenceRules
from reconcile.confirmation import decide_confirmation
from reconcile.rules.decision import Credential, DecisionContext, decide_probe, decide_sweep
from tests.clock import START


class DecisionLedger:
    """Machines of one account in two scopes, changed only by decisions. Scope 1 is current until `in_scope` changes it."""

    def __init__(self, *, probes: bool = True) -> None:
        self.now: datetime = START
        self.credential = "first"
        self.links: list[LinkRecord] = []
        self._probes = probes
        self._number = 0
        self._timeline = AccountTimeline()
        self._scope_id = 1
        self._scopes = {
            scope_id: ScopeRecord(scope_id, ScopeKey("lab", ResourceKind.MACHINES, f"region-{scope_id}"))
            for scope_id in (1, 2)
        }
        self._resources: dict[UUID, ResourceRecord] = {}

    @property
    def scope(self) -> ScopeRecord:
        """The current scope."""
        return self._scopes[self._scope_id]

    def in_scope(self, scope_id: int) -> DecisionLedger:
        """Make another scope the current one."""
        self._scope_id = scope_id
        return self

    def advance(self, seconds: float) -> None:
        """Let time pass while the process runs."""
        self.now += timedelta(seconds=seconds)
        self._timeline = self._timeline.advance_to(self._timeline.elapsed + seconds)

    def pause(self, seconds: float) -> None:
        """Let another process send the next flight, after these seconds by the clock."""
        self.now += timedelta(seconds=seconds)
        self._timeline = self._timeline.add_pause(seconds)

    def step_clock(self, seconds: float) -> None:
        """Set the clock while the process runs."""
        self.now += timedelta(seconds=seconds)

    def draw(self) -> FlightTicket:
        """Return the next flight's ticket."""
        self._number += 1
        return FlightTicket(self._number, self.now, self._timeline)

    def sweep(self, result: SweepResult, *, ticket: FlightTicket | None = None) -> Changes:
        """Apply a sweep of the current scope."""
        return self._apply(decide_sweep(self._state(), ticket or self.draw(), result, self._context()))

    def probe(self, vendor_id: str, result: ProbeResult, *, ticket: FlightTicket | None = None) -> Changes:
        """Apply a probe in the current scope."""
        key = VendorKey(ResourceKind.MACHINES, vendor_id)
        return self._apply(decide_probe(self._state(), ticket or self.draw(), key, result, self._context()))

    def confirm(self) -> Changes:
        """Apply the operator's confirmation of the current scope."""
        context = self._context()
        return self._apply(decide_confirmation(self._state(), self.draw(), context.credential, context.rules))

    def machines(self) -> list[ResourceRecord]:
        """Return the newest record of every vendor id, ordered by vendor id."""
        newest: dict[str, ResourceRecord] = {}
        for record in sorted(self._resources.values(), key=lambda record: record.generation):
            newest[record.vendor_id] = record
        return [newest[vendor_id] for vendor_id in sorted(newest)]

    def machine(self, vendor_id: str) -> ResourceRecord:
        """Return the newest record of a vendor id."""
        return next(record for record in self.machines() if record.vendor_id == vendor_id)

    def record(self, resource_id: UUID) -> ResourceRecord:
        """Return the record of a UUID."""
        return self._resources[resource_id]

    def _context(self) -> DecisionContext:
        secret = self.credential
        return DecisionContext(
            AbsenceRules(),
            Credential("salt", lambda salt: f"{secret} with {salt}"),
            ResourceKind.MACHINES,
            self._probes,
            self.now,
            lambda failures: 5.0 * failures,
        )

    def _state(self) -> LockedState:
        records = sorted(self._resources.values(), key=lambda record: record.generation)
        living: Mapping[VendorKey, ResourceRecord] = {record.key: record for record in records if not record.deleted}
        return LockedState(
            identity="account:lab",
            scope=self.scope,
            resources=living,
            tombstones={record.key: record for record in records if record.deleted},
            swept={key: (scope.swept_no, scope.swept_at) for key, scope in self._scopes.items()},
            links=tuple(self.links),
            ends={key: record.resource_id for key, record in living.items()},
        )

    def _apply(self, changes: Changes) -> Changes:
        if changes.scope is not None:
            self._scopes[changes.scope.scope_id] = replace(changes.scope)
        self._resources.update({record.resource_id: record for record in changes.resources})
        closed = {(link.link_type, link.from_key, link.to_key) for link in changes.closed}
        self.links = [link for link in self.links if (link.link_type, link.from_key, link.to_key) not in closed]
        self.links.extend(changes.opened)
        return changes
