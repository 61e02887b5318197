"""A selection without its values: the key of a statement.

An argument that changes only a bound value is replaced by a `BindParam`; one that changes the statement itself stays.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from db.query import arguments as checks
from db.query import cursors
from domain.enums import Direction, ResourceOrderField, TotalsKey
from domain.errors import BadUserInput
from domain.records.identity import resource_of_node
from domain.selection import TYPENAME, Selected

Value: TypeAlias = str | int | float | None
VIEWER: Final = "viewer"
"""The name of the bound value that holds the viewer's accounts."""
NOBODY: Final = "nothing"
"""A resource id that no resource has."""


def param_name(field_number: int, number: int = 0) -> str:
    """Return the name of a bind parameter: its field's number, counted depth first from zero, and its own in the field.

    The name must not depend on how many parameters other fields have: that varies with their values, and plans outlive values.
    """
    return f"p{field_number}_{number}"


@dataclass(frozen=True, slots=True)
class BindParam:
    """A bound value, by name."""

    name: str


@dataclass(frozen=True, slots=True)
class After:
    """The position after which a page begins. A null value is a separate case in the statement."""

    value: BindParam | None
    resource_id: BindParam


Argument: TypeAlias = tuple[str, Hashable]


@dataclass(frozen=True, slots=True)
class Shape:
    """A `Selected` field in hashable form. Arguments are normalized: those without effect are left out."""

    key: str
    type_name: str
    name: str
    arguments: tuple[Argument, ...] = ()
    fields: tuple[Shape, ...] = ()

    def argument(self, name: str) -> object:
        """Return the argument, or None."""
        return dict(self.arguments).get(name)

    def param(self, name: str) -> BindParam | None:
        """Return the argument if it is a bound value."""
        argument = self.argument(name)
        return argument if isinstance(argument, BindParam) else None

    @property
    def live(self) -> bool:
        """Whether the vendor owns this field."""
        return Selected(self.key, self.type_name, self.name).live

    def selects(self, *names: str) -> bool:
        """Return whether one of these fields is selected directly below."""
        return any(child.name in names for child in self.fields)

    def to_object(self, value_of: Callable[[Shape], Any]) -> dict[str, Any]:
        """Return an object with the value of each field directly below, by response key."""
        return {child.key: child.type_name if child.name == TYPENAME else value_of(child) for child in self.fields}

    def walk(self) -> Iterator[Shape]:
        """Yield the field and all fields below it."""
        yield self
        for child in self.fields:
            yield from child.walk()


