"""An operation as a tree of fields, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type


@dataclass(slots=True)
class Node:
    """A field of a type; arguments as JSON values, enums by name. `key` is its alias, once it has one."""

    of: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[Node] = field(default_factory=list)
    key: str | None = None


def object_type(schema: GraphQLSchema, node: Node) -> GraphQLObjectType | None:
    """The type of what is selected below a field; None where it is a leaf."""
    parent = schema.type_map[node.of]
    assert isinstance(parent, GraphQLObjectType)
    named = get_named_type(parent.fields[node.name].type)
    if isinstance(named, GraphQLInterfaceType):
        named = schema.type_map["Resource"]
    return named if isinstance(named, GraphQLObjectType) else None
