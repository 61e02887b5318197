"""From a root field's shape to its one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Dialect, func, select

from db import tables
from db.reading import cursors, orders, text
from db.reading.built import Built
from db.reading.facts import facts, visible
from db.reading.filters import bound, conditions_of, matches, possible_scopes
from db.reading.finish import FINAL, Finisher, Finishing, account_object
from db.reading.pages import connection, limit, node_shapes, row_parts, wants_rows
from db.reading.resource import change_object, resource_object, sequence_paging
from db.reading.shape import After, Shape, Value
from db.reading.totals import totals

LISTS: Final = frozenset({"resources", "resourceTotals"})
"""The root fields that ask scopes whether there is more than what is recorded."""
_LIVE_FILTERS: Final = ("status", "nameContains", "gpuType", "gpuFamily", "linkedTo")
_LIVE_ORDERS: Final = ("NAME", "STATUS", "PRICING_TOTAL_HOURLY")
_LIVE_KEYS: Final = ("STATUS", "GPU_TYPE")


@dataclass(frozen=True, slots=True)
class DemandShape:
    """What a root field may demand, whatever its values.

    `live`: it selects, filters, orders or groups by what the vendor owns. `scopes`: it asks scopes for more than what is
    recorded. `links`: it tells of links, or filters by one.
    """

    live: bool
    scopes: bool
    links: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """One compiled statement: it answers one row of two texts, the data and the facts.

    `places` are the names of the bound values in their order; `constants` those that are no reader's.
    """

    shape: Shape
    sql: str
    places: tuple[str, ...]
    constants: Mapping[str, Any]
    finisher: Finisher
    demand: DemandShape

    def parameters(self, values: Mapping[str, Value]) -> tuple[Any, ...]:
        """What is bound, in order."""
        return tuple(values[name] if name in values else self.constants[name] for name in self.places)


def live_criteria(root: Shape) -> bool:
    """Whether the filter, the order or the grouping names a field that the vendor owns."""
    conditions = conditions_of(root)
    order = root.argument("order")
    return (
        any(name in conditions for name in _LIVE_FILTERS)
        or (isinstance(order, tuple) and order[0] in _LIVE_ORDERS)
        or any(key in _LIVE_KEYS for key in _tuple(root.argument("groupBy")))
    )


def demand_shape(root: Shape) -> DemandShape:
    """What the root field may demand."""
    return DemandShape(
        live=live_criteria(root) or any(shape.live for shape in root.walk()),
        scopes=root.name in LISTS,
        links="linkedTo" in conditions_of(root) or any(shape.name == "linkedResources" for shape in root.walk()),
    )


def compile_root(root: Shape, restricted: bool, dialect: Dialect) -> Statement:
    """The statement of a root field. `restricted`: the viewer sees only some accounts, which are bound."""
    built = _ROOTS[root.name](root, restricted)
    possible = possible_scopes(conditions_of(root), restricted) if root.name in LISTS else None
    query = select(text.written(built.parts).label("data"), facts(root, restricted, possible).label("facts"))
    compiled = query.compile(dialect=dialect)
    places = getattr(compiled, "positiontup", None) or ()
    return Statement(root, str(compiled), tuple(places), compiled.params, built.finisher or FINAL, demand_shape(root))


def _resource(root: Shape, restricted: bool) -> Built:
    resource = tables.resources.alias()
    built = resource_object(root, resource, restricted)
    one = (
        select(text.written(built.parts))
        .select_from(resource)
        .where(resource.c.resource_id == bound(root.argument("resourceId")), visible(resource.c.account_id, restricted))
        .scalar_subquery()
    )
    return Built((func.coalesce(one, text.NULL),), built.finisher)


def _resources(root: Shape, restricted: bool) -> Built:
    resource = tables.resources.alias()
    first, paging = orders.keyset_paging(root)
    field, direction = orders.order_of(root)
    conditions = matches(resource, conditions_of(root), restricted)
    aged = live_criteria(root)
    nodes = [resource_object(node, resource, restricted, aged=aged) for node in node_shapes(root)]
    page = (
        select(text.written(row_parts(orders.place_parts(resource, field), nodes)).label("t"))
        .select_from(resource)
        .where(*conditions)
        .order_by(*orders.order_by(resource, field, direction))
        .limit(limit(root, first))
    )
    after = root.argument("after")
    if isinstance(after, After):
        page = page.where(orders.behind(resource, field, direction, after))
    counted = tables.resources.alias()
    total = select(func.count()).select_from(counted).where(*matches(counted, conditions_of(root), restricted))
    parts = text.record(
        [
            ("rows", (text.rows(page),) if wants_rows(root) else ("[]",)),
            ("total", text.number(total.scalar_subquery()) if root.selects("totalCount") else ("null",)),
        ]
    )
    return Built(parts, connection(root, paging, nodes))


def _changes(root: Shape, restricted: bool) -> Built:
    """The changes of what the filter matches now. Tombstones' too, whatever it says: a deletion is a change like others."""
    entry, resource = tables.history.alias(), tables.resources.alias()
    first, paging = sequence_paging(root, cursors.CHANGES)
    aged = live_criteria(root)
    nodes = [change_object(node, entry, resource, restricted, aged=aged) for node in node_shapes(root)]
    query = (
        select(text.written(row_parts(text.number(entry.c.seq), nodes)).label("t"))
        .select_from(entry.join(resource, resource.c.resource_id == entry.c.resource_id))
        .where(*matches(resource, conditions_of(root), restricted, tombstones=True))
        .order_by(entry.c.seq)
        .limit(limit(root, first))
    )
    if after := root.place("after"):
        query = query.where(entry.c.seq > bound(after))
    listed: text.Part = text.rows(query) if wants_rows(root) else "[]"
    return Built(('{"rows":', listed, "}"), connection(root, paging, nodes))


class _Accounts(Finisher):
    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def finish(self, value: Any, finishing: Finishing) -> Any:
        return [account_object(self.shape, account.account_id, finishing) for account in finishing.facts.accounts]


def _accounts(root: Shape, _restricted: bool) -> Built:
    return Built(("null",), _Accounts(root))


_ROOTS: Final[Mapping[str, Callable[[Shape, bool], Built]]] = {
    "resource": _resource,
    "node": _resource,
    "resources": _resources,
    "resourceTotals": totals,
    "changes": _changes,
    "accounts": _accounts,
}


def _tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
