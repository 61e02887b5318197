"""A selection without its values: what a statement is built from, and kept under.

Where an argument only changes a value that is bound, a `BindParam` stands for it; where it changes the statement, it stays.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from db.query import arguments as given
from db.query import cursors
from domain.enums import Direction, ResourceOrderField, TotalsKey
from domain.errors import BadUserInput
from domain.records.identity import resource_of_node
from domain.selection import TYPENAME, Selected

Value: TypeAlias = str | int | float | None
VIEWER: Final = "viewer"
"""The name of the value that holds the viewer's accounts."""
NOBODY: Final = "nothing"
"""A resource id that no resource has."""


def name_of(field_number: int, number: int = 0) -> str:
    """The name of a place: fields are counted from zero, one before those below it, and so are the places of each.

    A name must not depend on how many places other fields have: that varies with their values, and plans outlive values.
    """
    return f"p{field_number}_{number}"


@dataclass(frozen=True, slots=True)
class BindParam:
    """A bound value, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class After:
    """Where a page begins: behind this value and id. Null is a case of its own in the statement."""

    value: BindParam | None
    resource_id: BindParam


Argument: TypeAlias = tuple[str, Hashable]


@dataclass(frozen=True, slots=True)
class Shape:
    """As `Selected`, hashable. Arguments are normalised: those that say nothing are left out."""

    key: str
    type_name: str
    name: str
    arguments: tuple[Argument, ...] = ()
    fields: tuple[Shape, ...] = ()

    def argument(self, name: str) -> object:
        """The argument, or None."""
        return dict(self.arguments).get(name)

    def place(self, name: str) -> BindParam | None:
        """The argument where it is a bound value."""
        found = self.argument(name)
        return found if isinstance(found, BindParam) else None

    @property
    def live(self) -> bool:
        """Whether the vendor owns this field."""
        return Selected(self.key, self.type_name, self.name).live

    def selects(self, *names: str) -> bool:
        """Whether one of these fields is selected directly below."""
        return any(child.name in names for child in self.fields)

    def shown(self, told: Callable[[Shape], Any]) -> dict[str, Any]:
        """An object of what is told of each field directly below."""
        return {child.key: child.type_name if child.name == TYPENAME else told(child) for child in self.fields}

    def walk(self) -> Iterator[Shape]:
        """It and all below it."""
        yield self
        for child in self.fields:
            yield from child.walk()


@dataclass(slots=True)
class _Shaping:
    """`number` is that of the field being shaped, `placed` counts its places until now."""

    values: dict[str, Value] = field(default_factory=dict)
    number: int = -1
    placed: int = 0

    def place(self, value: Value) -> BindParam:
        place = BindParam(name_of(self.number, self.placed))
        self.placed += 1
        self.values[place.name] = value
        return place

    def shape(self, selected: Selected) -> Shape:
        self.number, self.placed = self.number + 1, 0
        return Shape(
            selected.key,
            selected.type_name,
            selected.name,
            self.argued(selected.type_name, selected.name, selected.arguments),
            tuple([self.shape(child) for child in selected.fields]),
        )

    def argued(self, type_name: str, name: str, arguments: Mapping[str, object]) -> tuple[Argument, ...]:
        normal = _ARGUMENTS.get((type_name, name))
        return tuple(normal(self, arguments)) if normal else ()

    def resource(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        normal = _BOUND_ALONE["Query", "resource", "resourceId"]
        yield "resourceId", self.place(normal(arguments.get("resourceId"), "resourceId"))

    def node(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        resource_id = resource_of_node(given.a_text(arguments.get("id"), "id"))
        yield "resourceId", self.place(NOBODY if resource_id is None else str(resource_id))

    def resources(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filtered(arguments)
        field_name, direction = _order(arguments.get("orderBy"))
        yield "order", (field_name, direction)
        yield "first", self.place(given.page_size(arguments, 50))
        if (after := arguments.get("after")) is not None:
            value, resource_id = cursors.keyset(after, field_name, direction)
            yield "after", After(None if value is None else self.place(value), self.place(resource_id))

    def totals(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filtered(arguments)
        keys = arguments.get("groupBy") or []
        if not isinstance(keys, list | tuple) or not {str(key) for key in keys} <= set(TotalsKey):
            raise BadUserInput("groupBy", "'groupBy' is a list of the names in TotalsKey.")
        yield "groupBy", tuple(dict.fromkeys(str(key) for key in keys))

    def changes(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filtered(arguments)
        yield from self.sequence(arguments, 100, cursors.CHANGES)

    def history(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.sequence(arguments, 50, cursors.HISTORY)
        if (names := arguments.get("fields")) is not None:
            yield "fields", self.place(given.texts(names, "fields"))
        if (since := arguments.get("since")) is not None:
            yield "since", self.place(given.an_instant(since, "since"))

    def links(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        if arguments.get("includeEnded"):
            yield "includeEnded", True

    def sequence(self, arguments: Mapping[str, object], default: int, order: str) -> Iterator[Argument]:
        yield "first", self.place(given.page_size(arguments, default))
        if (after := arguments.get("after")) is not None:
            yield "after", self.place(cursors.sequence(after, order))

    def filtered(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        conditions = arguments.get("filter")
        if conditions is None:
            return
        if not isinstance(conditions, Mapping):
            raise BadUserInput("filter", "'filter' must be an object.")
        yield "filter", tuple(self.conditions(conditions))

    def conditions(self, conditions: Mapping[str, object]) -> Iterator[Argument]:
        for name, normal in _CONDITIONS.items():
            if (value := conditions.get(name)) is not None:
                yield name, self.place(normal(value, name))
        status = conditions.get("status")
        if conditions.get("includeDeleted") or (isinstance(status, list | tuple) and "DELETED" in status):
            yield "includeDeleted", True
        if conditions.get("includeDuplicates"):
            yield "includeDuplicates", True
        if (unconfirmed := conditions.get("unconfirmed")) is not None:
            yield "unconfirmed", bool(unconfirmed)


def _folded(value: object, argument: str) -> str:
    return given.a_text(value, argument).casefold()


_CONDITIONS: Final[Mapping[str, Callable[[object, str], str]]] = {
    "resourceId": given.uuids,
    **dict.fromkeys(
        ("vendorId", "vendor", "account", "vendorRegion", "status", "resourceType", "gpuType", "gpuFamily"), given.texts
    ),
    "nameContains": _folded,
    "offerId": given.a_uuid,
    "linkedTo": given.a_uuid,
}

_ARGUMENTS: Final[Mapping[tuple[str, str], Callable[[_Shaping, Mapping[str, object]], Iterator[Argument]]]] = {
    ("Query", "resource"): _Shaping.resource,
    ("Query", "node"): _Shaping.node,
    ("Query", "resources"): _Shaping.resources,
    ("Query", "resourceTotals"): _Shaping.totals,
    ("Query", "changes"): _Shaping.changes,
    ("Resource", "linkedResources"): _Shaping.links,
    ("Resource", "history"): _Shaping.history,
}


def _order(order: object) -> tuple[str, str]:
    if order is None:
        return ResourceOrderField.CREATED_AT.value, Direction.DESC.value
    if not isinstance(order, Mapping):
        raise BadUserInput("orderBy", "'orderBy' must be an object.")
    field_name, direction = str(order.get("field")), str(order.get("direction") or Direction.DESC)
    if field_name not in set(ResourceOrderField) or direction not in set(Direction):
        raise BadUserInput("orderBy", "'orderBy' names a field of ResourceOrderField and a direction, ASC or DESC.")
    return field_name, direction


def shaped(roots: Sequence[Selected]) -> tuple[tuple[Shape, ...], dict[str, Value]]:
    """The shapes of root fields and the values of their places. Raises BadUserInput, whatever is selected."""
    shaping = _Shaping()
    return tuple(shaping.shape(root) for root in roots), shaping.values


def bound_alone(type_name: str, name: str, argument: str) -> Callable[[object, str], Value] | None:
    """What normalises an argument that is bound as it is, so that a field with no other has one shape whatever its value."""
    return _BOUND_ALONE.get((type_name, name, argument))


_BOUND_ALONE: Final[Mapping[tuple[str, str, str], Callable[[object, str], Value]]] = {
    ("Query", "resource", "resourceId"): given.a_uuid
}


def argued(
    type_name: str, name: str, arguments: Mapping[str, object], number: int
) -> tuple[tuple[Argument, ...], dict[str, Value]]:
    """The arguments of one field, by its number, as they stand in its shape; and the values of their places.

    Raises BadUserInput.
    """
    shaping = _Shaping(number=number)
    return shaping.argued(type_name, name, arguments), shaping.values
