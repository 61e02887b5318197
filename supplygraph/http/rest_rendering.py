"""The full selection of a resource, and its rendering in the keys of the REST contract."""

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

ResourceJson = Mapping[str, Any]
"""A resource or link as GraphQL returns it: by response key, enums by name in upper case, timestamps as canonical text."""


def full_selection(resource_id: UUID) -> Selected:
    """Return the root field that selects every field of the contract."""
    return Selected(ROOT, "Query", "resource", {"resourceId": resource_id}, _FIELDS)


def render(resource: ResourceJson) -> dict[str, Any]:
    """Return the resource in the keys of the contract, with enum values in lower case."""
    access = resource["access"]
    return {
        "resource_id": resource["resourceId"],
        "resource_type": resource["resourceType"].lower(),
        "name": resource["name"],
        "vendor": resource["vendor"],
        "vendor_region": resource["vendorRegion"],
        "status": resource["status"].lower(),
        "status_message": resource["statusMessage"],
        "access": None if access is None else {_ACCESS_KEYS[key]: value for key, value in access.items()},
        "spec": {_SPEC_KEYS[key]: value for key, value in resource["spec"].items() if value not in (None, {})},
        "linked_resources": [_link(link) for link in resource["linkedResources"]],
        "offer_history": [_offer(entry) for entry in resource["offerHistory"]],
        "pricing_total_hourly": resource["pricingTotalHourly"],
        "valid_from": resource["validFrom"],
        "valid_to": resource["validTo"],
        "last_synced_at": resource["lastSyncedAt"],
        "created_at": resource["createdAt"],
    }


def _link(link: ResourceJson) -> dict[str, Any]:
    return {
        "resource_id": link["resourceId"],
        "resource_type": link["resourceType"].lower(),
        "name": link["name"],
        "status": link["status"].lower(),
        "link_type": link["linkType"].lower(),
        "linked_since": link["linkedSince"],
        "linked_until": link["linkedUntil"],
    }


def _offer(entry: ResourceJson) -> dict[str, Any]:
    return {
        "offer_id": entry["offerId"],
        "offer_type": entry["offerType"].lower(),
        "role": entry["role"].lower(),
        "created_at": entry["createdAt"],
    }


def _snake_case(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


def _keys_of(name: str) -> dict[str, str]:
    (selected,) = (field for field in _FIELDS if field.name == name)
    return {field.key: _snake_case(field.key) for field in selected.fields}


_ACCESS_KEYS: Final = _keys_of("access")
_SPEC_KEYS: Final = _keys_of("spec")


def parts_with_age(resource: ResourceJson) -> Iterable[ResourceJson]:
    """Return the resource and its links: the parts of the answer that have an age of their own."""
    return (resource, *resource["linkedResources"])
