"""The scopes that may hold a match of a filter. Only conditions on recorded fields decide."""

from __future__ import annotations

from typing import Any

import pytest

from domain.viewer import Viewer
from tests.db_query.support.queries import EVERYONE, Queries, read, root
from tests.db_query.support.rows import RowWorld, uuid_of

_EAST, _EAST_DISKS, _WEST_A, _WEST_B, _WEST_DISKS_B = range(1, 6)
_ALL = {_EAST, _EAST_DISKS, _WEST_A, _WEST_B, _WEST_DISKS_B}


def _world() -> RowWorld:
    """Account `east` has a scope for all machines and one for all volumes.

    Account `west` has scopes for the machines of two regions and for the volumes of one.
    """
    world = RowWorld()
    east, west = world.add_account("east", "sandbox"), world.add_account("west", "aws")
    machines = world.add_scope(east)
    world.add_scope(east, "VOLUMES")
    world.add_scope(west, region="us-a")
    other = world.add_scope(west, region="us-b")
    world.add_scope(west, "VOLUMES", "us-b")
    world.add_resource(machines, 0, vendor_id="i-0", vendor_region="nowhere")
    world.add_resource(other, 1, vendor_id="i-1", vendor_region="us-b-1")
    return world


async def _find_possible(conditions: dict[str, Any], viewer: Viewer = EVERYONE) -> set[int]:
    async with _world().database() as engine:
        field = root("resources", "totalCount", filter=conditions)
        (result,) = await read(Queries(engine), field, viewer=viewer)
    return {scope_id for scope_id, row in result.accounts.scopes.items() if row.possible}


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
    """Conditions on recorded fields rule out scopes, but not for being empty. Conditions on live fields rule out none."""
    assert expected == await _find_possible(conditions)


async def test_viewer() -> None:
    """Scopes of accounts that the viewer may not see are not possible, and ids of their resources count as unrecorded."""
    viewer = Viewer("e", frozenset(), frozenset({"east"}))
    assert {_EAST, _EAST_DISKS} == await _find_possible({}, viewer)
    assert {_EAST, _EAST_DISKS} == await _find_possible({"vendorId": ["i-1"]}, viewer)
    assert await _find_possible({"resourceId": [uuid_of(1)]}, viewer) == set()
