"""Whether the recorded resources agree with the vendor's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from domain.enums import ResourceKind, ResourceStatus
from domain.records.observation import Observation, Price
from domain.timestamps import optional_text
from tests.kills.cloud import ScriptedWorld

ComparedFields: TypeAlias = tuple[object, ...]

_LIVING = """
SELECT vendor_id, status, name, vendor_created_at, price,
  (SELECT group_concat(to_vendor_id) FROM (
    SELECT to_vendor_id FROM links l WHERE l.from_id = r.resource_id AND l.linked_until IS NULL AND l.owned
    ORDER BY to_vendor_id))
FROM resources r WHERE kind = ? AND status <> 'DELETED' AND missing_since IS NULL
"""


def differences(file: Path, world: ScriptedWorld, kind: ResourceKind) -> list[str]:
    """Return a sentence for each resource whose present record differs from the vendor's resource."""
    recorded = present_resources(file, kind)
    resources = world.machines if kind is ResourceKind.MACHINES else world.volumes
    actual = {name: _fields(one) for name, one in resources.items() if one.status is not ResourceStatus.DELETED}
    return [
        f"{name}: the vendor has {actual.get(name)}, the database {recorded.get(name)}"
        for name in sorted(actual.keys() | recorded.keys())
        if actual.get(name) != recorded.get(name)
    ]


def present_resources(file: Path, kind: ResourceKind) -> dict[str, ComparedFields]:
    """Return the recorded resources that are neither deleted nor missing, by vendor id."""
    with closing(sqlite3.connect(file)) as connection:
        return {row[0]: tuple(row[1:]) for row in connection.execute(_LIVING, [kind.value])}


def swept_number(file: Path, kind: ResourceKind) -> int:
    """Return the number of the scope's last complete sweep."""
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT swept_no FROM scopes WHERE kind = ?", [kind.value]).fetchone()[0])


def _fields(observation: Observation) -> ComparedFields:
    price = observation.price.amount if isinstance(observation.price, Price) else None
    links = sorted(link.vendor_id for link in observation.links) if isinstance(observation.links, tuple) else []
    created_at = optional_text(observation.created_at)
    return observation.status.value, observation.name or None, created_at, price, ",".join(links) or None
