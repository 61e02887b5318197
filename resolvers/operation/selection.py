"""Turns a validated operation into its selection: the selected fields after fragments, `@skip` and `@include`.

This is CollectFields of the GraphQL specification, for the whole operation at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import Enum
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDirective,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution import VariableValues, get_argument_values, get_directive_values

from domain.errors import BadUserInput
from domain.selection import TYPENAME, Selected

_INTROSPECTION: Final = frozenset({"__schema", "__type"})
_ARGUMENT_NAME: Final = re.compile(r"Argument '(\w+)'")


@dataclass(frozen=True, slots=True)
class RootField:
    """One response key at the root of an operation: the field of the root type, and the nodes that select it."""

    key: str
    name: str
    nodes: tuple[FieldNode, ...]
    nullable: bool


@dataclass(frozen=True, slots=True)
class VariableField:
    """A selected field whose arguments contain variables. `index` counts the selected fields depth first from zero.

    `fixed` are the arguments without variables. `direct` has, for each other argument, its name, the variable that is its value,
    and whether the argument is non-null. It is None if a variable occurs inside a list or an object.
    """

    index: int
    type_name: str
    field: GraphQLField
    node: FieldNode
    fixed: Mapping[str, object]
    direct: tuple[tuple[str, str, bool], ...] | None

    @property
    def name(self) -> str:
        """The field's name in the schema."""
        return self.node.name.value

    def arguments(self, values: VariableValues) -> dict[str, object]:
        """Return the arguments with these variables. Raises BadUserInput."""
        arguments = dict(self.fixed)
        for name, variable, required in self.direct or ():
            value = values.coerced.get(variable, Undefined)
            if value is Undefined or (value is None and required):
                # The argument has a default, or there is an error to report.
                return _arguments(self.field, self.node, values)
            arguments[name] = _plain(name, value)
        return arguments if self.direct is not None else _arguments(self.field, self.node, values)


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected root fields in order, and the selections of those that return data."""

    root_fields: tuple[RootField, ...]
    roots: tuple[Selected, ...]
    variable_fields: tuple[VariableField, ...] = ()

    @property
    def introspects(self) -> bool:
        """Whether it selects the schema itself."""
        return any(field.name in _INTROSPECTION for field in self.root_fields)


def collect_fields(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variable_values: VariableValues,
) -> Selection:
    """Return the selection of an operation. At every level each response key occurs once.

    The document must be valid and within the limits, because the work grows with the number of fields after fragments.
    Arguments are plain values: enums by name, UUIDs as `uuid.UUID`, timestamps as aware datetimes, inputs as dicts by their
    names in the schema; an omitted argument without a default is absent. Introspection is a root field without data. Raises
    BadUserInput for a value that is invalid together with the values of the variables.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return Selection((), ())
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    return _FieldCollector(schema, fragments, variable_values).operation(root, operation.selection_set)


