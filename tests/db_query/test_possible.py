"""Which scopes may hold a match: the recorded conditions alone decide."""

from __future__ import annotations

from typing import Any

import pytest

from domain.viewer import Viewer
from tests.db_query.queries import EVERYONE, Queries, read, root
from tests.db_query.rows import World, uuid_of

_EAST, _EAST_DISKS, _WEST_A, _WEST_B, _WEST_DISKS_B = range(1, 6)
_ALL = {_EAST, _EAST_DISKS, _WEST_A, _WEST_B, _WEST_DISKS_B}


def _world() -> World:
    """`east` lists machines and volumes in one go each, `west` its machines in two regions and its volumes in one."""
    world = World()
    east, west = world.account("east", "sandbox"), world.account("west", "aws")
    machines = world.scope(east)
    world.scope(east, "VOLUMES")
    world.scope(west, region="us-a")
    other = world.scope(west, region="us-b")
    world.scope(west, "VOLUMES", "us-b")
    world.resource(machines, 0, vendor_id="i-0", vendor_region="nowhere")
    world.resource(other, 1, vendor_id="i-1", vendor_region="us-b-1")
    return world


async def _possible(conditions: dict[str, Any], viewer: Viewer = EVERYONE) -> set[int]:
    async with _world().recorded() as engine:
        asked = root("resources", "totalCount", filter=conditions)
        (reading,) = await read(Queries(engine), asked, viewer=viewer)
    return {scope_id for scope_id, row in reading.accounts.scopes.items() if row.possible}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, _ALL),
        ({"vendor": ["aws"]}, {_WEST_A, _WEST_B, _WEST_DISKS_B}),
        ({"account": ["east", "none"]}, {_EAST, _EAST_DISKS}),
        ({"account": []}, set()),
        ({"vendor": ["aws"], "account": ["east"]}, set()),
        ({"resourceType": ["VM"]}, {_EAST, _WEST_A, _WEST_B}),
        ({"resourceType": ["FILESYSTEM"]}, {_EAST_DISKS, _WEST_DISKS_B}),
        ({"resourceType": ["OTHER"]}, _ALL),
        ({"resourceType": []}, set()),
        ({"vendorRegion": ["us-a"]}, {_EAST, _EAST_DISKS, _WEST_A}),
        ({"vendorRegion": ["us-b-1"]}, {_EAST, _EAST_DISKS, _WEST_B}),
        ({"vendorRegion": []}, set()),
        ({"resourceId": [uuid_of(1)]}, {_WEST_B}),
        ({"resourceId": [uuid_of(0), uuid_of(9)]}, {_EAST}),
        ({"resourceId": []}, set()),
        ({"vendorId": ["i-1", "i-1"]}, {_WEST_B}),
        ({"vendorId": ["i-1", "i-9"]}, _ALL),
        ({"vendorId": []}, set()),
        ({"status": [], "gpuType": [], "nameContains": "x", "linkedTo": uuid_of(5), "unconfirmed": True}, _ALL),
    ],
)
async def test_recorded_conditions(conditions: dict[str, Any], expected: set[int]) -> None:
    """Each narrows, those without any resource stay; live ones never do."""
    assert expected == await _possible(conditions)


async def test_viewer() -> None:
    """Scopes of accounts that the viewer may not see are not possible, and their resources' ids are unknown ones."""
    viewer = Viewer("e", frozenset(), frozenset({"east"}))
    assert {_EAST, _EAST_DISKS} == await _possible({}, viewer)
    assert {_EAST, _EAST_DISKS} == await _possible({"vendorId": ["i-1"]}, viewer)
    assert await _possible({"resourceId": [uuid_of(1)]}, viewer) == set()