@dataclass(slots=True)
class _ShapeBuilder:
    """Builds shapes and collects the bound values. `number` is the current field's, `params` counts its parameters."""

    values: dict[str, Value] = field(default_factory=dict)
    number: int = -1
    params: int = 0

    def bind(self, value: Value) -> BindParam:
        param = BindParam(param_name(self.number, self.params))
        self.params += 1
        self.values[param.name] = value
        return param

    def shape(self, selected: Selected) -> Shape:
        self.number, self.params = self.number + 1, 0
        return Shape(
            selected.key,
            selected.type_name,
            selected.name,
            self.normalize(selected.type_name, selected.name, selected.arguments),
            tuple([self.shape(child) for child in selected.fields]),
        )

    def normalize(self, type_name: str, name: str, arguments: Mapping[str, object]) -> tuple[Argument, ...]:
        normalizer = _NORMALIZERS.get((type_name, name))
        return tuple(normalizer(self, arguments)) if normalizer else ()

    def resource(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        check = _DIRECT["Query", "resource", "resourceId"]
        yield "resourceId", self.bind(check(arguments.get("resourceId"), "resourceId"))

    def node(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        resource_id = resource_of_node(checks.a_text(arguments.get("id"), "id"))
        yield "resourceId", self.bind(NOBODY if resource_id is None else str(resource_id))

    def resources(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filter(arguments)
        field_name, direction = _order(arguments.get("orderBy"))
        yield "order", (field_name, direction)
        yield "first", self.bind(checks.page_size(arguments, 50))
        if (after := arguments.get("after")) is not None:
            value, resource_id = cursors.keyset(after, field_name, direction)
            yield "after", After(None if value is None else self.bind(value), self.bind(resource_id))

    def totals(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filter(arguments)
        keys = arguments.get("groupBy") or []
        if not isinstance(keys, list | tuple) or not {str(key) for key in keys} <= set(TotalsKey):
            raise BadUserInput("groupBy", "'groupBy' is a list of the names in TotalsKey.")
        yield "groupBy", tuple(dict.fromkeys(str(key) for key in keys))

    def changes(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.filter(arguments)
        yield from self.sequence(arguments, 100, cursors.CHANGES)

    def history(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self.sequence(arguments, 50, cursors.HISTORY)
        if (names := arguments.get("fields")) is not None:
            yield "fields", self.bind(checks.texts(names, "fields"))
        if (since := arguments.get("since")) is not None:
            yield "since", self.bind(checks.an_instant(since, "since"))

    def links(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        if arguments.get("includeEnded"):
            yield "includeEnded", True

    def sequence(self, arguments: Mapping[str, object], default: int, order: str) -> Iterator[Argument]:
        yield "first", self.bind(checks.page_size(arguments, default))
        if (after := arguments.get("after")) is not None:
            yield "after", self.bind(cursors.sequence(after, order))

    def filter(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        conditions = arguments.get("filter")
        if conditions is None:
            return
        if not isinstance(conditions, Mapping):
            raise BadUserInput("filter", "'filter' must be an object.")
        yield "filter", tuple(self.conditions(conditions))

    def conditions(self, conditions: Mapping[str, object]) -> Iterator[Argument]:
        for name, check in _CONDITIONS.items():
            if (value := conditions.get(name)) is not None:
                yield name, self.bind(check(value, name))
        status = conditions.get("status")
        if conditions.get("includeDeleted") or (isinstance(status, list | tuple) and "DELETED" in status):
            yield "includeDeleted", True
        if conditions.get("includeDuplicates"):
            yield "includeDuplicates", True
        if (unconfirmed := conditions.get("unconfirmed")) is not None:
            yield "unconfirmed", bool(unconfirmed)


def _folded(value: object, argument: str) -> str:
    return checks.a_text(value, argument).casefold()


_CONDITIONS: Final[Mapping[str, Callable[[object, str], str]]] = {
    "resourceId": checks.uuids,
    **dict.fromkeys(
        ("vendorId", "vendor", "account", "vendorRegion", "status", "resourceType", "gpuType", "gpuFamily"),
        checks.texts,
    ),
    "nameContains": _folded,
    "offerId": checks.a_uuid,
    "linkedTo": checks.a_uuid,
}

_NORMALIZERS: Final[Mapping[tuple[str, str], Callable[[_ShapeBuilder, Mapping[str, object]], Iterator[Argument]]]] = {
    ("Query", "resource"): _ShapeBuilder.resource,
    ("Query", "node"): _ShapeBuilder.node,
    ("Query", "resources"): _ShapeBuilder.resources,
    ("Query", "resourceTotals"): _ShapeBuilder.totals,
    ("Query", "changes"): _ShapeBuilder.changes,
    ("Resource", "linkedResources"): _ShapeBuilder.links,
    ("Resource", "history"): _ShapeBuilder.history,
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


def build_shapes(roots: Sequence[Selected]) -> tuple[tuple[Shape, ...], dict[str, Value]]:
    """Return the shapes of root fields and their bound values. Raises BadUserInput."""
    builder = _ShapeBuilder()
    return tuple(builder.shape(root) for root in roots), builder.values


def direct_check(type_name: str, name: str, argument: str) -> Callable[[object, str], Value] | None:
    """Return the check of an argument that never changes the shape: its value is checked and bound. None for all others."""
    return _DIRECT.get((type_name, name, argument))


_DIRECT: Final[Mapping[tuple[str, str, str], Callable[[object, str], Value]]] = {
    ("Query", "resource", "resourceId"): checks.a_uuid
}


def normalize_arguments(
    type_name: str, name: str, arguments: Mapping[str, object], number: int
) -> tuple[tuple[Argument, ...], dict[str, Value]]:
    """Return the arguments of the field with this number as its shape has them, and their bound values. Raises BadUserInput."""
    builder = _ShapeBuilder(number=number)
    return builder.normalize(type_name, name, arguments), builder.values
