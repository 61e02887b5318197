"""What can be asked of the simulated cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Operation(StrEnum):
    """The names by which calls are counted and faults are aimed."""

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
    Operation.LIST_MACHINES: "machines",
    Operation.LIST_VOLUMES: "volumes",
    Operation.LIST_OFFERS: "offers",
}
"""The listings, and the key under which each answers its list."""

NOBODY: Final = "nobody"
"""The tenant of a call with a wrong key, or none."""
