"""The whole of a resource: what to select of the graph for it, and the same in the keys of the REST contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from domain.selection import Selected

ROOT: Final = "resource"


def _leaves(type_name: str, names: str) -> tuple[Selected, ...]:
    return tuple(Selected(name, type_name, name) for name in names.split())


_FRESHNESS: Final = Selected("freshness", "Resource", "freshness", {}, _leaves("Freshness", "state observedAt reason"))
_LINKED: Final = (
    *_leaves("LinkedResource", "resourceId resourceType name status linkType linkedSince linkedUntil"),
    Selected("freshness", "LinkedResource", "freshness", {}, _FRESHNESS.fields),
)
_FIELDS: Final = (
    *_leaves(
        "Resource",
        "resourceId resourceType name vendor vendorRegion status statusMessage pricingTotalHourly validFrom validTo "
        "lastSyncedAt createdAt",
    ),
    Selected("account", "Resource", "account", {}, _leaves("VendorAccount", "name")),
    Selected("access", "Resource", "access", {}, _leaves("ResourceAccess", "externalIp internalIp sshCommand sshPort")),
    Selected(
        "spec",
        "Resource",
        "spec",
        {},
        _leaves("ResourceSpec", "gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor"),
    ),
    Selected("linkedResources", "Resource", "linkedResources", {"includeEnded": True}, _LINKED),
    Selected(
        "offerHistory", "Resource", "offerHistory", {}, _leaves("OfferProvenance", "offerId offerType role createdAt")
    ),
    _FRESHNESS,
)

Told = Mapping[str, Any]
"""A resource as the graph tells it: by response key, enums by their upper-case names, instants as canonical text."""


def full_selection(resource_id: UUID, demand: Mapping[str, object]) -> Selected:
    """The root field that asks for everything that the contract shows. `demand` is a FreshnessDemand of the graph."""
    return Selected(ROOT, "Query", "resource", {"resourceId": resource_id, "freshness": demand}, _FIELDS)


def render(told: Told) -> dict[str, Any]:
    """The resource in the contract's keys; enum values in lower case, links that are open before those that ended."""
    links = sorted(told["linkedResources"], key=lambda link: link["linkedUntil"] is not None)
    return {
        "resource_id": told["resourceId"],
        "resource_type": told["resourceType"].lower(),
        "name": told["name"],
        "vendor": told["vendor"],
        "vendor_region": told["vendorRegion"],
        "status": told["status"].lower(),
        "status_message": told["statusMessage"],
        "access": None if told["access"] is None else _snake(told["access"]),
        "spec": {key: value for key, value in _snake(told["spec"]).items() if value not in (None, {})},
        "linked_resources": [_lowered(link, "resource_type", "status", "link_type") for link in links],
        "offer_history": [_lowered(entry, "offer_type", "role") for entry in told["offerHistory"]],
        "pricing_total_hourly": told["pricingTotalHourly"],
        "valid_from": told["validFrom"],
        "valid_to": told["validTo"],
        "last_synced_at": told["lastSyncedAt"],
        "created_at": told["createdAt"],
    }


def _lowered(told: Told, *enums: str) -> dict[str, Any]:
    row = {key: value for key, value in _snake(told).items() if key != "freshness"}
    return {**row, **{key: row[key].lower() for key in enums}}


def _snake(told: Told) -> dict[str, Any]:
    return {_snake_key(key): value for key, value in told.items()}


def _snake_key(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def seen_things(told: Told) -> Iterable[Told]:
    """The resource and what it is linked to: everything in the answer that has an age of its own."""
    return (told, *told["linkedResources"])