@dataclass(slots=True)
class _FieldCollector:
    """Collects the fields of one operation."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    count: int = 0
    variable_fields: list[VariableField] = dataclass_field(default_factory=list)

    def operation(self, root: GraphQLObjectType, selection_set: SelectionSetNode) -> Selection:
        """Return the selection of the operation on the root type."""
        groups = self._groups(root, [selection_set])
        root_fields = [self._root_field(root, key, nodes) for key, nodes in groups.items()]
        data = [field for field in root_fields if not field.name.startswith("__")]
        roots = tuple(self._selected(root, field.key, groups[field.key]) for field in data)
        return Selection(tuple(root_fields), roots, tuple(self.variable_fields))

    def selection(self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> tuple[Selected, ...]:
        """Return the fields that these selection sets, merged, select of one object."""
        return tuple(self._selected(parent, key, nodes) for key, nodes in self._groups(parent, sets).items())

    def _groups(self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        groups: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection_set in sets:
            for node in self._fields(parent, selection_set, spread):
                groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return groups

    def _root_field(self, root: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> RootField:
        name = nodes[0].name.value
        return RootField(key, name, tuple(nodes), name in root.fields and not is_non_null_type(root.fields[name].type))

    def _fields(
        self, parent: GraphQLObjectType, selection_set: SelectionSetNode, spread: set[str]
    ) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            if isinstance(node, FragmentSpreadNode):
                # A fragment adds nothing the second time. Skipping it makes the work for nested spreads linear.
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

    def _is_included(self, node: SelectionNode) -> bool:
        is_skipped = self._condition(GraphQLSkipDirective, node) is True
        return not is_skipped and self._condition(GraphQLIncludeDirective, node) is not False

    def _condition(self, directive: GraphQLDirective, node: SelectionNode) -> bool | None:
        try:
            values = get_directive_values(directive, node, self.variables)
        except GraphQLError as error:
            raise BadUserInput("if", f"@{directive.name}: {error.message}") from None
        return None if values is None else bool(values["if"])

    def _applies(self, parent: GraphQLObjectType, fragment: FragmentDefinitionNode | InlineFragmentNode) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self.schema.get_type(fragment.type_condition.name.value)
        if is_abstract_type(condition):
            return self.schema.is_sub_type(condition, parent)
        return condition is parent

    def _selected(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name, index = nodes[0].name.value, self.count
        self.count += 1
        if name == TYPENAME:
            return Selected(key, parent.name, name)
        field = parent.fields[name]
        below = self._object_type(field)
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        arguments = _arguments(field, nodes[0], self.variables)
        if _contains_variable([argument.value for argument in nodes[0].arguments or ()]):
            self.variable_fields.append(_variable_field(index, parent, field, nodes[0], arguments))
        return Selected(
            key=key,
            type_name=parent.name,
            name=name,
            arguments=arguments,
            fields=() if below is None else self.selection(below, sets),
        )

    def _object_type(self, field: GraphQLField) -> GraphQLObjectType | None:
        named = get_named_type(field.type)
        if is_abstract_type(named):
            # One statement reads a root field, so the type must be known in advance.
            (named,) = self.schema.get_possible_types(named)
        return named if is_object_type(named) else None


def _arguments(field: GraphQLField, node: FieldNode, variables: VariableValues) -> dict[str, object]:
    try:
        values = get_argument_values(field, node, variables)
    except GraphQLError as error:
        match = _ARGUMENT_NAME.match(error.message)
        raise BadUserInput(match[1] if match else node.name.value, error.message) from None
    return {name: _plain(name, value) for name, value in values.items()}


def _variable_field(
    index: int, parent: GraphQLObjectType, field: GraphQLField, node: FieldNode, arguments: Mapping[str, object]
) -> VariableField:
    direct: list[tuple[str, str, bool]] = []
    fixed = dict(arguments)
    is_direct = True
    for argument in node.arguments or ():
        definition = field.args[argument.name.value]
        name = definition.out_name or argument.name.value
        if isinstance(argument.value, VariableNode):
            direct.append((name, argument.value.name.value, is_non_null_type(definition.type)))
            fixed.pop(name, None)
        elif _contains_variable([argument.value]):
            is_direct = False
    return VariableField(index, parent.name, field, node, fixed, tuple(direct) if is_direct else None)


def _contains_variable(values: list[ValueNode]) -> bool:
    waiting = values
    while waiting:
        value = waiting.pop()
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, ListValueNode):
            waiting.extend(value.values)
        elif isinstance(value, ObjectValueNode):
            waiting.extend(inner.value for inner in value.fields)
    return False


def _plain(argument: str, value: Any) -> object:
    """Return the plain form of a value, which is the same for a literal, a variable and a default."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, str) and "\x00" in value:
        # No database can store the character, so no value can match.
        raise BadUserInput(argument, f"Argument '{argument}' contains a NUL character, which no stored text contains.")
    if isinstance(value, Mapping):
        return {name: _plain(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(argument, inner) for inner in value]
    return value
