"""Plans: all that is known of an operation before its values are; made once a text, operation name and steering values.

Operations that differ only in other variables share one. A plan is kept on probation until it is asked for a second time, so
that a flood of texts that nobody sends twice displaces none that are in use.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
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

from db.reading.shape import Value, argued, bound_alone, name_of
from domain.errors import ReaderError
from domain.recent import Probation, Recent
from domain.viewer import Viewer
from resolvers.reader import Prepared
from resolvers.reduce import Place, Reduction, Varying
from supplygraph.graphql_documents import Prepared as PreparedDocument
from supplygraph.graphql_variables import Variables

_KEPT: Final = 512
_NEW: Final = 128
_LONGEST: Final = 65_536
_STEERED: Final = 16
_VARIANTS: Final = 64


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
    """An operation for one set of steering values. `name` is its own, for metrics."""

    places: tuple[Place, ...]
    asked: tuple[_Asked, ...]
    name: str | None
    variants: Recent[Hashable, Prepared] = field(default_factory=lambda: Recent(_VARIANTS))

    def bound(self, values: VariableValues, viewer: Viewer) -> Prepared | None:
        """The operation with these values; None where this kind of them was not prepared before. Raises what arguments raise."""
        key, found = self.arguments(values)
        known = self.variants.get((key, viewer.rights))
        return known.bound(found) if known is not None and found else known

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
    plans: Recent[Hashable, Planned] = field(default_factory=lambda: Recent(_STEERED))

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


@dataclass(slots=True)
class Plans:
    """Every plan that is kept."""

    families: Probation[tuple[str, str | None], Family] = field(default_factory=lambda: Probation(_KEPT, _NEW))

    def document(self, text: str, name: str | None) -> PreparedDocument | None:
        """The document of this text and operation name where there are plans of it."""
        family = self.families.peek((text, name))
        return None if family is None else family.document

    def find(
        self, text: str, name: str | None, variables: Mapping[str, object], viewer: Viewer
    ) -> tuple[Planned, Prepared] | None:
        """The plan and what to read by it; None where there is none, or where anything about the values is amiss."""
        family = self.families.get((text, name))
        if family is None:
            return None
        values = family.variables.coerced(variables)
        if values is None:
            return None
        planned = family.plans.get(_steered(family.steering, values))
        if planned is None:
            return None
        try:
            prepared = planned.bound(values, viewer)
        except (ReaderError, GraphQLError):
            return None
        return None if prepared is None else (planned, prepared)

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
        """Keep what was prepared, for whoever asks alike. What cannot be read whole is not kept, nor what is very long.

        `family` is for where nothing of this text and name is kept yet.
        """
        if prepared.ready is None or prepared.errors or len(text) > _LONGEST:
            return
        known = self.families.get((text, name))
        if known is None and family is not None:
            self.families.add((text, name), family)
        family = known or family
        if family is None:
            return
        key = _steered(family.steering, values)
        planned = family.plans.get(key)
        if planned is None:
            planned = Planned(reduction.places, tuple(_Asked.of(each) for each in reduction.varying), family.name)
            family.plans.add(key, planned)
        kind, found = planned.arguments(values)
        # The values are this reader's, and may be long; whoever comes brings his own.
        planned.variants.add((kind, viewer.rights), prepared.without(found))


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
