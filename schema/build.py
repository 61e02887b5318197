"""The built schema: its SDL, and Strawberry's execution with the resolvers of the fields.

Root fields are resolved by the functions in `resolvers.roots`. A root resolver returns a dict by response keys, and every field
below reads its own key from the dict it stands on: an alias may ask for one field twice, with different arguments.
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
    """Executes the document that was parsed and validated already, instead of doing both again."""

    def on_operation(self) -> Iterator[None]:
        """Hand in the document before Strawberry would parse the text."""
        read: OperationRead = self.execution_context.context
        self.execution_context.graphql_document = read.document
        self.execution_context.validation_rules = ()
        yield


class QuietSchema(strawberry.Schema):
    """A schema that leaves the logging of errors to the caller, who masks them."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The built schema, as graphql-core validates it (`core`), and its SDL."""

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
        """Execute a validated document in the calling thread. The read must have ended, if the operation needs one."""
        result = self.schema.execute_sync(
            request.query,
            dict(request.variables),
            context_value=read,
            operation_name=request.operation_name,
        )
        return ExecutionResult(result.data, result.errors)


def _value_by_key(source: Mapping[str, object], info: _Info, **_arguments: object) -> object:
    return source[str(info.path.key)]


def _resolve_from_dicts(core: GraphQLSchema) -> None:
    for graph_type in core.type_map.values():
        if isinstance(graph_type, GraphQLInterfaceType):
            graph_type.resolve_type = lambda *_: _NODE_TYPE
        if not isinstance(graph_type, GraphQLObjectType) or graph_type.name.startswith("__"):
            continue
        # Strawberry's own check expects instances of its classes; ours are dicts, whose types the statement has decided.
        graph_type.is_type_of = None
        if graph_type is not core.query_type:
            for field in graph_type.fields.values():
                field.resolve = _value_by_key


def build() -> Graph:
    """Build the graph. Takes about a quarter of a second; do it once."""
    schema = QuietSchema(
        query=Query,
        types=[Resource],
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[CompiledDocument],
    )
    core: GraphQLSchema = schema._schema  # noqa: SLF001  # strawberry has no public access to graphql-core's schema
    _resolve_from_dicts(core)
    return Graph(schema, core, schema.as_str().rstrip() + "\n")
