"""The operations of the simulated cloud's API."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ApiOperation(StrEnum):
    """The operations. Calls are counted and faults are targeted by these names."""

    LIST_MACHINES = "list_machines"
    GET_MACHINE = "get_machine"
    CREATE_MACHINE = "create_machine"
    START_MACHINE = "start_machine"
    STOP_MACHINE = "stop_machine"
    TERMINATE_MACHINE = "terminate_machine"
    ATTACH_VOLUME = "attach_volume"
    DETACH_VOLUME = "detach_volume"
    LIST_VOLUMES = "list_volumes"
    GET_VOLUME = "get_volume"
    CREATE_VOLUME = "create_volume"
    DELETE_VOLUME = "delete_volume"
    LIST_OFFERS = "list_offers"


LISTS: Final = {
    ApiOperation.LIST_MACHINES: "machines",
    ApiOperation.LIST_VOLUMES: "volumes",
    ApiOperation.LIST_OFFERS: "offers",
}
"""The listings, and the key under which each returns its items."""

NOBODY: Final = "nobody"
"""The tenant under which calls with a wrong or missing key are counted."""
