"""The selection of an operation, with fragments and conditions resolved, by one recursion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.execution import VariableValues, get_argument_values, get_directive_values

from tests.equality.oracle.refusals import bad_input


@dataclass(slots=True)
class SelectedField:
    """A field under one response key, with all that is selected below it anywhere in the document."""

    key: str
    of: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[SelectedField] = field(default_factory=list)

    def walk(self) -> Iterator[SelectedField]:
        """Yield the field and all fields below it."""
        yield self
        for child in self.below:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class SelectionCollector:
    """Collects the selection of one operation with its variables."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: VariableValues

    def collect(self, operation: OperationDefinitionNode) -> list[SelectedField]:
        """Return the root fields. Raises OracleRefusal for an argument that has no valid value with these variables."""
        query = self.schema.query_type
        assert query is not None
        return self._collect_sets(query, [operation.selection_set])

    def _collect_sets(self, parent: GraphQLObjectType, sets: list[SelectionSetNode]) -> list[SelectedField]:
        nodes: dict[str, list[FieldNode]] = {}
        for selection_set in sets:
            for node in self._field_nodes(parent, selection_set):
                nodes.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._merge(parent, key, same_key) for key, same_key in nodes.items()]

    def _merge(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> SelectedField:
        definition = parent.fields[nodes[0].name.value]
        selected = SelectedField(key, parent.name, nodes[0].name.value)
        try:
            selected.arguments = dict(get_argument_values(definition, nodes[0], self.variables))
        except GraphQLError as error:
            raise bad_input(error.message.split("'")[1]) from None
        refuse_nul(selected.arguments, "")
        below = get_named_type(definition.type)
        if isinstance(below, GraphQLInterfaceType):
            below = self.schema.type_map["Resource"]
        if isinstance(below, GraphQLObjectType):
            selected.below = self._collect_sets(below, [node.selection_set for node in nodes if node.selection_set])
        return selected

    def _field_nodes(self, parent: GraphQLObjectType, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if self._is_excluded(node):
                continue
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    yield node
                continue
            assert isinstance(node, FragmentSpreadNode | InlineFragmentNode)
            inner = self._fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else node
            on = inner.type_condition
            if on is None or on.name.value in {parent.name, *(interface.name for interface in parent.interfaces)}:
                yield from self._field_nodes(parent, inner.selection_set)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        fragments = (node for node in self.document.definitions if isinstance(node, FragmentDefinitionNode))
        return next(fragment for fragment in fragments if fragment.name.value == name)

    def _is_excluded(self, node: Any) -> bool:
        try:
            skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
            if skip is not None and skip["if"]:
                return True
            include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        except GraphQLError:
            raise bad_input("if") from None
        return include is not None and not include["if"]


def refuse_nul(value: object, name: str) -> None:
    """Raise OracleRefusal if a text in the value contains NUL, which no text in the database does."""
    match value:
        case str() if "\0" in value:
            raise bad_input(name)
        case Mapping():
            for inner_name, inner in value.items():
                refuse_nul(inner, inner_name)
        case list():
            for item in value:
                refuse_nul(item, name)
