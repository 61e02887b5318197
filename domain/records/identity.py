"""Identities: version 5 UUIDs over the identity of an account and the names that the vendor uses.

They are the same after the loss of a database, unless an account was renamed.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from itertools import count
from typing import Final
from uuid import UUID, uuid5

from domain.enums import ResourceKind
from domain.records.observation import Terms
from domain.timestamps import to_text

_NAMESPACE: Final = UUID("8c5f6f0e-5b1d-5f0a-9a53-0f4c1d2b7e11")
NODE_PREFIX: Final = "Resource:"


def _uuid(*parts: str | float | None) -> UUID:
    # JSON separates the parts: ("a", "bc") and ("ab", "c") must give different UUIDs.
    return uuid5(_NAMESPACE, json.dumps(parts, ensure_ascii=True, separators=(",", ":")))


def account_identity(name: str, taken: Collection[str]) -> str:
    """Return the identity of an account that is first recorded under this name. It stays the same if the account is renamed.

    `taken` are the identities of all other accounts. One of them has this name's own identity if its account had the name before.
    """
    first = f"account:{name}"
    numbered = (first if number == 1 else f"{first}#{number}" for number in count(1))
    return next(identity for identity in numbered if identity not in taken)


def resource_uuid(
    identity: str,
    kind: ResourceKind,
    vendor_id: str,
    created_at: datetime | None,
    generation: int,
    *,
    twin: bool = False,
) -> UUID:
    """Return the UUID of a resource.

    It is derived from the account's identity, the kind, the vendor id, and the vendor's creation time or, if the vendor
    reports none, a generation number. A `twin` has the same creation time as the previous resource with its vendor id,
    which the vendor had reported as deleted; its UUID is derived from the creation time and the generation.
    """
    origin = to_text(created_at) if created_at else generation
    return _uuid("resource", identity, kind.value, vendor_id, origin, *([generation] if created_at and twin else []))


def offer_uuid(identity: str, terms: Terms) -> UUID:
    """Return the UUID of an offer, derived from the account's identity, SKU, contract type, running rate and currency."""
    return _uuid("offer", identity, terms.sku, terms.contract_type.value, terms.running_rate, terms.currency)


def node_id(resource_id: UUID | str) -> str:
    """Return the Relay node id of a resource, which is opaque to clients."""
    return f"{NODE_PREFIX}{resource_id}"


def resource_of_node(node: str) -> UUID | None:
    """Return the UUID in a node id, or `None` if the text is not a node id of a resource."""
    if not node.startswith(NODE_PREFIX):
        return None
    try:
        parsed = UUID(node.removeprefix(NODE_PREFIX))
    except ValueError:
        return None
    return parsed if node == node_id(parsed) else None
