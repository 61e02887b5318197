"""The usual variables, coerced one by one, without what graphql-core's general way does for all the others.

Only what has a leaf type and no default is usual. Whatever is amiss is left to graphql-core, which tells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    type_from_ast,
)
from graphql.execution import VariableValues, get_variable_values

_LEFT_OUT: Final = object()


@dataclass(frozen=True, slots=True)
class _Usual:
    """A variable of a leaf type."""

    name: str
    kind: GraphQLScalarType | GraphQLEnumType
    required: bool


class Variables:
    """The variables of an operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        told = [_usual(schema, definition) for definition in self._definitions]
        self._usual = None if None in told else [one for one in told if one is not None]

    def coerced(self, given: Mapping[str, Any]) -> VariableValues | None:
        """Their values; None where graphql-core has something to say against one."""
        found = self._simply(given)
        if found is not None:
            return VariableValues({}, found)
        values = get_variable_values(self._schema, self._definitions, dict(given), max_errors=1)
        return values if isinstance(values, VariableValues) else None

    def _simply(self, given: Mapping[str, Any]) -> dict[str, object] | None:
        if self._usual is None:
            return None
        found: dict[str, object] = {}
        for one in self._usual:
            value = given.get(one.name, _LEFT_OUT)
            if one.required and (value is None or value is _LEFT_OUT):
                return None
            if value is not _LEFT_OUT:
                try:
                    coerced = None if value is None else one.kind.coerce_input_value(value)
                except Exception:  # noqa: BLE001 - graphql-core meets it again, and tells it
                    return None
                if coerced is Undefined:
                    return None
                found[one.name] = coerced
        return found


def _usual(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _Usual | None:
    kind = type_from_ast(schema, definition.type)
    required = isinstance(kind, GraphQLNonNull)
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if definition.default_value is not None or not isinstance(kind, GraphQLScalarType | GraphQLEnumType):
        return None
    return _Usual(definition.variable.name.value, kind, required)
