"""What an operation asks for once fragments and conditions are resolved, written as one recursion."""

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

from tests.equality.oracle.refusals import bad


@dataclass(slots=True)
class Asked:
    """A field under one response key, with all that is selected below it anywhere."""

    key: str
    of: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Asked] = field(default_factory=list)

    def every(self) -> Iterator[Asked]:
        """It and all below it."""
        yield self
        for child in self.below:
            yield from child.every()


@dataclass(frozen=True, slots=True)
class Selecting:
    """One operation and its variables."""

    schema: GraphQLSchema
    document: DocumentNode
    variables: VariableValues

    def roots(self, operation: OperationDefinitionNode) -> list[Asked]:
        """The root fields. Raises Refusal for an argument that is no value now that the variables are known."""
        query = self.schema.query_type
        assert query is not None
        return self._asked(query, [operation.selection_set])

    def _asked(self, parent: GraphQLObjectType, sets: list[SelectionSetNode]) -> list[Asked]:
        nodes: dict[str, list[FieldNode]] = {}
        for each in sets:
            for node in self._fields(parent, each):
                nodes.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return [self._one(parent, key, found) for key, found in nodes.items()]

    def _one(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Asked:
        told = parent.fields[nodes[0].name.value]
        asked = Asked(key, parent.name, nodes[0].name.value)
        try:
            asked.arguments = dict(get_argument_values(told, nodes[0], self.variables))
        except GraphQLError as error:
            raise bad(error.message.split("'")[1]) from None
        without_nul(asked.arguments, "")
        below = get_named_type(told.type)
        if isinstance(below, GraphQLInterfaceType):
            below = self.schema.type_map["Resource"]
        if isinstance(below, GraphQLObjectType):
            asked.below = self._asked(below, [node.selection_set for node in nodes if node.selection_set])
        return asked

    def _fields(self, parent: GraphQLObjectType, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selection_set.selections:
            if self._left_out(node):
                continue
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    yield node
                continue
            assert isinstance(node, FragmentSpreadNode | InlineFragmentNode)
            inner = self._fragment(node.name.value) if isinstance(node, FragmentSpreadNode) else node
            on = inner.type_condition
            if on is None or on.name.value in {parent.name, *(one.name for one in parent.interfaces)}:
                yield from self._fields(parent, inner.selection_set)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        definitions = (one for one in self.document.definitions if isinstance(one, FragmentDefinitionNode))
        return next(one for one in definitions if one.name.value == name)

    def _left_out(self, node: Any) -> bool:
        try:
            skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
            if skip is not None and skip["if"]:
                return True
            include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        except GraphQLError:
            raise bad("if") from None
        return include is not None and not include["if"]


def without_nul(value: object, name: str) -> None:
    """Raise Refusal if a text in it holds NUL, which no text of the record has."""
    match value:
        case str() if "\0" in value:
            raise bad(name)
        case Mapping():
            for inner, each in value.items():
                without_nul(each, inner)
        case list():
            for each in value:
                without_nul(each, name)
