"""Whose account a scope is recorded from, and whether a deletion is true at the vendor."""

from __future__ import annotations

from domain.enums import ResourceStatus, ScopeState
from domain.records.model import Changes, ResourceRecord, VendorKey
from domain.records.observation import SweepOutcome
from tests.simulation.checks.reference import is_same_instant
from tests.simulation.cloud.ledger import SimulatedFlight, Violation
from tests.simulation.cloud.vendor import SimulatedVendor


def check_deletion(record: ResourceRecord, vendor: SimulatedVendor, flight: SimulatedFlight, *, foreign: bool) -> None:
    """Check (c): a resource recorded as deleted does not live at the vendor.

    `foreign` is whether the scope is recorded as another tenant's. Then that tenant's resources are the account's, and its key
    may deny ours.
    """
    living = [] if foreign and flight.foreign else [*vendor.home.every_living()]
    for resource in [*living, *(vendor.foreign.every_living() if foreign else ())]:
        if resource.key == record.key and is_same_instant(resource.latest.created_at, record.vendor_created_at):
            number = flight.number
            raise Violation("c", f"{record.key} lives since {resource.born:.1f}, but flight {number} deleted it")


class ScopeOwnership:
    """The tenant that each scope is recorded from: that of the first key that showed something in it.

    It changes when a complete listing by another key shows at least half of what the last good sweep showed, or when the
    operator confirms the account.
    """

    def __init__(self) -> None:
        self._foreign: dict[int, bool] = {}
        self._fingerprints: dict[int, str] = {}
        self._held: dict[int, set[VendorKey]] = {}

    def is_foreign(self, scope_id: int) -> bool:
        """Whether the scope is recorded as another tenant's."""
        return self._foreign.get(scope_id, False)

    def apply(self, flight: SimulatedFlight, changes: Changes) -> None:
        """Apply what a flight changed in its scope."""
        scope = changes.scope
        if scope is None or scope.fingerprint is None:
            return
        sweep = flight.sweep
        is_complete = sweep is not None and sweep.outcome is SweepOutcome.COMPLETE
        listed = {
            VendorKey(one.kind, one.vendor_id)
            for one in (sweep.observations if is_complete and sweep is not None else ())
            if one.status is not ResourceStatus.DELETED
        }
        held = self._held.get(scope.scope_id, set())
        has_new_key = self._fingerprints.get(scope.scope_id) != scope.fingerprint
        if scope.scope_id not in self._foreign:
            self._foreign[scope.scope_id] = flight.foreign
        elif flight.kind == "none":
            # The operator confirms with our own key.
            self._foreign[scope.scope_id] = False
        elif has_new_key and is_complete and 2 * len(listed & held) >= len(held):
            self._foreign[scope.scope_id] = flight.foreign
        self._fingerprints[scope.scope_id] = scope.fingerprint
        if is_complete and scope.state is ScopeState.OK:
            self._held[scope.scope_id] = listed
