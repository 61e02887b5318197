"""The history of a world: snapshots, changes, and pruned entries."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from domain.enums import ObservationSource
from domain.records.model import HistoryEntry, ResourceRecord
from domain.records.observation import Json
from tests.equality import vocabulary as words
from tests.equality.world import EqualityWorld, WorldChange, ago

_SNAPSHOT: Final = "resource"
_VALUES: Final[tuple[Json, ...]] = (
    None, "RUNNING", "", "\U0001f600\u2028", 0, 1.0, 1e22, 2**53 + 1, True, [], {"externalIp": None},
    [{"linkType": "ATTACHED_TO"}],
)  # fmt: skip


def write_history(random: Random, world: EqualityWorld) -> list[WorldChange]:
    """Return up to six entries for each resource, in the order of insertion."""
    waiting = [list(_write_entries(random, resource)) for resource in world.resources]
    changes: list[WorldChange] = []
    while waiting := [entries for entries in waiting if entries]:
        entries = random.choice(waiting)
        entry, pruned = entries.pop(0)
        changes.append(WorldChange(len(changes) + 1, entry, pruned))
    return changes


def _write_entries(random: Random, resource: ResourceRecord) -> Iterator[tuple[HistoryEntry, bool]]:
    count = random.choice((0, 1, 2, 3, 6))
    # Pruning replaces the oldest entry that it leaves by a snapshot with the same number.
    pruned = random.choice((0, 0, 0, 2)) if count > 3 else 0
    for place in range(count):
        is_snapshot = place == pruned
        field = _SNAPSHOT if is_snapshot else random.choice(words.FIELDS[1:])
        after: Json = {"name": resource.live.name, "status": resource.live.status.value, "linkedResources": []}
        observed = ago(random.choice((1000, 900, 800.5)) - place * random.choice((0, 10, 100)))
        yield (
            HistoryEntry(
                resource.resource_id,
                resource.account,
                field,
                None if is_snapshot else random.choice(_VALUES),
                after if is_snapshot else random.choice(_VALUES),
                observed,
                random.choice(list(ObservationSource)),
                place + 1,
            ),
            place < pruned,
        )
