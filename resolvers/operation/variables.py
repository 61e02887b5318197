"""Coerces variables, with a short path for variables of a leaf type without a default.

These are the most common. All other variables, and all errors, are left to graphql-core, which takes longer.
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

_OMITTED: Final = object()


@dataclass(frozen=True, slots=True)
class _LeafVariable:
    """A variable of a leaf type without a default."""

    name: str
    type: GraphQLScalarType | GraphQLEnumType
    required: bool


class VariableCoercer:
    """Coerces the variables of one operation."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        leaves = [_leaf_variable(schema, definition) for definition in self._definitions]
        self._leaves = None if None in leaves else [leaf for leaf in leaves if leaf is not None]

    def coerce(self, raw: Mapping[str, Any]) -> VariableValues | None:
        """Return the coerced values; None if one is invalid, which graphql-core reports later."""
        coerced = self._coerce_leaves(raw)
        if coerced is not None:
            return VariableValues({}, coerced)
        values = get_variable_values(self._schema, self._definitions, dict(raw), max_errors=1)
        return values if isinstance(values, VariableValues) else None

    def _coerce_leaves(self, raw: Mapping[str, Any]) -> dict[str, object] | None:
        if self._leaves is None:
            return None
        coerced: dict[str, object] = {}
        for leaf in self._leaves:
            value = raw.get(leaf.name, _OMITTED)
            if leaf.required and (value is None or value is _OMITTED):
                return None
            if value is not _OMITTED:
                try:
                    result = None if value is None else leaf.type.coerce_input_value(value)
                except Exception:  # noqa: BLE001 - graphql-core finds the same error and reports it
                    return None
                if result is Undefined:
                    return None
                coerced[leaf.name] = result
        return coerced


def _leaf_variable(schema: GraphQLSchema, definition: VariableDefinitionNode) -> _LeafVariable | None:
    variable_type = type_from_ast(schema, definition.type)
    required = isinstance(variable_type, GraphQLNonNull)
    if isinstance(variable_type, GraphQLNonNull):
        variable_type = variable_type.of_type
    if definition.default_value is not None or not isinstance(variable_type, GraphQLScalarType | GraphQLEnumType):
        return None
    return _LeafVariable(definition.variable.name.value, variable_type, required)
