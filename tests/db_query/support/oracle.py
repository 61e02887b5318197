"""The expected contents of a list, computed over plain rows. Nothing here is SQL or shared with the code that writes SQL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
from typing import Any

from tests.db_query.support.rows import Row, RowWorld

_LIST_COLUMNS = {
    "resourceId": "resource_id",
    "vendorId": "vendor_id",
    "vendor": "vendor",
    "vendorRegion": "vendor_region",
    "status": "status",
    "resourceType": "resource_type",
    "gpuType": "gpu_type",
    "gpuFamily": "gpu_family",
}
_SORT_COLUMNS = {"CREATED_AT": "created_at", "NAME": "name", "STATUS": "status_rank", "PRICING_TOTAL_HOURLY": "price"}


def is_visible(world: RowWorld, row: Row, accounts: frozenset[str] | None) -> bool:
    """Return whether a viewer of these accounts sees the resource."""
    return accounts is None or account_name(world, row) in accounts


def account_name(world: RowWorld, row: Row) -> str:
    """Return the name of the resource's account."""
    return str(world.accounts[row["account_id"] - 1]["name"])


def find_matches(
    world: RowWorld, conditions: Mapping[str, Any], accounts: frozenset[str] | None, *, tombstones: bool = False
) -> list[Row]:
    """Return the resources that the filter matches, in no particular order."""
    return [
        row
        for row in world.resources
        if is_visible(world, row, accounts)
        and (tombstones or _includes_deleted(conditions) or row["status"] != "DELETED")
        and (conditions.get("includeDuplicates") or not _is_duplicate(world, row, accounts))
        and _matches(world, row, conditions, accounts)
    ]


def sort_rows(rows: list[Row], field: str, direction: str) -> list[Row]:
    """Sort resources: null is the smallest value, equal values go by resource id in the same direction."""
    column = _SORT_COLUMNS[field]

    def compare(first: Row, second: Row) -> int:
        left, right = first[column], second[column]
        if left == right:
            is_smaller = first["resource_id"] < second["resource_id"]
        else:
            is_smaller = left is None or (right is not None and left < right)
        return (-1 if is_smaller else 1) * (1 if direction == "ASC" else -1)

    return sorted(rows, key=cmp_to_key(compare))


def find_links(world: RowWorld, row: Row, accounts: frozenset[str] | None, *, include_ended: bool) -> list[str]:
    """Return the ids of the linked resources: those of open links, then of ended ones, each by time and id."""
    resources = {resource["resource_id"]: resource for resource in world.resources}
    links = [
        link
        for link in world.links
        if link["from_id"] == row["resource_id"]
        and (include_ended or link["linked_until"] is None)
        and is_visible(world, resources[link["to_id"]], accounts)
    ]
    links.sort(
        key=lambda link: (link["linked_until"] is not None, link["linked_since"], link["to_id"], link["link_id"])
    )
    return [str(link["to_id"]) for link in links]


def _includes_deleted(conditions: Mapping[str, Any]) -> bool:
    return bool(conditions.get("includeDeleted")) or "DELETED" in (conditions.get("status") or ())


def _is_duplicate(world: RowWorld, row: Row, accounts: frozenset[str] | None) -> bool:
    return any(
        link["from_id"] == row["resource_id"]
        and link["owned"]
        and link["link_type"] == "SAME_MACHINE"
        and link["linked_until"] is None
        and any(
            other["resource_id"] == link["to_id"] and is_visible(world, other, accounts) for other in world.resources
        )
        for link in world.links
    )


def _matches(world: RowWorld, row: Row, conditions: Mapping[str, Any], accounts: frozenset[str] | None) -> bool:
    for name, column in _LIST_COLUMNS.items():
        if conditions.get(name) is not None and row[column] not in map(str, conditions[name]):
            return False
    if conditions.get("account") is not None and account_name(world, row) not in conditions["account"]:
        return False
    part = conditions.get("nameContains")
    if part is not None and (row["name"] is None or part.casefold() not in row["name"].casefold()):
        return False
    unconfirmed = conditions.get("unconfirmed")
    if unconfirmed is not None and (row["missing_since"] is not None) is not unconfirmed:
        return False
    offer_id = conditions.get("offerId")
    if offer_id is not None and not any(
        entry["resource_id"] == row["resource_id"] and entry["offer_id"] == str(offer_id) for entry in world.provenance
    ):
        return False
    linked_id = conditions.get("linkedTo")
    return linked_id is None or str(linked_id) in find_links(world, row, accounts, include_ended=False)
