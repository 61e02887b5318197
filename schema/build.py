"""The schema, built once, with what answers its fields set in this one place.

Root fields read the operation's answer; every field below reads the dict it stands on. Both go by response key, since
an alias may ask for one field twice with different arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from schema.query import Query
from schema.resource import Resource
from schema.scalars import SCALARS

_NODE_TYPE: Final = "Resource"
_Info: TypeAlias = "GraphQLResolveInfo[Any]"


@dataclass(frozen=True, slots=True)
class Answers:
    """What graphql-core gets as context: data, or the error to tell, by the response key of each root field."""

    by_key: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Graph:
    """The built schema: as graphql-core executes it, and its SDL."""

    core: GraphQLSchema
    sdl: str


def _of_the_operation(_source: object, info: _Info, **_arguments: object) -> object:
    answers: Answers = info.context
    answer = answers.by_key[str(info.path.key)]
    if isinstance(answer, Exception):
        raise answer
    return answer


def _of_the_source(source: Mapping[str, object], info: _Info, **_arguments: object) -> object:
    return source[str(info.path.key)]


def _answer_from_dicts(core: GraphQLSchema) -> None:
    for graph_type in core.type_map.values():
        if isinstance(graph_type, GraphQLInterfaceType):
            graph_type.resolve_type = lambda *_: _NODE_TYPE
        if not isinstance(graph_type, GraphQLObjectType) or graph_type.name.startswith("__"):
            continue
        # Strawberry's own check wants instances of its classes; ours are dicts, told apart by the statement already.
        graph_type.is_type_of = None
        answer = _of_the_operation if graph_type is core.query_type else _of_the_source
        for field in graph_type.fields.values():
            field.resolve = answer


def build() -> Graph:
    """Build the graph. A quarter of a second or so; do it once."""
    built = strawberry.Schema(query=Query, types=[Resource], config=StrawberryConfig(scalar_map=SCALARS))
    core = built._schema  # noqa: SLF001  # strawberry has no public way to graphql-core's schema
    _answer_from_dicts(core)
    return Graph(core=core, sdl=built.as_str().rstrip() + "\n")
