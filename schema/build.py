"""Builds the schema from its types, and executes operations with Strawberry.

The resolvers of the root fields (`resolvers.roots`) return dicts by response keys. Every field below the root reads the value of
its response key from the dict of its parent. The key is the response key and not the field's name, because with aliases one field
may occur twice with different arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from resolvers.operation.compiler import GraphQLRequest
from resolvers.roots import OperationRead
from schema.query import Query
from schema.resource import Resource
from schema.scalars import SCALARS

_NODE_TYPE: Final = "Resource"
_Info: TypeAlias = "GraphQLResolveInfo[Any]"


class CompiledDocument(SchemaExtension):
    """Gives Strawberry the document that was parsed and validated already, so that it does not do both again."""

    def on_operation(self) -> Iterator[None]:
        """Set the document before Strawberry would parse the text."""
        read: OperationRead = self.execution_context.context
        self.execution_context.graphql_document = read.document
        self.execution_context.validation_rules = ()
        yield


class QuietSchema(strawberry.Schema):
    """A schema that does not log errors. `resolvers.errors` masks and logs them."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The built schema. `core` is graphql-core's form of it, which validation uses; `sdl` is its text."""

    schema: QuietSchema
    core: GraphQLSchema
    sdl: str

    async def execute(self, request: GraphQLRequest, read: OperationRead) -> ExecutionResult:
        """Execute a validated document on the event loop."""
        result = await self.schema.execute(
            request.query,
            dict(request.variables),
            context_value=read,
            operation_name=request.operation_name,
        )
        return ExecutionResult(result.data, result.errors)

    def execute_sync(self, request: GraphQLRequest, read: OperationRead) -> ExecutionResult:
        """Execute a validated document in the calling thread. If the operation needs a read, it must have ended."""
        result = self.schema.execute_sync(
            request.query,
            dict(request.variables),
            context_value=read,
            operation_name=request.operation_name,
        )
        return ExecutionResult(result.data, result.errors)


def _resolve_from_parent(source: Mapping[str, object], info: _Info, **_arguments: object) -> object:
    """Return the value of the field's response key. The arguments took effect when the value was read."""
    return source[str(info.path.key)]


def _resolve_from_dicts(core: GraphQLSchema) -> None:
    """Make every field below the root read its value from the dict of its parent."""
    for graph_type in core.type_map.values():
        if isinstance(graph_type, GraphQLInterfaceType):
            graph_type.resolve_type = lambda *_: _NODE_TYPE
        if not isinstance(graph_type, GraphQLObjectType) or graph_type.name.startswith("__"):
            continue
        # Strawberry's own check expects instances of its classes. The values are dicts, whose types the statement determines.
        graph_type.is_type_of = None
        if graph_type is not core.query_type:
            for field in graph_type.fields.values():
                field.resolve = _resolve_from_parent


def build() -> Graph:
    """Build the schema. It takes about a quarter of a second, so it is done once."""
    schema = QuietSchema(
        query=Query,
        types=[Resource],
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[CompiledDocument],
    )
    core: GraphQLSchema = schema._schema  # noqa: SLF001  # Strawberry has no public access to graphql-core's schema
    _resolve_from_dicts(core)
    return Graph(schema, core, schema.as_str().rstrip() + "\n")
