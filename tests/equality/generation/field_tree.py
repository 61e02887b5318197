"""An operation as a tree of fields, before it is written as a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type


@dataclass(slots=True)
class TreeField:
    """A field of the type `of`; arguments are JSON values, with enums by name. `key` is its response key, once it has one."""

    of: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    below: list[TreeField] = field(default_factory=list)
    key: str | None = None


def object_type(schema: GraphQLSchema, node: TreeField) -> GraphQLObjectType | None:
    """Return the type whose fields are selected below a field; None if the field is a leaf."""
    parent = schema.type_map[node.of]
    assert isinstance(parent, GraphQLObjectType)
    named = get_named_type(parent.fields[node.name].type)
    if isinstance(named, GraphQLInterfaceType):
        named = schema.type_map["Resource"]
    return named if isinstance(named, GraphQLObjectType) else None
