"""What one root field demands of the clouds, and what was said of the ages in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.records.model import ResourceRecord, ScopeKey, ScopeRecord
from tests.equality.oracle.ages import Age, Wish, age_of, configured, probe_ended, sweep_ended
from tests.equality.oracle.choosing import Choice, Conditions
from tests.equality.oracle.selecting import Asked
from tests.equality.world import World

LIVE: Final = {
    "Resource": {
        "name", "status", "vendorStatus", "statusMessage", "access", "spec", "linkedResources", "pricingTotalHourly", "currency",
        "pricingSource", "pricingAsOf", "validFrom", "validTo",
    },
    "LinkedResource": {"name", "status"},
    "ResourceTotals": {"status", "gpuType", "gpuCount", "hourly", "unpricedCount"},
}  # fmt: skip
"""What the contract marks @live."""


@dataclass(slots=True)
class Root:
    """One root field while it is answered. `seen`: resources whose age matters, and whether live fields or links were shown."""

    asked: Asked
    choice: Choice
    wish: Wish
    now: datetime
    seen: dict[UUID, tuple[ResourceRecord, bool, bool]] = field(default_factory=dict)
    failures: dict[ScopeKey, str] = field(default_factory=dict)
    asked_whole: set[int] | None = None
    """The scopes that were demanded as a whole, once it is settled; until then no reason is known."""

    @property
    def world(self) -> World:
        """What is recorded."""
        return self.choice.world

    @property
    def conditions(self) -> Conditions:
        """Its filter."""
        return self.asked.arguments.get("filter") or {}

    @property
    def by_live(self) -> bool:
        """Whether it filters, orders or groups by what the vendor owns."""
        order = (self.asked.arguments.get("orderBy") or {}).get("field")
        keys = self.asked.arguments.get("groupBy") or []
        named = {name for name, value in self.conditions.items() if value is not None}
        return bool(
            named & {"status", "nameContains", "gpuType", "gpuFamily", "linkedTo"}
            or order in {"NAME", "STATUS", "PRICING_TOTAL_HOURLY"}
            or {"STATUS", "GPU_TYPE"} & set(keys)
        )

    @property
    def demands(self) -> bool:
        """Whether it demands anything at all."""
        return self.by_live or any(one.name in LIVE.get(one.of, ()) for one in self.asked.every())

    def note(self, resource: ResourceRecord, *, live: bool, links: bool = False) -> None:
        """A resource is in the answer and its age matters."""
        _, was_live, was_links = self.seen.get(resource.resource_id, (resource, False, False))
        self.seen[resource.resource_id] = resource, live or was_live, links or was_links

    # Scopes

    def scope_of(self, resource: ResourceRecord) -> ScopeRecord:
        """The scope that it belongs to."""
        return self.world.scopes[resource.scope_id - 1]

    def _possible(self) -> list[ScopeRecord]:
        return self.choice.scopes(self.conditions) if self.asked.name in {"resources", "resourceTotals"} else []

    def whole(self) -> set[int]:
        """The scopes that are demanded as a whole, by number."""
        if not self.demands:
            return set()
        possible = {one.scope_id for one in self._possible()}
        linked = self.conditions.get("linkedTo") is not None or any(
            one.name == "linkedResources" for one in self.asked.every()
        )
        found = set(possible)
        for scope in self.world.scopes:
            shown = any(
                links and one.scope_id == scope.scope_id and one.live.status != "DELETED"
                for one, _, links in self.seen.values()
            )
            if (linked and scope.scope_id in possible) or shown:
                found |= self._owners(scope) - (set() if scope.scope_id in possible else {scope.scope_id})
        return found

    def _owners(self, scope: ScopeRecord) -> set[int]:
        kind = self.world.links_owner.get(scope.key.account)
        if scope.key.kind == kind:
            return {scope.scope_id}
        owners = [one for one in self.world.scopes if one.key.account == scope.key.account and one.key.kind == kind]
        near = [one for one in owners if one.key.region == scope.key.region]
        return {one.scope_id for one in near or owners}

    def wanted(self) -> set[ScopeKey]:
        """The scopes that must be asked, or whose resources must, before the demand is settled."""
        whole = self.whole()
        return {scope.key for scope in self.world.scopes if self._unsettled(scope, whole)}

    def _unsettled(self, scope: ScopeRecord, whole: set[int]) -> bool:
        account = self.world.accounts[scope.key.account]
        if not self.demands or not configured(scope, account):
            return False
        mine = [one for one, live, _ in self.seen.values() if live and one.scope_id == scope.scope_id]
        swept = sweep_ended(scope, account, self.wish, self.now)
        if scope.scope_id in whole and not swept:
            return True
        living = [one for one in mine if one.live.status != "DELETED"]
        waiting = [one for one in living if not probe_ended(one, self.wish, account, self.now)]
        if any(not swept or one.missing_since is not None for one in waiting):
            return True
        return self.wish.force and len(living) < len(mine) and scope.scope_id not in whole

    # What is said

    def settle(self, failures: dict[ScopeKey, str]) -> None:
        """What was demanded has been asked for; these scopes could not be."""
        self.asked_whole, self.failures = self.whole(), failures

    def age(self, resource: ResourceRecord) -> Age:
        """Of a resource in the answer."""
        scope, account = self.scope_of(resource), self.world.accounts[resource.account]
        return age_of(resource, scope, account, self.wish, self.now, self._why(resource, scope))

    def _why(self, resource: ResourceRecord, scope: ScopeRecord) -> str | None:
        if self.asked_whole is None:
            return None
        _, live, _ = self.seen.get(resource.resource_id, (resource, False, False))
        if not self.demands or not (live or scope.scope_id in self.asked_whole):
            return "NOT_DEMANDED"
        asked_since = self.wish.since(self.world.accounts[resource.account])
        probed = resource.probed_at is not None and resource.probed_at >= asked_since
        told = (
            self.failures.get(scope.key),
            resource.probe_problem if probed else None,
            scope.problem,
            resource.probe_problem,
        )
        return next((str(one) for one in told if one is not None), "DEADLINE")

    def coverage(self) -> tuple[list[ScopeRecord], list[tuple[ScopeRecord, str]]]:
        """The scopes that may hold a match, and those that were not listed in time, with the reason."""
        scopes = []
        for scope in self._possible():
            holds = any(one.scope_id == scope.scope_id and one.live.status != "DELETED" for one in self.world.resources)
            kept = holds and self.asked.name != "resourceTotals"
            if configured(scope, self.world.accounts[scope.key.account]) or kept:
                scopes.append(scope)
        return scopes, list(self._lacking(scopes))

    def gaps(self) -> dict[ScopeKey, str]:
        """What was demanded and not listed in time."""
        if not self.demands:
            return {}
        asked = [one for one in self.world.scopes if one.scope_id in (self.asked_whole or ())]
        asked = [one for one in asked if configured(one, self.world.accounts[one.key.account])]
        return {scope.key: reason for scope, reason in (*self._lacking(asked), *self.coverage()[1])}

    def _lacking(self, scopes: list[ScopeRecord]) -> Iterator[tuple[ScopeRecord, str]]:
        for scope in scopes:
            account = self.world.accounts[scope.key.account]
            if not configured(scope, account):
                yield scope, "NOT_CONFIGURED"
            elif scope.swept_at is None or not self.wish.since(account) <= scope.swept_at <= self.now:
                failed = self.failures.get(scope.key) if self.demands else None
                yield scope, str(failed or scope.problem or ("DEADLINE" if self.demands else "NOT_DEMANDED"))


_BADNESS: Final = {"FRESH": 0, "STALE": 1, "UNCONFIRMED": 2}


def summary(roots: list[Root], calls: int) -> dict[str, Any]:
    """`extensions.freshness`: each resource once, by the worst that was said of it."""
    worst: dict[UUID, Age] = {}
    for root in roots:
        for resource_id, (resource, _, _) in root.seen.items():
            age = root.age(resource)
            known = worst.get(resource_id)
            if known is None or _BADNESS[age.state] > _BADNESS[known.state]:
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
