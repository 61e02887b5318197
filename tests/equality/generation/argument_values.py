"""Arguments that match something in a world, and some that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

from tests.equality import vocabulary as words
from tests.equality.oracle.cursors import encode_cursor
from tests.equality.oracle.filters import STATUSES, place_of
from tests.equality.world import EqualityWorld

T = TypeVar("T")
_ORDERS: Final = ("CREATED_AT", "NAME", "STATUS", "PRICING_TOTAL_HOURLY")
_TYPES: Final = ("VM", "CONTAINER", "BARE_METAL", "CLUSTER", "BLOCK_DISK", "FILESYSTEM", "OTHER")
_KEYS: Final = ("VENDOR", "ACCOUNT", "VENDOR_REGION", "STATUS", "RESOURCE_TYPE", "GPU_TYPE")
_UNKNOWN_ID: Final = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"
_BAD_CURSORS: Final = (
    "", "x", "====", "é", "WzEsIkhJU1RPUlkiLDNd!", " WzEsIkhJU1RPUlkiLDNd", "bnVsbA", "W10", "WzIsIkhJU1RPUlkiLDNd", "A" * 300,
)  # fmt: skip
_INSTANTS: Final = (
    "2026-03-01T11:43:20Z", "2026-03-01T12:45:00.5+01:00", "2026-03-01T11:46:39.500000Z", "2000-01-01T00:00:00Z",
    "2100-12-31T23:59:59Z",
)  # fmt: skip


class ArgumentValues:
    """Draws the arguments of fields for one world."""

    def __init__(self, random: Random, world: EqualityWorld) -> None:
        self.random = random
        self.world = world
        self.patient = False
        """Whether no demand needs the permission `refresh`."""
        self._makers: Mapping[tuple[str, str], Callable[[], dict[str, Any]]] = {
            ("Query", "resource"): lambda: {"resourceId": self.resource_id(), **self._demand()},
            ("Query", "node"): lambda: {"id": self._node_id()},
            ("Query", "resources"): lambda: {**self._list_arguments(), **self._demand()},
            ("Query", "resourceTotals"): lambda: {**self._filter(), **self._group_by(), **self._demand()},
            ("Query", "changes"): lambda: {**self._filter(), **self._sequence("CHANGES")},
            ("Resource", "linkedResources"): lambda: self.some({"includeEnded": self.one(True, True, False)}),
            ("Resource", "history"): self._history_arguments,
        }

    def one(self, *values: T) -> T:
        """Return one of the values."""
        return self.random.choice(values)

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < share

    def some(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments, each with a probability of one half."""
        return {name: value for name, value in arguments.items() if self.chance(0.5)}

    def arguments(self, type_name: str, field_name: str) -> dict[str, Any]:
        """Return arguments of a field; empty if it has none."""
        maker = self._makers.get((type_name, field_name))
        return {} if maker is None else maker()

    def has_arguments(self, type_name: str, field_name: str) -> bool:
        """Return whether the field has arguments."""
        return (type_name, field_name) in self._makers

    # Ids

    def resource_id(self) -> str:
        """Return an id, mostly of a resource that exists, though perhaps not for the viewer, in one of the allowed notations."""
        if self.chance(0.08) or not self.world.resources:
            return _UNKNOWN_ID
        text = str(self.random.choice(self.world.resources).resource_id)
        return self.one(text, text, text, text.upper(), text.replace("-", ""))

    def _node_id(self) -> str:
        text = f"Resource:{UUID(self.resource_id())}"
        odd = (text.upper(), text.replace("-", ""), "Resource:", f"Offer:{_UNKNOWN_ID}", "", "\U0001f600", text + " ")
        return self.one(*odd) if self.chance(0.15) else text

    # Pages

    def _first(self) -> int:
        if self.chance(0.025):
            return self.one(0, -1, 1001, 2**31 - 1, -(2**31))
        return self.one(1, 1, 2, 3, 3, 5, 5, 10, 20, 20, 50, 1000) if self.chance(0.9) else self.random.randint(1, 60)

    def _list_arguments(self) -> dict[str, Any]:
        arguments = self._filter()
        order = {"field": self.one(*_ORDERS), **self.some({"direction": self.one("ASC", "ASC", "DESC")})}
        if self.chance(0.55):
            arguments["orderBy"] = self.one(order, order, order, order, order, order, None)
        if self.chance(0.6):
            arguments["first"] = self._first()
        if self.chance(0.45):
            arguments["after"] = self._keyset(arguments.get("orderBy") or {"field": "CREATED_AT"})
        return arguments

    def _keyset(self, order: Mapping[str, str]) -> str | None:
        if self.chance(0.06):
            return None
        if self.chance(0.06):
            return self.one(*_BAD_CURSORS, encode_cursor("HISTORY", 3))
        field, direction = order["field"], order.get("direction", "DESC")
        if self.chance(0.08):
            field, direction = self.one(*_ORDERS), self.one("ASC", "DESC")
        if self.chance(0.08) or not self.world.resources:
            return encode_cursor(f"{field}:{direction}", *self.one(*_PLACES), _UNKNOWN_ID)
        return encode_cursor(f"{field}:{direction}", *place_of(self.random.choice(self.world.resources), field))

    def _sequence(self, order: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {"first": self._first()} if self.chance(0.6) else {}
        if self.chance(0.35):
            number = self.random.randint(0, len(self.world.history) + 2)
            valid = encode_cursor(order, number)
            odd = (
                None,
                encode_cursor(order, 2**63 - 1),
                encode_cursor("HISTORY", 2),
                encode_cursor("CHANGES", 2),
                encode_cursor(order, -1),
                encode_cursor(order, 1.5),
            )
            arguments["after"] = self.one(*odd, *_BAD_CURSORS) if self.chance(0.15) else valid
        return arguments

    def _history_arguments(self) -> dict[str, Any]:
        arguments = self._sequence("HISTORY")
        if self.chance(0.25):
            arguments["fields"] = self._texts(words.FIELDS)
        if self.chance(0.25):
            arguments["since"] = self.one(*_INSTANTS, None)
        return arguments

    # Conditions

    def _group_by(self) -> dict[str, Any]:
        return {"groupBy": [self.one(*_KEYS) for _ in range(self.one(0, 1, 1, 2, 3))]} if self.chance(0.8) else {}

    def _filter(self) -> dict[str, Any]:
        if self.chance(0.35):
            return self.one({}, {}, {"filter": None}, {"filter": {}})
        makers = self._conditions()
        names = self.random.sample(list(makers), self.one(1, 1, 2, 2, 3))
        conditions = {name: makers[name]() for name in names}
        # An empty list would test little.
        conditions |= {"includeDeleted": True} if self.chance(0.3) else {}
        return {"filter": conditions}

    def _conditions(self) -> Mapping[str, Callable[[], Any]]:
        resources = self.world.resources
        return {
            "resourceId": lambda: self._null_or([self.resource_id() for _ in range(self.one(0, 1, 2, 5))]),
            "vendorId": lambda: self._texts([*(resource.vendor_id for resource in resources), "i-999"], 4),
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
        offers = [str(entry.offer_id) for entry in self.world.provenance]
        return None if self.chance(0.05) else self.one(*offers, _UNKNOWN_ID) if self.chance(0.9) else _UNKNOWN_ID

    def _linked_id(self) -> str:
        ends = [str(end) for link in self.world.links for end in (link.from_id, link.to_id) if end is not None]
        return self.one(*ends) if ends and self.chance(0.8) else self.resource_id()

    def _texts(self, texts: Sequence[str], most: int = 3) -> list[str] | None:
        count = self.random.randint(0 if self.chance(0.1) else 1, most)
        return self._null_or([self.random.choice(texts) for _ in range(count)])

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
