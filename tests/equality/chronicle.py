"""The history of a world: snapshots, changes, and the parts that were pruned."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from domain.enums import ObservationSource
from domain.records.model import HistoryEntry, ResourceRecord
from domain.records.observation import Json
from tests.equality import vocabulary as words
from tests.equality.world import Change, World, ago

_SNAPSHOT: Final = "resource"
_VALUES: Final[tuple[Json, ...]] = (
    None, "RUNNING", "", "\U0001f600\u2028", 0, 1.0, 1e22, 2**53 + 1, True, [], {"externalIp": None},
    [{"linkType": "ATTACHED_TO"}],
)  # fmt: skip


def chronicle(random: Random, world: World) -> list[Change]:
    """Two entries for most resources, more for some, none for a few, in the order of being recorded."""
    waiting = [list(_of(random, resource)) for resource in world.resources]
    found: list[Change] = []
    while waiting := [each for each in waiting if each]:
        each = random.choice(waiting)
        entry, pruned = each.pop(0)
        found.append(Change(len(found) + 1, entry, pruned))
    return found


def _of(random: Random, resource: ResourceRecord) -> Iterator[tuple[HistoryEntry, bool]]:
    count = random.choice((0, 1, 2, 3, 6))
    # Pruning leaves a snapshot where the oldest kept entry was, under that entry's number.
    gone = random.choice((0, 0, 0, 2)) if count > 3 else 0
    for place in range(count):
        whole = place == gone
        field = _SNAPSHOT if whole else random.choice(words.FIELDS[1:])
        after: Json = {"name": resource.live.name, "status": resource.live.status.value, "linkedResources": []}
        observed = ago(random.choice((1000, 900, 800.5)) - place * random.choice((0, 10, 100)))
        yield (
            HistoryEntry(
                resource.resource_id,
                resource.account,
                field,
                None if whole else random.choice(_VALUES),
                after if whole else random.choice(_VALUES),
                observed,
                random.choice(list(ObservationSource)),
                place + 1,
            ),
            place < gone,
        )
