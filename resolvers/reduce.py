"""From a validated operation to its selection: what it really asks for, after fragments, `@skip` and `@include`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLDirective,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution import VariableValues, get_argument_values

from domain.errors import BadUserInput
from domain.selection import Selected

_ARGUMENT: Final = re.compile(r"Argument '(\w+)'")


def reduce(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variable_values: VariableValues,
) -> tuple[Selected, ...]:
    """The root fields that the operation asks for, unique by response key at every level; introspection is left out.

    The document must be valid, and within the limits: the work grows with the fields after fragments. Arguments are
    plain values: enums by name, UUIDs as `uuid.UUID`, instants as aware datetimes, inputs as dicts by their names in the
    graph; what was left out and has no default is absent. Raises BadUserInput for a value that only now, with the
    variables known, turns out not to be one.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return ()
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    return _Reduction(schema, fragments, variable_values).selection(root, [operation.selection_set])


@dataclass(frozen=True, slots=True)
class _Reduction:
    """One operation being reduced."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def selection(self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> tuple[Selected, ...]:
        """What these selection sets, merged, ask of one object."""
        groups: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in sets:
            for node in self._fields(parent, selection_set, spread):
                groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return tuple(self._selected(parent, key, nodes) for key, nodes in groups.items())

    def _fields(
        self, parent: GraphQLObjectType, selection_set: SelectionSetNode, spread: set[str]
    ) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                # Introspection and __typename are answered by graphql-core from the schema alone.
                if not node.name.value.startswith("__"):
                    yield node
                continue
            if isinstance(node, FragmentSpreadNode):
                # A fragment tells nothing new the second time; this keeps nested spreads linear.
                if node.name.value in spread:
                    continue
                spread.add(node.name.value)
                fragment: FragmentDefinitionNode | InlineFragmentNode = self.fragments[node.name.value]
            elif isinstance(node, InlineFragmentNode):
                fragment = node
            else:
                continue
            if self._applies(parent, fragment):
                yield from self._fields(parent, fragment.selection_set, spread)

    def _included(self, node: SelectionNode) -> bool:
        skip = self._condition(GraphQLSkipDirective, node)
        if skip is True:
            return False
        return self._condition(GraphQLIncludeDirective, node) is not False

    def _condition(self, directive: GraphQLDirective, node: SelectionNode) -> bool | None:
        for used in node.directives or ():
            if used.name.value == directive.name:
                try:
                    return bool(get_argument_values(directive, used, self.variables)["if"])
                except GraphQLError as error:
                    raise BadUserInput("if", f"@{directive.name}: {error.message}") from None
        return None

    def _applies(self, parent: GraphQLObjectType, fragment: FragmentDefinitionNode | InlineFragmentNode) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self.schema.get_type(fragment.type_condition.name.value)
        if is_abstract_type(condition):
            return self.schema.is_sub_type(condition, parent)
        return condition is parent

    def _selected(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        field = parent.fields[name]
        below = self._object_type(field)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        return Selected(
            key=key,
            type_name=parent.name,
            name=name,
            arguments=self._arguments(field, nodes[0]),
            fields=() if below is None else self.selection(below, sets),
        )

    def _object_type(self, field: GraphQLField) -> GraphQLObjectType | None:
        named = get_named_type(field.type)
        if is_abstract_type(named):
            return self._only_type(named)
        return named if is_object_type(named) else None

    def _only_type(self, abstract: GraphQLAbstractType) -> GraphQLObjectType:
        # One statement answers a root field, so what it reads must be known beforehand.
        (only,) = self.schema.get_possible_types(abstract)
        return only

    def _arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, object]:
        try:
            values = get_argument_values(field, node, self.variables)
        except GraphQLError as error:
            named = _ARGUMENT.match(error.message)
            raise BadUserInput(named[1] if named else node.name.value, error.message) from None
        return {name: _plain(name, value) for name, value in values.items()}


def _plain(argument: str, value: Any) -> object:
    """One form for one value, whether it came as a literal, by a variable or by default."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str) and "\x00" in value:
        # No database keeps it, so nothing can match it.
        raise BadUserInput(argument, f"Argument '{argument}' holds the character NUL, which no text here has.")
    if isinstance(value, Mapping):
        return {name: _plain(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(argument, inner) for inner in value]
    return value
