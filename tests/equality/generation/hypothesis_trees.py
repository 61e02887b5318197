"""Trees that hypothesis-graphql draws from the SDL, with arguments of its own choice."""

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

from tests.equality.generation.field_tree import TreeField, object_type

_SCALARS: Final = {
    "UUID": st.uuids().map(str).map(nodes.String),
    "DateTime": st.datetimes(timezones=st.just(None)).map(lambda instant: instant.isoformat() + "Z").map(nodes.String),
}


def draw_trees(schema: GraphQLSchema, sdl: str, count: int, number: int) -> list[list[TreeField]]:
    """Draw `count` operations with the seed `number`, as trees of their root fields."""
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
    return [_parse_trees(schema, text) for text in texts]


def _parse_trees(schema: GraphQLSchema, text: str) -> list[TreeField]:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return _convert_selection(schema, "Query", operation.selection_set)


def _convert_selection(schema: GraphQLSchema, of: str, selection_set: SelectionSetNode | None) -> list[TreeField]:
    fields: list[TreeField] = []
    for selection in () if selection_set is None else selection_set.selections:
        if isinstance(selection, InlineFragmentNode):
            fields.extend(_convert_selection(schema, of, selection.selection_set))
            continue
        assert isinstance(selection, FieldNode)
        name = selection.name.value
        if name.startswith("__"):
            continue
        arguments: dict[str, Any] = {
            argument.name.value: value_from_ast_untyped(argument.value) for argument in selection.arguments or ()
        }
        node = TreeField(of, name, arguments)
        below = object_type(schema, node)
        if below is not None:
            node.below = _convert_selection(schema, below.name, selection.selection_set) or [_leaf(schema, below.name)]
        fields.append(node)
    return fields


def _leaf(schema: GraphQLSchema, of: str) -> TreeField:
    fields: Any = schema.type_map[of]
    return next(TreeField(of, name) for name in fields.fields if object_type(schema, TreeField(of, name)) is None)
