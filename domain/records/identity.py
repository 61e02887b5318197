"""Identities that survive the loss of a database: UUIDs of version 5 over what names a thing at its vendor."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from domain.enums import ResourceKind
from domain.records.observation import Terms
from domain.timestamps import to_text

_NAMESPACE: Final = UUID("8c5f6f0e-5b1d-5f0a-9a53-0f4c1d2b7e11")
NODE_PREFIX: Final = "Resource:"


def _uuid(*parts: str | float | None) -> UUID:
    # JSON keeps the parts apart: ("a", "bc") and ("ab", "c") must differ.
    return uuid5(_NAMESPACE, json.dumps(parts, ensure_ascii=True, separators=(",", ":")))


def resource_uuid(
    account: str,
    kind: ResourceKind,
    vendor_id: str,
    created_at: datetime | None,
    generation: int,
    *,
    twin: bool = False,
) -> UUID:
    """Of a resource: account, kind, vendor id, and the vendor's creation time or, where it tells none, a generation number.

    A `twin` has the creation time of the resource before it, which its vendor had called deleted: both tell them apart.
    """
    told = to_text(created_at) if created_at else generation
    return _uuid("resource", account, kind.value, vendor_id, told, *([generation] if created_at and twin else []))


def offer_uuid(account: str, terms: Terms) -> UUID:
    """Of an offer: account, sku, contract type, running rate, currency."""
    return _uuid("offer", account, terms.sku, terms.contract_type.value, terms.running_rate, terms.currency)


def node_id(resource_id: UUID | str) -> str:
    """The Relay identification of a resource; opaque to clients."""
    return f"{NODE_PREFIX}{resource_id}"


def resource_of_node(node: str) -> UUID | None:
    """The resource's UUID, or None where the text is no node id of ours."""
    if not node.startswith(NODE_PREFIX):
        return None
    try:
        parsed = UUID(node.removeprefix(NODE_PREFIX))
    except ValueError:
        return None
    return parsed if node == node_id(parsed) else None
