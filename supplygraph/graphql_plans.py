"""Plans: all that is known of an operation before its values are; made once a text, operation name and steering values.

Operations that differ only in other variables share one. A plan is kept on probation until it is asked for a second time, so
that a flood of texts that nobody sends twice displaces none that are in use.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import VariableValues

from db.reading.shape import argued, starts_of
from domain.errors import ReaderError
from domain.viewer import Viewer
from resolvers.reader import Prepared
from resolvers.reduce import Place, Reduction, Varying
from supplygraph.graphql_variables import Variables
from supplygraph.recent import Recent

KEPT: Final = 512
ON_PROBATION: Final = 128
_STEERED: Final = 16
_VARIANTS: Final = 64
_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


class Probation(Generic[_K, _V]):
    """A cache of two parts: what was asked for again, and, apart from it, what is new. Each forgets its least recently used."""

    def __init__(self, kept: int = KEPT, on_probation: int = ON_PROBATION) -> None:
        self._kept: Recent[_K, _V] = Recent(kept)
        self._new: Recent[_K, _V] = Recent(on_probation)

    def __len__(self) -> int:
        return len(self._kept) + len(self._new)

    @property
    def fill(self) -> float:
        """How full the fuller part is, 1 at its bound."""
        return max(self._kept.fill, self._new.fill)

    def get(self, key: _K) -> _V | None:
        """What is kept, which from now on is no longer new."""
        found = self._kept.get(key)
        if found is None and (found := self._new.pop(key)) is not None:
            self._kept.add(key, found)
        return found

    def add(self, key: _K, value: _V) -> None:
        """Keep what is new."""
        self._new.add(key, value)


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation for one set of steering values. `name` is its own, for metrics."""

    places: tuple[Place, ...]
    varying: tuple[tuple[Varying, int], ...]
    name: str | None
    variants: Recent[Hashable, Prepared] = field(default_factory=lambda: Recent(_VARIANTS))

    def bound(self, values: VariableValues, viewer: Viewer) -> Prepared | None:
        """The operation with these values; None where this kind of them was not prepared before. Raises what arguments raise."""
        key, found = self.arguments(values)
        known = self.variants.get((key, viewer))
        return known.bound(found) if known is not None and found else known

    def arguments(self, values: VariableValues) -> tuple[Hashable, dict[str, Any]]:
        """What tells kinds of arguments apart, and the values to bind."""
        kinds: list[Hashable] = []
        found: dict[str, Any] = {}
        for each, start in self.varying:
            told = each.arguments(values)
            normal, more = argued(each.type_name, each.name, told, start)
            # What limits and permissions go by is part of the kind: then they were looked at before.
            kinds.append((normal, told.get("first"), _hashable(told.get("freshness"))))
            found.update(more)
        return tuple(kinds), found


@dataclass(slots=True)
class _Family:
    """What plans of one text and operation name share. `steering` are the names of the variables of `@skip` and `@include`."""

    variables: Variables
    steering: tuple[str, ...]
    plans: Recent[Hashable, Planned] = field(default_factory=lambda: Recent(_STEERED))


@dataclass(slots=True)
class Plans:
    """Every plan that is kept."""

    schema: GraphQLSchema
    families: Probation[tuple[str, str | None], _Family] = field(default_factory=Probation)

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
        document: DocumentNode,
        operation: OperationDefinitionNode,
        values: VariableValues,
        reduction: Reduction,
        prepared: Prepared,
        viewer: Viewer,
    ) -> None:
        """Keep what was prepared, for whoever asks alike. What cannot be read whole is not kept."""
        if prepared.ready is None or prepared.errors:
            return
        family = self.families.get((text, name))
        if family is None:
            family = _Family(Variables(self.schema, operation), _steering(document))
            self.families.add((text, name), family)
        key = _steered(family.steering, values)
        planned = family.plans.get(key)
        if planned is None:
            own = operation.name.value if operation.name else None
            starts = starts_of(reduction.roots)
            varying = tuple((each, starts[each.index]) for each in reduction.varying)
            planned = Planned(reduction.places, varying, own)
            family.plans.add(key, planned)
        planned.variants.add((planned.arguments(values)[0], viewer), prepared)


def _hashable(demand: object) -> Hashable:
    return tuple(sorted(demand.items())) if isinstance(demand, dict) else None


def _steered(steering: tuple[str, ...], values: VariableValues) -> Hashable:
    return tuple([values.coerced.get(name) for name in steering]) if steering else ()


def _steering(document: DocumentNode) -> tuple[str, ...]:
    """The names of the variables in directives: those of another operation in the document do no harm."""
    found = _InDirectives()
    visit(document, found)
    return tuple(sorted(found.names))


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
