"""Which resources a filter matches, in which order, and which scopes may hold one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any, Final
from uuid import UUID

from domain.records.model import LinkRecord, ResourceRecord, ScopeRecord
from tests.equality.world import World

Conditions = Mapping[str, Any]
"""A filter as GraphQL coerced it: what is null says nothing."""
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
_TOLD: Final[Mapping[str, Callable[[ResourceRecord, World], object]]] = {
    "resourceId": lambda one, _: one.resource_id,
    "vendorId": lambda one, _: one.vendor_id,
    "vendor": lambda one, world: world.accounts[one.account].vendor,
    "account": lambda one, _: one.account,
    "vendorRegion": lambda one, _: one.vendor_region,
    "status": lambda one, _: one.live.status.value,
    "resourceType": lambda one, _: one.resource_type.value,
    "gpuType": lambda one, _: one.live.spec.gpu_type,
    "gpuFamily": lambda one, _: one.live.spec.gpu_family,
}


class Choice:
    """What one viewer can choose from. `sees` None is all accounts."""

    def __init__(self, world: World, sees: frozenset[str] | None) -> None:
        self.world = world
        self.sees = sees
        self.visible = [one for one in world.resources if self.may_see(one.account)]
        self.by_id = {one.resource_id: one for one in self.visible}
        self._offers = {(one.entry.resource_id, one.offer_id) for one in world.provenance}
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
        """Whether the account exists for the viewer."""
        return self.sees is None or account in self.sees

    def matching(self, conditions: Conditions, *, dead: bool = False) -> list[ResourceRecord]:
        """What the filter matches. `dead` shows tombstones whatever it says."""
        told = {name: value for name, value in conditions.items() if value is not None}
        dead = dead or told.get("includeDeleted", False) or "DELETED" in told.get("status", ())
        return [
            one
            for one in self.visible
            if (dead or one.live.status != "DELETED")
            and (told.get("includeDuplicates", False) or one.resource_id not in self._hidden)
            and self._matches(one, told)
        ]

    def _matches(self, one: ResourceRecord, told: Conditions) -> bool:
        for name, value in told.items():
            if name in _TOLD and _TOLD[name](one, self.world) not in value:
                return False
        if "nameContains" in told and (
            one.live.name is None or told["nameContains"].casefold() not in one.live.name.casefold()
        ):
            return False
        if "unconfirmed" in told and (one.missing_since is not None) is not told["unconfirmed"]:
            return False
        if "offerId" in told and (one.resource_id, told["offerId"]) not in self._offers:
            return False
        if "linkedTo" not in told:
            return True
        return told["linkedTo"] in self.by_id and (one.resource_id, told["linkedTo"]) in self._linked

    def scopes(self, conditions: Conditions) -> list[ScopeRecord]:
        """The scopes that may hold a match by what is recorded, whether or not they hold anything."""
        told = {name: value for name, value in conditions.items() if value is not None}
        every = sorted(self.world.scopes, key=lambda one: (one.key.account, one.key.kind, one.key.region or ""))
        return [one for one in every if self.may_see(one.key.account) and self._may_hold(one, told)]

    def _may_hold(self, scope: ScopeRecord, told: Conditions) -> bool:
        held = [one for one in self.world.resources if one.scope_id == scope.scope_id]
        listed = _MACHINES if scope.key.kind == "MACHINES" else _VOLUMES
        regions = told.get("vendorRegion")
        checks = (
            "vendor" not in told or self.world.accounts[scope.key.account].vendor in told["vendor"],
            "account" not in told or scope.key.account in told["account"],
            "resourceType" not in told or bool(listed & set(told["resourceType"])),
            regions is None
            or (
                bool(regions)
                and (
                    scope.key.region is None
                    or scope.key.region in regions
                    or any(one.vendor_region in regions for one in held)
                )
            ),
            "resourceId" not in told or any(one.resource_id in told["resourceId"] for one in held),
            "vendorId" not in told or self._vendor_ids_leave(held, set(told["vendorId"])),
        )
        return all(checks)

    def _vendor_ids_leave(self, held: list[ResourceRecord], ids: set[str]) -> bool:
        recorded = {one.vendor_id for one in self.visible}
        return any(one.vendor_id in ids for one in held) or not ids <= recorded

    def links_of(self, resource: ResourceRecord, *, ended: bool) -> list[tuple[LinkRecord, ResourceRecord, str]]:
        """Link, other end and what that is to this one: open links first, each by time and id."""
        found = []
        for place, link in enumerate(self.world.links):
            for here, there, word, back in (
                (link.from_id, link.to_id, link.link_type.value, 0),
                (link.to_id, link.from_id, _INVERSE[link.link_type.value], 1),
            ):
                if here == resource.resource_id and there in self.by_id and (ended or link.linked_until is None):
                    key = (link.linked_until is not None, link.linked_since, str(there), place, back)
                    found.append((key, (link, self.by_id[there], word)))
        return [entry for _, entry in sorted(found, key=lambda each: each[0])]


_INVERSE: Final = {
    "ATTACHED_STORAGE": "ATTACHED_TO",
    "ATTACHED_TO": "ATTACHED_STORAGE",
    "MEMBER_OF": "HAS_MEMBER",
    "HAS_MEMBER": "MEMBER_OF",
    "SAME_MACHINE": "SAME_MACHINE",
}
_VALUE: Final[Mapping[str, Callable[[ResourceRecord], Any]]] = {
    "CREATED_AT": lambda one: one.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    "NAME": lambda one: one.live.name,
    "STATUS": lambda one: STATUSES.index(one.live.status.value),
    "PRICING_TOTAL_HOURLY": lambda one: one.live.price.amount,
}


def place_of(resource: ResourceRecord, field: str) -> tuple[Any, str]:
    """Where a resource stands in an order."""
    return _VALUE[field](resource), str(resource.resource_id)


def before(one: tuple[Any, str], other: tuple[Any, str], direction: str) -> int:
    """Negative where `one` comes first: null is the smallest value; ties by id, the same way round."""
    if one == other:
        return 0
    if one[0] == other[0]:
        return -1 if (one[1] < other[1]) is (direction == "ASC") else 1
    smaller = one[0] is None or (other[0] is not None and one[0] < other[0])
    return -1 if smaller is (direction == "ASC") else 1


def ordered(resources: list[ResourceRecord], field: str, direction: str) -> list[ResourceRecord]:
    """In this order."""

    def compare(one: ResourceRecord, other: ResourceRecord) -> int:
        return before(place_of(one, field), place_of(other, field), direction)

    return sorted(resources, key=cmp_to_key(compare))


def behind(resource: ResourceRecord, field: str, direction: str, place: tuple[Any, UUID]) -> bool:
    """Whether it stands behind the place."""
    return before((place[0], str(place[1])), place_of(resource, field), direction) < 0
