"""One root field: what it demands of the clouds, and the freshness of the resources in its answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.records.model import ResourceRecord, ScopeKey, ScopeRecord
from tests.equality.oracle.ages import (
    OracleAge,
    OracleDemand,
    evaluate_age,
    has_probed,
    has_swept,
    is_configured,
)
from tests.equality.oracle.filters import Conditions, VisibleResources
from tests.equality.oracle.selection import SelectedField
from tests.equality.world import EqualityWorld

LIVE: Final = {
    "Resource": {
        "name", "status", "vendorStatus", "statusMessage", "access", "spec", "linkedResources", "pricingTotalHourly", "currency",
        "pricingSource", "pricingAsOf", "validFrom", "validTo",
    },
    "LinkedResource": {"name", "status"},
    "ResourceTotals": {"status", "gpuType", "gpuCount", "hourly", "unpricedCount"},
}  # fmt: skip
"""The fields that the contract marks as @live."""
_LIVE_CONDITIONS: Final = {"status", "nameContains", "gpuType", "gpuFamily", "linkedTo"}
_LIVE_ORDERS: Final = {"NAME", "STATUS", "PRICING_TOTAL_HOURLY"}
_LIVE_KEYS: Final = {"STATUS", "GPU_TYPE"}


@dataclass(slots=True)
class OracleRootField:
    """One root field while it is answered.

    `noted` are the resources whose age matters, and whether live fields and links of them are in the answer.
    """

    selected: SelectedField
    resources: VisibleResources
    demand: OracleDemand
    now: datetime
    noted: dict[UUID, tuple[ResourceRecord, bool, bool]] = field(default_factory=dict)
    failures: dict[ScopeKey, str] = field(default_factory=dict)
    refreshed: set[int] | None = None
    """The scopes that were demanded as a whole, once they are refreshed; until then no reason is known."""

    @property
    def world(self) -> EqualityWorld:
        """The recorded values."""
        return self.resources.world

    @property
    def conditions(self) -> Conditions:
        """Its filter."""
        return self.selected.arguments.get("filter") or {}

    @property
    def uses_live_values(self) -> bool:
        """Whether it filters, orders or groups by live values."""
        order = (self.selected.arguments.get("orderBy") or {}).get("field")
        keys = self.selected.arguments.get("groupBy") or []
        active = {name for name, value in self.conditions.items() if value is not None}
        return bool(active & _LIVE_CONDITIONS or order in _LIVE_ORDERS or _LIVE_KEYS & set(keys))

    @property
    def is_demanding(self) -> bool:
        """Whether it demands anything."""
        return self.uses_live_values or any(each.name in LIVE.get(each.of, ()) for each in self.selected.walk())

    def note(self, resource: ResourceRecord, *, live: bool, links: bool = False) -> None:
        """Note that a resource is in the answer and that its age matters."""
        _, was_live, was_links = self.noted.get(resource.resource_id, (resource, False, False))
        self.noted[resource.resource_id] = resource, live or was_live, links or was_links

    # Scopes

    def scope_of(self, resource: ResourceRecord) -> ScopeRecord:
        """Return the scope of a resource."""
        return self.world.scopes[resource.scope_id - 1]

    def _possible_scopes(self) -> list[ScopeRecord]:
        is_list = self.selected.name in {"resources", "resourceTotals"}
        return self.resources.possible_scopes(self.conditions) if is_list else []

    def whole_scopes(self) -> set[int]:
        """Return the ids of the scopes that are demanded as a whole."""
        if not self.is_demanding:
            return set()
        possible = {scope.scope_id for scope in self._possible_scopes()}
        linked = self.conditions.get("linkedTo") is not None or any(
            each.name == "linkedResources" for each in self.selected.walk()
        )
        whole = set(possible)
        for scope in self.world.scopes:
            shows_links = any(
                links and resource.scope_id == scope.scope_id and resource.live.status != "DELETED"
                for resource, _, links in self.noted.values()
            )
            if (linked and scope.scope_id in possible) or shows_links:
                whole |= self._link_owners(scope) - (set() if scope.scope_id in possible else {scope.scope_id})
        return whole

    def _link_owners(self, scope: ScopeRecord) -> set[int]:
        """Return the ids of the scopes whose observations own the links of a scope's resources."""
        kind = self.world.links_owner.get(scope.key.account)
        if scope.key.kind == kind:
            return {scope.scope_id}
        owners = [each for each in self.world.scopes if each.key.account == scope.key.account and each.key.kind == kind]
        same_region = [each for each in owners if each.key.region == scope.key.region]
        return {each.scope_id for each in same_region or owners}

    def scopes_to_refresh(self) -> set[ScopeKey]:
        """Return the scopes that must be called, or whose resources must, before the demand is met."""
        whole = self.whole_scopes()
        return {scope.key for scope in self.world.scopes if self._needs_refresh(scope, whole)}

    def _needs_refresh(self, scope: ScopeRecord, whole: set[int]) -> bool:
        account = self.world.accounts[scope.key.account]
        if not self.is_demanding or not is_configured(scope, account):
            return False
        in_scope = [each for each, live, _ in self.noted.values() if live and each.scope_id == scope.scope_id]
        swept = has_swept(scope, account, self.demand, self.now)
        if scope.scope_id in whole and not swept:
            return True
        living = [each for each in in_scope if each.live.status != "DELETED"]
        unprobed = [each for each in living if not has_probed(each, self.demand, account, self.now)]
        if any(not swept or each.missing_since is not None for each in unprobed):
            return True
        return self.demand.force and len(living) < len(in_scope) and scope.scope_id not in whole

    # Freshness

    def settle(self, failures: dict[ScopeKey, str]) -> None:
        """Note that everything demanded was refreshed, except for these scopes."""
        self.refreshed, self.failures = self.whole_scopes(), failures

    def age(self, resource: ResourceRecord) -> OracleAge:
        """Return the age of a resource in the answer."""
        scope, account = self.scope_of(resource), self.world.accounts[resource.account]
        return evaluate_age(resource, scope, account, self.demand, self.now, self._reason(resource, scope))

    def _reason(self, resource: ResourceRecord, scope: ScopeRecord) -> str | None:
        if self.refreshed is None:
            return None
        _, live, _ = self.noted.get(resource.resource_id, (resource, False, False))
        if not self.is_demanding or not (live or scope.scope_id in self.refreshed):
            return "NOT_DEMANDED"
        not_before = self.demand.not_before(self.world.accounts[resource.account])
        probed = resource.probed_at is not None and resource.probed_at >= not_before
        reasons = (
            self.failures.get(scope.key),
            resource.probe_problem if probed else None,
            scope.problem,
            resource.probe_problem,
        )
        return next((str(reason) for reason in reasons if reason is not None), "DEADLINE")

    def coverage(self) -> tuple[list[ScopeRecord], list[tuple[ScopeRecord, str]]]:
        """Return the scopes that may hold a match, and those that were not listed in time, with the reason."""
        scopes = []
        for scope in self._possible_scopes():
            holds_any = any(
                each.scope_id == scope.scope_id and each.live.status != "DELETED" for each in self.world.resources
            )
            is_shown = holds_any and self.selected.name != "resourceTotals"
            if is_configured(scope, self.world.accounts[scope.key.account]) or is_shown:
                scopes.append(scope)
        return scopes, list(self._gaps_in(scopes))

    def gaps(self) -> dict[ScopeKey, str]:
        """Return what was demanded and not listed in time, with the reason."""
        if not self.is_demanding:
            return {}
        scopes = [each for each in self.world.scopes if each.scope_id in (self.refreshed or ())]
        scopes = [each for each in scopes if is_configured(each, self.world.accounts[each.key.account])]
        return {scope.key: reason for scope, reason in (*self._gaps_in(scopes), *self.coverage()[1])}

    def _gaps_in(self, scopes: list[ScopeRecord]) -> Iterator[tuple[ScopeRecord, str]]:
        for scope in scopes:
            account = self.world.accounts[scope.key.account]
            if not is_configured(scope, account):
                yield scope, "NOT_CONFIGURED"
            elif scope.swept_at is None or not self.demand.not_before(account) <= scope.swept_at <= self.now:
                failure = self.failures.get(scope.key) if self.is_demanding else None
                yield scope, str(failure or scope.problem or ("DEADLINE" if self.is_demanding else "NOT_DEMANDED"))


_BADNESS: Final = {"FRESH": 0, "STALE": 1, "UNCONFIRMED": 2}


def summarize_freshness(roots: list[OracleRootField], calls: int) -> dict[str, Any]:
    """Return `extensions.freshness`: each resource counts once, with the worst state that any root field reports."""
    worst: dict[UUID, OracleAge] = {}
    for root in roots:
        for resource_id, (resource, _, _) in root.noted.items():
            age = root.age(resource)
            other = worst.get(resource_id)
            if other is None or _BADNESS[age.state] > _BADNESS[other.state]:
                worst[resource_id] = age
    states = [age.state for age in worst.values()]
    gaps = {key: reason for root in roots for key, reason in root.gaps().items()}
    return {
        "fresh": states.count("FRESH"),
        "stale": states.count("STALE"),
        "unconfirmed": states.count("UNCONFIRMED"),
        "oldestAgeSeconds": max((age.seconds for age in worst.values() if age.seconds is not None), default=None),
        "vendorCalls": calls,
        "gaps": [
            {"account": key.account, "kind": str(key.kind), "region": key.region, "reason": reason}
            for key, reason in gaps.items()
        ],
    }
