"""Trees that hypothesis-graphql draws from the SDL, with whatever arguments it thinks of."""

from __future__ import annotations

from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)
from graphql.utilities import value_from_ast_untyped
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from tests.equality.asking.tree import Node, object_type

_SCALARS: Final = {
    "UUID": st.uuids().map(str).map(nodes.String),
    "DateTime": st.datetimes(timezones=st.just(None)).map(lambda told: told.isoformat() + "Z").map(nodes.String),
}


def drawn(schema: GraphQLSchema, sdl: str, count: int, number: int) -> list[list[Node]]:
    """So many operations by this seed, as trees of their root fields."""
    texts: list[str] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=(Phase.generate,),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(text=queries(sdl, custom_scalars=_SCALARS, allow_x00=False))
    def draw(text: str) -> None:
        texts.append(text)

    draw()
    return [_trees(schema, text) for text in texts]


def _trees(schema: GraphQLSchema, text: str) -> list[Node]:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return list(_below(schema, "Query", operation.selection_set))


def _below(schema: GraphQLSchema, of: str, selection_set: SelectionSetNode | None) -> list[Node]:
    found: list[Node] = []
    for each in () if selection_set is None else selection_set.selections:
        if isinstance(each, InlineFragmentNode):
            found.extend(_below(schema, of, each.selection_set))
            continue
        assert isinstance(each, FieldNode)
        if each.name.value.startswith("__"):
            continue
        arguments: dict[str, Any] = {one.name.value: value_from_ast_untyped(one.value) for one in each.arguments or ()}
        node = Node(of, each.name.value, arguments)
        below = object_type(schema, node)
        if below is not None:
            node.below = _below(schema, below.name, each.selection_set) or [_leaf(schema, below.name)]
        found.append(node)
    return found


def _leaf(schema: GraphQLSchema, of: str) -> Node:
    fields: Any = schema.type_map[of]
    return next(Node(of, name) for name in fields.fields if object_type(schema, Node(of, name)) is None)
