"""What a list must answer, worked out over plain rows: nothing of this is SQL, or shared with what writes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

from tests.db_query.rows import Row, World

_EQUAL = {
    "resourceId": "resource_id",
    "vendorId": "vendor_id",
    "vendor": "vendor",
    "vendorRegion": "vendor_region",
    "status": "status",
    "resourceType": "resource_type",
    "gpuType": "gpu_type",
    "gpuFamily": "gpu_family",
}
_ORDERED = {"CREATED_AT": "created_at", "NAME": "name", "STATUS": "status_rank", "PRICING_TOTAL_HOURLY": "price"}


def visible(world: World, row: Row, accounts: frozenset[str] | None) -> bool:
    """Whether the viewer of these accounts sees it."""
    return accounts is None or account_name(world, row) in accounts


def account_name(world: World, row: Row) -> str:
    """Whose it is."""
    return str(world.accounts[row["account_id"] - 1]["name"])


def matching(
    world: World, conditions: Mapping[str, Any], accounts: frozenset[str] | None, *, tombstones: bool = False
) -> list[Row]:
    """The resources that the filter matches, in no order."""
    return [
        row
        for row in world.resources
        if visible(world, row, accounts)
        and (tombstones or _shown_when_deleted(conditions) or row["status"] != "DELETED")
        and (conditions.get("includeDuplicates") or not _duplicate(world, row, accounts))
        and _matches(world, row, conditions, accounts)
    ]


def ordered(rows: list[Row], field: str, direction: str) -> list[Row]:
    """By the order: null is the smallest, ties by resource id in the same direction."""
    column = _ORDERED[field]

    def compare(one: Row, other: Row) -> int:
        left, right = one[column], other[column]
        if left == right:
            smaller = one["resource_id"] < other["resource_id"]
        else:
            smaller = left is None or (right is not None and left < right)
        return (-1 if smaller else 1) * (1 if direction == "ASC" else -1)

    return sorted(rows, key=cmp_to_key(compare))


def links_of(world: World, row: Row, accounts: frozenset[str] | None, *, ended: bool) -> list[str]:
    """The ids at the other ends of its links: open ones, then those that ended, each by time and id."""
    by_id = {one["resource_id"]: one for one in world.resources}
    found = [
        link
        for link in world.links
        if link["from_id"] == row["resource_id"]
        and (ended or link["linked_until"] is None)
        and visible(world, by_id[link["to_id"]], accounts)
    ]
    found.sort(
        key=lambda link: (link["linked_until"] is not None, link["linked_since"], link["to_id"], link["link_id"])
    )
    return [str(link["to_id"]) for link in found]


def _shown_when_deleted(conditions: Mapping[str, Any]) -> bool:
    return bool(conditions.get("includeDeleted")) or "DELETED" in (conditions.get("status") or ())


def _duplicate(world: World, row: Row, accounts: frozenset[str] | None) -> bool:
    return any(
        link["from_id"] == row["resource_id"]
        and link["owned"]
        and link["link_type"] == "SAME_MACHINE"
        and link["linked_until"] is None
        and any(other["resource_id"] == link["to_id"] and visible(world, other, accounts) for other in world.resources)
        for link in world.links
    )


def _matches(world: World, row: Row, conditions: Mapping[str, Any], accounts: frozenset[str] | None) -> bool:
    for name, column in _EQUAL.items():
        if conditions.get(name) is not None and row[column] not in map(str, conditions[name]):
            return False
    if conditions.get("account") is not None and account_name(world, row) not in conditions["account"]:
        return False
    contained = conditions.get("nameContains")
    if contained is not None and (row["name"] is None or contained.casefold() not in row["name"].casefold()):
        return False
    unconfirmed = conditions.get("unconfirmed")
    if unconfirmed is not None and (row["missing_since"] is not None) is not unconfirmed:
        return False
    offer = conditions.get("offerId")
    if offer is not None and not any(
        entry["resource_id"] == row["resource_id"] and entry["offer_id"] == str(offer) for entry in world.provenance
    ):
        return False
    other = conditions.get("linkedTo")
    return other is None or str(other) in links_of(world, row, accounts, ended=False)
