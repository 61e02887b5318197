"""Arguments that mean something in a world, and some that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from tests.equality import vocabulary as words
from tests.equality.oracle.choosing import STATUSES, place_of
from tests.equality.oracle.cursors import cursor
from tests.equality.world import World

T = TypeVar("T")
_ORDERS: Final = ("CREATED_AT", "NAME", "STATUS", "PRICING_TOTAL_HOURLY")
_TYPES: Final = ("VM", "CONTAINER", "BARE_METAL", "CLUSTER", "BLOCK_DISK", "FILESYSTEM", "OTHER")
_KEYS: Final = ("VENDOR", "ACCOUNT", "VENDOR_REGION", "STATUS", "RESOURCE_TYPE", "GPU_TYPE")
_NOBODY: Final = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"
_BAD_CURSORS: Final = (
    "", "x", "====", "é", "WzEsIkhJU1RPUlkiLDNd!", " WzEsIkhJU1RPUlkiLDNd", "bnVsbA", "W10", "WzIsIkhJU1RPUlkiLDNd", "A" * 300,
)  # fmt: skip
_INSTANTS: Final = (
    "2026-03-01T11:43:20Z", "2026-03-01T12:45:00.5+01:00", "2026-03-01T11:46:39.500000Z", "2000-01-01T00:00:00Z",
    "2100-12-31T23:59:59Z",
)  # fmt: skip


class Values:
    """Draws arguments for one world."""

    def __init__(self, random: Random, world: World) -> None:
        self.random = random
        self.world = world
        self.patient = False
        """Whether nothing is asked that needs the permission `refresh`."""
        self._makers: Mapping[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("Query", "resource"): lambda: {"resourceId": self.resource_id(), **self._demand()},
            ("Query", "node"): lambda: {"id": self._node_id()},
            ("Query", "resources"): lambda: {**self._list(), **self._demand()},
            ("Query", "resourceTotals"): lambda: {**self._filter(), **self._keys(), **self._demand()},
            ("Query", "changes"): lambda: {**self._filter(), **self._sequence("CHANGES")},
            ("Resource", "linkedResources"): lambda: self.some({"includeEnded": self.one(True, True, False)}),
            ("Resource", "history"): self._history,
        }

    def one(self, *values: T) -> T:
        """One of them."""
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        """True so often."""
        return self.random.random() < share

    def some(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """None, or each with even chances."""
        return {name: value for name, value in arguments.items() if self.chance(0.5)}

    def of(self, type_name: str, field_name: str) -> dict[str, Any]:
        """Arguments of a field; empty where it takes none."""
        maker = self._makers.get((type_name, field_name))
        return {} if maker is None else maker()

    def takes(self, type_name: str, field_name: str) -> bool:
        """Whether the field takes arguments."""
        return (type_name, field_name) in self._makers

    # Ids

    def resource_id(self) -> str:
        """Mostly of a resource that exists, though perhaps not for the viewer; written in any of the allowed ways."""
        if self.chance(0.08) or not self.world.resources:
            return _NOBODY
        found = str(self.random.choice(self.world.resources).resource_id)
        return self.one(found, found, found, found.upper(), found.replace("-", ""))

    def _node_id(self) -> str:
        found = f"Resource:{UUID(self.resource_id())}"
        odd = (found.upper(), found.replace("-", ""), "Resource:", f"Offer:{_NOBODY}", "", "\U0001f600", found + " ")
        return self.one(*odd) if self.chance(0.15) else found

    # Pages

    def _first(self) -> int:
        if self.chance(0.025):
            return self.one(0, -1, 1001, 2**31 - 1, -(2**31))
        return self.one(1, 1, 2, 3, 3, 5, 5, 10, 20, 20, 50, 1000) if self.chance(0.9) else self.random.randint(1, 60)

    def _list(self) -> dict[str, Any]:
        found = self._filter()
        order = {"field": self.one(*_ORDERS), **self.some({"direction": self.one("ASC", "ASC", "DESC")})}
        if self.chance(0.55):
            found["orderBy"] = self.one(order, order, order, order, order, order, None)
        if self.chance(0.6):
            found["first"] = self._first()
        if self.chance(0.45):
            found["after"] = self._keyset(found.get("orderBy") or {"field": "CREATED_AT"})
        return found

    def _keyset(self, order: Mapping[str, str]) -> str | None:
        if self.chance(0.06):
            return None
        if self.chance(0.06):
            return self.one(*_BAD_CURSORS, cursor("HISTORY", 3))
        field, direction = order["field"], order.get("direction", "DESC")
        if self.chance(0.08):
            field, direction = self.one(*_ORDERS), self.one("ASC", "DESC")
        if self.chance(0.08) or not self.world.resources:
            return cursor(f"{field}:{direction}", *self.one(*_PLACES), _NOBODY)
        return cursor(f"{field}:{direction}", *place_of(self.random.choice(self.world.resources), field))

    def _sequence(self, order: str) -> dict[str, Any]:
        found: dict[str, Any] = {"first": self._first()} if self.chance(0.6) else {}
        if self.chance(0.35):
            number = self.random.randint(0, len(self.world.history) + 2)
            mine = cursor(order, number)
            odd = (
                None,
                cursor(order, 2**63 - 1),
                cursor("HISTORY", 2),
                cursor("CHANGES", 2),
                cursor(order, -1),
                cursor(order, 1.5),
            )
            found["after"] = self.one(*odd, *_BAD_CURSORS) if self.chance(0.15) else mine
        return found

    def _history(self) -> dict[str, Any]:
        found = self._sequence("HISTORY")
        if self.chance(0.25):
            found["fields"] = self._texts(words.FIELDS)
        if self.chance(0.25):
            found["since"] = self.one(*_INSTANTS, None)
        return found

    # Conditions

    def _keys(self) -> dict[str, Any]:
        return {"groupBy": [self.one(*_KEYS) for _ in range(self.one(0, 1, 1, 2, 3))]} if self.chance(0.8) else {}

    def _filter(self) -> dict[str, Any]:
        if self.chance(0.35):
            return self.one({}, {}, {"filter": None}, {"filter": {}})
        makers = self._conditions()
        names = self.random.sample(list(makers), self.one(1, 1, 2, 2, 3))
        found = {name: makers[name]() for name in names}
        # What matches nothing tells little.
        found |= {"includeDeleted": True} if self.chance(0.3) else {}
        return {"filter": found}

    def _conditions(self) -> Mapping[str, Callable[[], Any]]:
        resources = self.world.resources
        return {
            "resourceId": lambda: self._null_or([self.resource_id() for _ in range(self.one(0, 1, 2, 5))]),
            "vendorId": lambda: self._texts([*(one.vendor_id for one in resources), "i-999"], 4),
            "vendor": lambda: self._texts(words.VENDORS),
            "account": lambda: self._texts(words.ACCOUNTS),
            "vendorRegion": lambda: self._texts(words.REGIONS),
            "status": lambda: self._texts(STATUSES, 5),
            "resourceType": lambda: self._texts(_TYPES),
            "gpuType": lambda: self._texts([each for each in words.GPU_TYPES if each is not None]),
            "gpuFamily": lambda: self._texts([each for each in words.GPU_FAMILIES if each is not None]),
            "nameContains": lambda: None if self.chance(0.05) else self.one(*words.CONTAINED),
            "offerId": self._offer_id,
            "linkedTo": lambda: None if self.chance(0.05) else self._linked_id(),
            "unconfirmed": lambda: self.one(True, True, False, None),
            "includeDeleted": lambda: self.one(True, True, False),
            "includeDuplicates": lambda: self.one(True, True, False),
        }

    def _offer_id(self) -> str | None:
        offers = [str(one.offer_id) for one in self.world.provenance]
        return None if self.chance(0.05) else self.one(*offers, _NOBODY) if self.chance(0.9) else _NOBODY

    def _linked_id(self) -> str:
        ends = [str(end) for link in self.world.links for end in (link.from_id, link.to_id) if end is not None]
        return self.one(*ends) if ends and self.chance(0.8) else self.resource_id()

    def _texts(self, known: Sequence[str], most: int = 3) -> list[str] | None:
        found = [self.random.choice(known) for _ in range(self.random.randint(0 if self.chance(0.1) else 1, most))]
        return self._null_or(found)

    def _null_or(self, value: T) -> T | None:
        return None if self.chance(0.06) else value

    # Demands

    def _demand(self) -> dict[str, Any]:
        if self.chance(0.55):
            return {} if self.chance(0.9) else {"freshness": None}
        demand: dict[str, Any] = {}
        if self.chance(0.6):
            urgent = self.one(-1) if self.patient else self.one(0, 1, 4, -1)
            demand["maxAgeSeconds"] = (
                urgent if self.chance(0.12) else self.one(5, 10, 25, 60, 300, 1000, 2**31 - 1, None)
            )
        elif self.chance(0.3):
            demand["forceRefresh"] = self.one(not self.patient, False)
        if self.chance(0.3):
            demand["maxWaitSeconds"] = (
                self.one(0, 0.5, 10, 60, None) if self.chance(0.85) else self.one(-1, 61, 60.0001, 1e308)
            )
        return {"freshness": demand}


_PLACES: Final[tuple[tuple[Any], ...]] = (
    (None,), ("",), ("m",), (0,), (3,), (2**63,), (-1,), (True,), (2.5,), (1e308,), ("2026-03-01T11:00:00.000000Z",), ({},),
)  # fmt: skip
