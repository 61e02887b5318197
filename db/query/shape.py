"""Shapes: selections without the values of their arguments. A shape is the key of a compiled statement.

An argument that changes only a bound value is replaced by a `BindParam`. An argument that changes the statement stays.
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
_NO_RESOURCE: Final = "nothing"
"""A resource id that no resource has."""


def param_name(field_number: int, number: int = 0) -> str:
    """Return the name of a bind parameter: the number of its field, counted depth first from 0, and its number in the field.

    The name must not depend on how many parameters other fields have. That number varies with their values, and a plan serves
    requests with different values.
    """
    return f"p{field_number}_{number}"


@dataclass(frozen=True, slots=True)
class BindParam:
    """The name of a bound value."""

    name: str


@dataclass(frozen=True, slots=True)
class After:
    """The position after which a page begins. `value` is None for a null sort value, which has its own statement."""

    value: BindParam | None
    resource_id: BindParam


Argument: TypeAlias = tuple[str, Hashable]


@dataclass(frozen=True, slots=True)
class Shape:
    """A selected field in hashable form. Its arguments are normalized, and those without an effect are left out."""

    key: str
    type_name: str
    name: str
    arguments: tuple[Argument, ...] = ()
    fields: tuple[Shape, ...] = ()

    def argument(self, name: str) -> object:
        """Return an argument, or None if the shape does not have it."""
        return dict(self.arguments).get(name)

    def param(self, name: str) -> BindParam | None:
        """Return the parameter of an argument, or None if the argument is not a bound value."""
        argument = self.argument(name)
        return argument if isinstance(argument, BindParam) else None

    @property
    def live(self) -> bool:
        """Whether the vendor owns this field."""
        return Selected(self.key, self.type_name, self.name).live

    def selects(self, *names: str) -> bool:
        """Return whether at least one of these fields is selected directly below this one."""
        return any(child.name in names for child in self.fields)

    def to_object(self, value_of: Callable[[Shape], Any]) -> dict[str, Any]:
        """Return the values of the fields directly below this one, by response key."""
        return {child.key: child.type_name if child.name == TYPENAME else value_of(child) for child in self.fields}

    def walk(self) -> Iterator[Shape]:
        """Yield this field and all fields below it, depth first."""
        yield self
        for child in self.fields:
            yield from child.walk()


@dataclass(slots=True)
class _ShapeBuilder:
    """Builds shapes and collects their bound values.

    `field_number` is the number of the current field, and `param_count` counts its parameters.
    """

    values: dict[str, Value] = field(default_factory=dict)
    field_number: int = -1
    param_count: int = 0

    def build(self, selected: Selected) -> Shape:
        self.field_number, self.param_count = self.field_number + 1, 0
        return Shape(
            selected.key,
            selected.type_name,
            selected.name,
            self.normalize(selected.type_name, selected.name, selected.arguments),
            tuple([self.build(child) for child in selected.fields]),
        )

    def normalize(self, type_name: str, name: str, arguments: Mapping[str, object]) -> tuple[Argument, ...]:
        normalizer = _NORMALIZERS.get((type_name, name))
        return tuple(normalizer(self, arguments)) if normalizer else ()

    def normalize_resource(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        check = _DIRECT_CHECKS["Query", "resource", "resourceId"]
        yield "resourceId", self._bind(check(arguments.get("resourceId"), "resourceId"))

    def normalize_node(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        resource_id = resource_of_node(checks.check_text(arguments.get("id"), "id"))
        yield "resourceId", self._bind(_NO_RESOURCE if resource_id is None else str(resource_id))

    def normalize_resources(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self._normalize_filter(arguments)
        field_name, direction = _check_order(arguments.get("orderBy"))
        yield "order", (field_name, direction)
        yield "first", self._bind(checks.check_page_size(arguments, 50))
        if (after := arguments.get("after")) is not None:
            value, resource_id = cursors.decode_keyset(after, field_name, direction)
            yield "after", After(None if value is None else self._bind(value), self._bind(resource_id))

    def normalize_totals(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self._normalize_filter(arguments)
        keys = arguments.get("groupBy") or []
        if not isinstance(keys, list | tuple) or not {str(key) for key in keys} <= set(TotalsKey):
            raise BadUserInput("groupBy", "'groupBy' must be a list of values of TotalsKey.")
        yield "groupBy", tuple(dict.fromkeys(str(key) for key in keys))

    def normalize_changes(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self._normalize_filter(arguments)
        yield from self._normalize_sequence_page(arguments, 100, cursors.CHANGES)

    def normalize_history(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        yield from self._normalize_sequence_page(arguments, 50, cursors.HISTORY)
        if (names := arguments.get("fields")) is not None:
            yield "fields", self._bind(checks.check_texts(names, "fields"))
        if (since := arguments.get("since")) is not None:
            yield "since", self._bind(checks.check_instant(since, "since"))

    def normalize_links(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        if arguments.get("includeEnded"):
            yield "includeEnded", True

    def _bind(self, value: Value) -> BindParam:
        param = BindParam(param_name(self.field_number, self.param_count))
        self.param_count += 1
        self.values[param.name] = value
        return param

    def _normalize_sequence_page(
        self, arguments: Mapping[str, object], default_size: int, order: str
    ) -> Iterator[Argument]:
        yield "first", self._bind(checks.check_page_size(arguments, default_size))
        if (after := arguments.get("after")) is not None:
            yield "after", self._bind(cursors.decode_sequence(after, order))

    def _normalize_filter(self, arguments: Mapping[str, object]) -> Iterator[Argument]:
        conditions = arguments.get("filter")
        if conditions is None:
            return
        if not isinstance(conditions, Mapping):
            raise BadUserInput("filter", "'filter' must be an object.")
        yield "filter", tuple(self._normalize_conditions(conditions))

    def _normalize_conditions(self, conditions: Mapping[str, object]) -> Iterator[Argument]:
        for name, check in _CONDITION_CHECKS.items():
            if (value := conditions.get(name)) is not None:
                yield name, self._bind(check(value, name))
        status = conditions.get("status")
        if conditions.get("includeDeleted") or (isinstance(status, list | tuple) and "DELETED" in status):
            yield "includeDeleted", True
        if conditions.get("includeDuplicates"):
            yield "includeDuplicates", True
        if (unconfirmed := conditions.get("unconfirmed")) is not None:
            yield "unconfirmed", bool(unconfirmed)


def _check_folded_text(value: object, argument: str) -> str:
    return checks.check_text(value, argument).casefold()


_CONDITION_CHECKS: Final[Mapping[str, Callable[[object, str], str]]] = {
    "resourceId": checks.check_uuids,
    **dict.fromkeys(
        ("vendorId", "vendor", "account", "vendorRegion", "status", "resourceType", "gpuType", "gpuFamily"),
        checks.check_texts,
    ),
    "nameContains": _check_folded_text,
    "offerId": checks.check_uuid,
    "linkedTo": checks.check_uuid,
}

_NORMALIZERS: Final[Mapping[tuple[str, str], Callable[[_ShapeBuilder, Mapping[str, object]], Iterator[Argument]]]] = {
    ("Query", "resource"): _ShapeBuilder.normalize_resource,
    ("Query", "node"): _ShapeBuilder.normalize_node,
    ("Query", "resources"): _ShapeBuilder.normalize_resources,
    ("Query", "resourceTotals"): _ShapeBuilder.normalize_totals,
    ("Query", "changes"): _ShapeBuilder.normalize_changes,
    ("Resource", "linkedResources"): _ShapeBuilder.normalize_links,
    ("Resource", "history"): _ShapeBuilder.normalize_history,
}


def _check_order(order: object) -> tuple[str, str]:
    if order is None:
        return ResourceOrderField.CREATED_AT.value, Direction.DESC.value
    if not isinstance(order, Mapping):
        raise BadUserInput("orderBy", "'orderBy' must be an object.")
    field_name, direction = str(order.get("field")), str(order.get("direction") or Direction.DESC)
    if field_name not in set(ResourceOrderField) or direction not in set(Direction):
        raise BadUserInput(
            "orderBy", "'orderBy' must have a `field` of ResourceOrderField and a `direction`, ASC or DESC."
        )
    return field_name, direction


def build_shapes(roots: Sequence[Selected]) -> tuple[tuple[Shape, ...], dict[str, Value]]:
    """Return the shapes of root fields and their bound values. Raises BadUserInput."""
    builder = _ShapeBuilder()
    return tuple(builder.build(root) for root in roots), builder.values


def direct_check(type_name: str, name: str, argument: str) -> Callable[[object, str], Value] | None:
    """Return the check of an argument that never changes the shape, so that its checked value can be bound directly.

    Returns None for every other argument.
    """
    return _DIRECT_CHECKS.get((type_name, name, argument))


_DIRECT_CHECKS: Final[Mapping[tuple[str, str, str], Callable[[object, str], Value]]] = {
    ("Query", "resource", "resourceId"): checks.check_uuid
}


def normalize_arguments(
    type_name: str, name: str, arguments: Mapping[str, object], number: int
) -> tuple[tuple[Argument, ...], dict[str, Value]]:
    """Return the arguments of the field with this number as its shape has them, and their bound values. Raises BadUserInput."""
    builder = _ShapeBuilder(field_number=number)
    return builder.normalize(type_name, name, arguments), builder.values
