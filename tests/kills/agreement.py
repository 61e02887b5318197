"""Whether a record agrees with what the vendor holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from domain.enums import ResourceKind, ResourceStatus
from domain.records.observation import Observation, Price
from domain.timestamps import optional_text
from tests.kills.vendor import World

Shown: TypeAlias = tuple[object, ...]

_LIVING = """
SELECT vendor_id, status, name, vendor_created_at, price,
  (SELECT group_concat(to_vendor_id) FROM (
    SELECT to_vendor_id FROM links l WHERE l.from_id = r.resource_id AND l.linked_until IS NULL AND l.owned
    ORDER BY to_vendor_id))
FROM resources r WHERE kind = ? AND status <> 'DELETED' AND missing_since IS NULL
"""


def differences(file: Path, world: World, kind: ResourceKind) -> list[str]:
    """Where what lives unmarked in the record differs from what lives at the vendor, said in words."""
    recorded = living(file, kind)
    held = world.machines if kind is ResourceKind.MACHINES else world.volumes
    wanted = {name: _shown(told) for name, told in held.items() if told.status is not ResourceStatus.DELETED}
    return [
        f"{name}: the vendor has {wanted.get(name)}, the record {recorded.get(name)}"
        for name in sorted(wanted.keys() | recorded.keys())
        if wanted.get(name) != recorded.get(name)
    ]


def living(file: Path, kind: ResourceKind) -> dict[str, Shown]:
    """What lives unmarked in the record."""
    with closing(sqlite3.connect(file)) as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(_LIVING, [kind.value])}


def swept_number(file: Path, kind: ResourceKind) -> int:
    """The number of the scope's last complete sweep."""
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT swept_no FROM scopes WHERE kind = ?", [kind.value]).fetchone()[0])


def _shown(told: Observation) -> Shown:
    price = told.price.amount if isinstance(told.price, Price) else None
    links = sorted(link.vendor_id for link in told.links) if isinstance(told.links, tuple) else []
    return told.status.value, told.name or None, optional_text(told.created_at), price, ",".join(links) or None
