"""Plans: all that is known of an operation before its values are; made once a text, operation name and steering values.

Operations that differ only in other variables share one. A plan is kept on probation until it is asked for a second time, so
that a flood of texts that nobody sends twice displaces none that are in use.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Self

from graphql import (
    DocumentNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLSchema,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import VariableValues

from db.query.shape import Value, argued, bound_alone, name_of
from domain.cache import LRUCache, SegmentedLRUCache
from domain.errors import ReaderError
from domain.viewer import Viewer
from resolvers.reader import Prepared
from resolvers.reduce import Place, Reduction, Varying
from supplygraph.graphql_documents import Prepared as PreparedDocument
from supplygraph.graphql_variables import Variables

# What is in use and what is new: of bytes of text, as documents count it, and of characters of SQL. Both take many times that.
_TEXTS: Final = 1_200_000, 300_000
_STATEMENTS: Final = 4_000_000, 1_000_000
_OVERHEAD: Final = 2_000
_STEERED: Final = 16
_NUMBERS: Final = count()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A selected field whose arguments hold variables.

    `alone` tells the variable and how its value is normalised, where that is all that varies and is bound as it is.
    """

    varying: Varying
    alone: tuple[str, Callable[[object, str], Value]] | None

    @classmethod
    def of(cls, varying: Varying) -> Self:
        """With what can be told of it now."""
        if varying.direct is None or len(varying.direct) != 1:
            return cls(varying, None)
        ((argument, variable, _),) = varying.direct
        normal = bound_alone(varying.type_name, varying.name, argument)
        return cls(varying, None if normal is None else (variable, normal))

    def arguments(self, values: VariableValues) -> tuple[Hashable, Mapping[str, Value]]:
        """What tells kinds of its arguments apart, and the values to bind. Raises what arguments raise."""
        if self.alone is not None:
            variable, normal = self.alone
            value = values.coerced.get(variable)
            if value is not None:
                return None, {name_of(self.varying.index): normal(value, variable)}
        told = self.varying.arguments(values)
        shape, more = argued(self.varying.type_name, self.varying.name, told, self.varying.index)
        # What limits and permissions go by is part of the kind: then they were looked at before.
        return (shape, told.get("first"), _hashable(told.get("freshness"))), more


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation for one set of steering values. `name` is its own, for metrics; `number` is no other's."""

    places: tuple[Place, ...]
    asked: tuple[_Asked, ...]
    name: str | None
    number: int = field(default_factory=lambda: next(_NUMBERS))

    def arguments(self, values: VariableValues) -> tuple[Hashable, dict[str, Value]]:
        """What tells kinds of arguments apart, and the values to bind."""
        kinds: list[Hashable] = []
        found: dict[str, Value] = {}
        for each in self.asked:
            kind, more = each.arguments(values)
            kinds.append(kind)
            found.update(more)
        return tuple(kinds), found


@dataclass(slots=True)
class Family:
    """What plans of one text and operation name share. `steering` are the names of the variables of `@skip` and `@include`.

    `name` is the operation's own.
    """

    document: PreparedDocument
    name: str | None
    variables: Variables
    steering: tuple[str, ...]
    plans: LRUCache[Hashable, Planned] = field(default_factory=lambda: LRUCache(_STEERED))

    @classmethod
    def of(
        cls,
        schema: GraphQLSchema,
        document: PreparedDocument,
        parsed: DocumentNode,
        operation: OperationDefinitionNode,
    ) -> Self:
        """Without plans yet."""
        own = operation.name.value if operation.name else None
        return cls(document, own, Variables(schema, operation), _steering(parsed, operation))


class Plans:
    """Every plan that is kept, within a bound of the texts' size and another of the statements'."""

    def __init__(self) -> None:
        self._families: SegmentedLRUCache[tuple[str, str | None], Family] = SegmentedLRUCache(
            *_TEXTS, size=lambda family: family.document.size
        )
        self._variants: SegmentedLRUCache[Hashable, Prepared] = SegmentedLRUCache(*_STATEMENTS, size=_size)

    @property
    def fill(self) -> float:
        """How full the fullest part is, 1 at its bound."""
        return max(self._families.fill, self._variants.fill)

    def document(self, text: str, name: str | None) -> PreparedDocument | None:
        """The document of this text and operation name where there are plans of it."""
        family = self._families.peek((text, name))
        return None if family is None else family.document

    def find(
        self, text: str, name: str | None, variables: Mapping[str, object], viewer: Viewer
    ) -> tuple[Planned, Prepared] | None:
        """The plan and what to read by it; None where there is none, or where anything about the values is amiss."""
        family = self._families.get((text, name))
        if family is None:
            return None
        values = family.variables.coerced(variables)
        if values is None:
            return None
        planned = family.plans.get(_steered(family.steering, values))
        if planned is None:
            return None
        try:
            kind, found = planned.arguments(values)
        except (ReaderError, GraphQLError):
            return None
        known = self._variants.get((planned.number, kind, viewer.rights))
        return None if known is None else (planned, known.bound(found) if found else known)

    def keep(
        self,
        text: str,
        name: str | None,
        family: Family | None,
        values: VariableValues,
        reduction: Reduction,
        prepared: Prepared,
        viewer: Viewer,
    ) -> None:
        """Keep what was prepared, for whoever asks alike. What cannot be read whole is not kept.

        `family` is for where nothing of this text and name is kept yet.
        """
        if prepared.ready is None or prepared.errors:
            return
        known = self._families.get((text, name))
        if known is None and family is not None:
            self._families.add((text, name), family)
        family = known or family
        if family is None:
            return
        key = _steered(family.steering, values)
        planned = family.plans.get(key)
        if planned is None:
            planned = Planned(reduction.places, tuple(_Asked.of(each) for each in reduction.varying), family.name)
            family.plans.add(key, planned)
        kind, found = planned.arguments(values)
        variant = planned.number, kind, viewer.rights
        if self._variants.peek(variant) is None:
            # The values are this reader's, and may be long; whoever comes brings his own.
            self._variants.add(variant, prepared.without(found))


def _size(prepared: Prepared) -> int:
    return _OVERHEAD + (0 if prepared.ready is None else len(prepared.ready.plan.statement.sql))


def _hashable(demand: object) -> Hashable:
    return tuple(sorted(demand.items())) if isinstance(demand, dict) else None


def _steered(steering: tuple[str, ...], values: VariableValues) -> Hashable:
    return tuple([values.coerced.get(name) for name in steering]) if steering else ()


def _steering(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The names of the operation's variables that stand in directives, and may: another operation's may have the same names."""
    found = _InDirectives()
    visit(document, found)
    kinds = {each.variable.name.value: each.type for each in operation.variable_definitions or ()}
    return tuple(sorted(name for name in found.names if name in kinds and _named(kinds[name]) == GraphQLBoolean.name))


def _named(kind: TypeNode) -> str | None:
    if isinstance(kind, NonNullTypeNode):
        kind = kind.type
    return kind.name.value if isinstance(kind, NamedTypeNode) else None


class _InDirectives(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._depth = 0

    def enter_directive(self, *_: Node) -> None:
        self._depth += 1

    def leave_directive(self, *_: Node) -> None:
        self._depth -= 1

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        if self._depth:
            self.names.add(node.name.value)
