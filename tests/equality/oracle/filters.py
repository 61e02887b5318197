"""The resources that a filter matches, their order, and the scopes that may hold one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any, Final
from uuid import UUID

from domain.records.model import LinkRecord, ResourceRecord, ScopeRecord
from tests.equality.world import EqualityWorld

Conditions = Mapping[str, Any]
"""A filter as GraphQL coerced it. A condition that is null is ignored."""
STATUSES: Final = (
    "PENDING",
    "PROVISIONING",
    "RUNNING",
    "STOPPING",
    "STOPPED",
    "DELETING",
    "DELETED",
    "ERROR",
    "UNKNOWN",
)
_MACHINES: Final = {"VM", "CONTAINER", "BARE_METAL", "CLUSTER", "OTHER"}
_VOLUMES: Final = {"BLOCK_DISK", "FILESYSTEM", "OTHER"}
_FIELDS: Final[Mapping[str, Callable[[ResourceRecord, EqualityWorld], object]]] = {
    "resourceId": lambda resource, _: resource.resource_id,
    "vendorId": lambda resource, _: resource.vendor_id,
    "vendor": lambda resource, world: world.accounts[resource.account].vendor,
    "account": lambda resource, _: resource.account,
    "vendorRegion": lambda resource, _: resource.vendor_region,
    "status": lambda resource, _: resource.live.status.value,
    "resourceType": lambda resource, _: resource.resource_type.value,
    "gpuType": lambda resource, _: resource.live.spec.gpu_type,
    "gpuFamily": lambda resource, _: resource.live.spec.gpu_family,
}


class VisibleResources:
    """The resources that one viewer can see. `accounts` None means all accounts."""

    def __init__(self, world: EqualityWorld, accounts: frozenset[str] | None) -> None:
        self.world = world
        self._accounts = accounts
        self.visible = [resource for resource in world.resources if self.may_see(resource.account)]
        self.by_id = {resource.resource_id: resource for resource in self.visible}
        self._offers = {(entry.entry.resource_id, entry.offer_id) for entry in world.provenance}
        self._hidden = {
            link.from_id
            for link in world.links
            if link.link_type == "SAME_MACHINE" and link.linked_until is None and link.to_id in self.by_id
        }
        self._linked = {
            ends
            for link in world.links
            if link.linked_until is None and link.to_id is not None and link.from_id is not None
            for ends in ((link.from_id, link.to_id), (link.to_id, link.from_id))
        }

    def may_see(self, account: str) -> bool:
        """Return whether the viewer may see the account."""
        return self._accounts is None or account in self._accounts

    def find(self, conditions: Conditions, *, deleted: bool = False) -> list[ResourceRecord]:
        """Return the resources that the filter matches. With `deleted`, tombstones are included in any case."""
        active = {name: value for name, value in conditions.items() if value is not None}
        deleted = deleted or active.get("includeDeleted", False) or "DELETED" in active.get("status", ())
        return [
            resource
            for resource in self.visible
            if (deleted or resource.live.status != "DELETED")
            and (active.get("includeDuplicates", False) or resource.resource_id not in self._hidden)
            and self._matches(resource, active)
        ]

    def _matches(self, resource: ResourceRecord, active: Conditions) -> bool:
        for condition, value in active.items():
            if condition in _FIELDS and _FIELDS[condition](resource, self.world) not in value:
                return False
        name = resource.live.name
        if "nameContains" in active and (name is None or active["nameContains"].casefold() not in name.casefold()):
            return False
        if "unconfirmed" in active and (resource.missing_since is not None) is not active["unconfirmed"]:
            return False
        if "offerId" in active and (resource.resource_id, active["offerId"]) not in self._offers:
            return False
        if "linkedTo" not in active:
            return True
        return active["linkedTo"] in self.by_id and (resource.resource_id, active["linkedTo"]) in self._linked

    def possible_scopes(self, conditions: Conditions) -> list[ScopeRecord]:
        """Return the scopes that may hold a match by the recorded conditions, whether or not they hold any resource."""
        active = {name: value for name, value in conditions.items() if value is not None}
        scopes = sorted(
            self.world.scopes, key=lambda scope: (scope.key.account, scope.key.kind, scope.key.region or "")
        )
        return [scope for scope in scopes if self.may_see(scope.key.account) and self._may_hold(scope, active)]

    def _may_hold(self, scope: ScopeRecord, active: Conditions) -> bool:
        held = [resource for resource in self.world.resources if resource.scope_id == scope.scope_id]
        types = _MACHINES if scope.key.kind == "MACHINES" else _VOLUMES
        regions = active.get("vendorRegion")
        checks = (
            "vendor" not in active or self.world.accounts[scope.key.account].vendor in active["vendor"],
            "account" not in active or scope.key.account in active["account"],
            "resourceType" not in active or bool(types & set(active["resourceType"])),
            regions is None
            or (
                bool(regions)
                and (
                    scope.key.region is None
                    or scope.key.region in regions
                    or any(resource.vendor_region in regions for resource in held)
                )
            ),
            "resourceId" not in active or any(resource.resource_id in active["resourceId"] for resource in held),
            "vendorId" not in active or self._may_hold_vendor_ids(held, set(active["vendorId"])),
        )
        return all(checks)

    def _may_hold_vendor_ids(self, held: list[ResourceRecord], ids: set[str]) -> bool:
        # An id that is not recorded may appear in any scope.
        recorded = {resource.vendor_id for resource in self.visible}
        return any(resource.vendor_id in ids for resource in held) or not ids <= recorded

    def links_of(self, resource: ResourceRecord, *, ended: bool) -> list[tuple[LinkRecord, ResourceRecord, str]]:
        """Return links with the other end and the type as seen from this one: open links first, then by time and id."""
        entries = []
        for place, link in enumerate(self.world.links):
            for here, there, link_type, reversed_ in (
                (link.from_id, link.to_id, link.link_type.value, 0),
                (link.to_id, link.from_id, _INVERSE[link.link_type.value], 1),
            ):
                if here == resource.resource_id and there in self.by_id and (ended or link.linked_until is None):
                    key = (link.linked_until is not None, link.linked_since, str(there), place, reversed_)
                    entries.append((key, (link, self.by_id[there], link_type)))
        return [entry for _, entry in sorted(entries, key=lambda each: each[0])]


_INVERSE: Final = {
    "ATTACHED_STORAGE": "ATTACHED_TO",
    "ATTACHED_TO": "ATTACHED_STORAGE",
    "MEMBER_OF": "HAS_MEMBER",
    "HAS_MEMBER": "MEMBER_OF",
    "SAME_MACHINE": "SAME_MACHINE",
}
_ORDER_VALUES: Final[Mapping[str, Callable[[ResourceRecord], Any]]] = {
    "CREATED_AT": lambda resource: resource.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    "NAME": lambda resource: resource.live.name,
    "STATUS": lambda resource: STATUSES.index(resource.live.status.value),
    "PRICING_TOTAL_HOURLY": lambda resource: resource.live.price.amount,
}


def place_of(resource: ResourceRecord, field: str) -> tuple[Any, str]:
    """Return the place of a resource in an order: its value and its id."""
    return _ORDER_VALUES[field](resource), str(resource.resource_id)


def compare_places(one: tuple[Any, str], other: tuple[Any, str], direction: str) -> int:
    """Return a negative number if `one` comes first: null is the smallest value, ties are ordered by id in the same direction."""
    if one == other:
        return 0
    if one[0] == other[0]:
        return -1 if (one[1] < other[1]) is (direction == "ASC") else 1
    smaller = one[0] is None or (other[0] is not None and one[0] < other[0])
    return -1 if smaller is (direction == "ASC") else 1


def sort_resources(resources: list[ResourceRecord], field: str, direction: str) -> list[ResourceRecord]:
    """Return the resources in this order."""

    def compare(one: ResourceRecord, other: ResourceRecord) -> int:
        return compare_places(place_of(one, field), place_of(other, field), direction)

    return sorted(resources, key=cmp_to_key(compare))


def is_behind(resource: ResourceRecord, field: str, direction: str, place: tuple[Any, UUID]) -> bool:
    """Return whether a resource comes after a place."""
    return compare_places((place[0], str(place[1])), place_of(resource, field), direction) < 0
