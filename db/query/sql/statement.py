"""From the shapes of an operation's root fields to its one statement."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from sqlalchemy import ColumnElement, Dialect, Select, func, select

from db import tables
from db.query import cursors
from db.query.account_state import RARE as RARE_FACTS
from db.query.account_state import facts, visible
from db.query.placeholders import AccountsOf, PlaceholderFiller
from db.query.shape import After, Shape, Value
from db.query.sql import json_text, orders
from db.query.sql.aliases import alias, one_statement
from db.query.sql.builder import StatementBuilder
from db.query.sql.dialect import Octets
from db.query.sql.filters import bound, conditions_of, matches, possible_scopes
from db.query.sql.pages import connection
from db.query.sql.resource import change_object, resource_object, sequence_paging
from db.query.sql.totals import totals
from db.revision import revision

LISTS: Final = frozenset({"resources", "resourceTotals"})
"""The root fields that ask scopes whether there is more than what is recorded."""
_LIVE_FILTERS: Final = ("status", "nameContains", "gpuType", "gpuFamily", "linkedTo")
_LIVE_ORDERS: Final = ("NAME", "STATUS", "PRICING_TOTAL_HOURLY")
_LIVE_KEYS: Final = ("STATUS", "GPU_TYPE")
_NUMBERS: Final = count()


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
class Part:
    """What a statement answers of one root field: in which column its text stands, which facts judge it, and what fills it."""

    shape: Shape
    text: int
    facts: int
    holes: tuple[PlaceholderFiller, ...]
    demand: DemandShape


@dataclass(frozen=True, slots=True)
class Statement:
    """One compiled statement: it answers one row, and the record's version as its last column.

    `places` are the names of the bound values in their order; `constants` those that are no reader's.
    """

    sql: str
    places: tuple[str, ...]
    constants: Mapping[str, Any]

    def parameters(self, values: Mapping[str, Value]) -> tuple[Any, ...]:
        """What is bound, in order."""
        if not self.places:
            return ()
        told = {**self.constants, **values}
        return tuple([told[name] for name in self.places])


@dataclass(frozen=True, slots=True)
class FactsStatement(Statement):
    """What answers the facts as bytes. They are the same for the same `needs` and values until the record has another version."""

    needs: Hashable


@dataclass(frozen=True, slots=True, weakref_slot=True)
class RootsStatement(Statement):
    """What answers the texts of root fields as bytes; `facts` are what they are judged by.

    `number` is no other statement's in this process.
    """

    parts: tuple[Part, ...]
    facts: tuple[FactsStatement, ...]
    number: int = field(init=False, default_factory=lambda: next(_NUMBERS))


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


@one_statement()
def compile_roots(
    roots: Sequence[Shape], restricted: bool, dialect: Dialect, facts_of: Callable[[Shape], FactsStatement]
) -> RootsStatement:
    """The statement of the root fields of an operation. `restricted`: the viewer sees only some accounts, which are bound.

    `facts_of` gives the statement of the facts of each; root fields that need the same share them.
    """
    columns: list[ColumnElement[Any]] = []
    needed: list[FactsStatement] = []
    parts: list[Part] = []
    for root in roots:
        way = StatementBuilder(restricted)
        written = _written(root, way)
        columns.append(written)
        told = facts_of(root)
        if told not in needed:
            needed.append(told)
        parts.append(Part(root, len(parts), needed.index(told), tuple(way.holes), demand_shape(root)))
    return RootsStatement(*_compiled(columns, dialect), tuple(parts), tuple(needed))


@one_statement()
def compile_facts(root: Shape, restricted: bool, dialect: Dialect) -> FactsStatement:
    """The statement of the facts that a root field needs."""
    return FactsStatement(*_compiled([_facts(root, restricted)], dialect), (facts_needed(root), restricted))


@one_statement()
def compile_at_once(statement: RootsStatement, restricted: bool, dialect: Dialect) -> Statement:
    """The statement that answers the texts of another and behind them its facts, all of one version of the record."""
    texts = [_written(part.shape, StatementBuilder(restricted)) for part in statement.parts]
    whose = {part.facts: part.shape for part in statement.parts}
    told = [_facts(whose[number], restricted) for number in range(len(statement.facts))]
    return Statement(*_compiled([*texts, *told], dialect))


def _written(root: Shape, way: StatementBuilder) -> ColumnElement[Any]:
    return Octets(json_text.written(_ROOTS[root.name](root, way)))


def _facts(root: Shape, restricted: bool) -> ColumnElement[Any]:
    possible = possible_scopes(conditions_of(root), restricted) if root.name in LISTS else None
    return Octets(facts(root, restricted, possible))


def _compiled(
    columns: Sequence[ColumnElement[Any]], dialect: Dialect
) -> tuple[str, tuple[str, ...], Mapping[str, Any]]:
    query = select(*(column.label(f"c{number}") for number, column in enumerate((*columns, revision()))))
    compiled = query.compile(dialect=dialect)
    # Readers' values have none yet: a place that nobody fills must not be taken for null.
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), constants


def facts_needed(root: Shape) -> Hashable:
    """Alike for root fields that the same facts serve: what is read of scopes, and the conditions that leave some possible."""
    told = frozenset((shape.type_name, shape.name) for shape in root.walk()) & RARE_FACTS
    return (told, root.argument("filter") or ()) if root.name in LISTS else (told, None)


def _resource(root: Shape, way: StatementBuilder) -> json_text.Parts:
    resource = alias(tables.resources)
    one = (
        select(json_text.written(resource_object(root, way, resource)))
        .select_from(resource)
        .where(
            resource.c.resource_id == bound(root.argument("resourceId")),
            visible(resource.c.account_id, way.restricted),
        )
        .scalar_subquery()
    )
    return (func.coalesce(one, json_text.NULL),)


def _resources(root: Shape, way: StatementBuilder) -> json_text.Parts:
    resource = alias(tables.resources)
    field, direction = orders.order_of(root)
    aged = live_criteria(root)

    def page(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(resource)
            .where(*matches(resource, conditions_of(root), way.restricted))
            .order_by(*orders.order_by(resource, field, direction))
        )
        after = root.argument("after")
        return query.where(orders.behind(resource, field, direction, after)) if isinstance(after, After) else query

    def total(_: Shape) -> json_text.Parts:
        counted = alias(tables.resources)
        conditions = matches(counted, conditions_of(root), way.restricted)
        return json_text.number(select(func.count()).select_from(counted).where(*conditions).scalar_subquery())

    paging = orders.keyset_paging(root, resource)
    return connection(
        root, way, paging, lambda node: resource_object(node, way, resource, aged=aged), page, {"totalCount": total}
    )


def _changes(root: Shape, way: StatementBuilder) -> json_text.Parts:
    """The changes of what the filter matches now. Tombstones' too, whatever it says: a deletion is a change like others."""
    entry, resource = alias(tables.history), alias(tables.resources)
    aged = live_criteria(root)

    def page(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(entry.join(resource, resource.c.resource_id == entry.c.resource_id))
            .where(*matches(resource, conditions_of(root), way.restricted, tombstones=True))
            .order_by(entry.c.seq)
        )
        after = root.place("after")
        return query.where(entry.c.seq > bound(after)) if after else query

    paging = sequence_paging(root, entry, cursors.CHANGES)
    return connection(root, way, paging, lambda node: change_object(node, way, entry, resource, aged=aged), page, {})


def _accounts(root: Shape, way: StatementBuilder) -> json_text.Parts:
    return way.hole(AccountsOf(root))


_ROOTS: Final[Mapping[str, Callable[[Shape, StatementBuilder], json_text.Parts]]] = {
    "resource": _resource,
    "node": _resource,
    "resources": _resources,
    "resourceTotals": totals,
    "changes": _changes,
    "accounts": _accounts,
}


def _tuple(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()
