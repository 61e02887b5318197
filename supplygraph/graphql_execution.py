"""One operation from its text to its answer: prepare, select, reduce, count, read once, render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_operation_ast,
)
from graphql.execution import VariableValues, get_variable_values

from domain.errors import BadUserInput, Forbidden, ReaderError
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.limits import Limits, check_selection
from resolvers.reduce import reduce
from schema.build import Answers, Graph
from supplygraph.graphql_documents import Documents
from supplygraph.graphql_errors import (
    BAD_USER_INPUT,
    Faults,
    ToldError,
    payload,
    told_field_error,
    told_reader_error,
    told_request_error,
)
from supplygraph.graphql_request import Asked, Refused


class Summary(Protocol):
    """The truth about the ages in one answer."""

    def to_extensions(self) -> Mapping[str, object]:
        """What `extensions.freshness` holds."""
        ...


class OperationAnswer(Protocol):
    """What a reading answers: for the response key of each root field its data, or the error to tell in its place."""

    @property
    def answers(self) -> Mapping[str, object]:
        """Data are plain dicts by response key all the way down, enums upper-case names, instants canonical text."""
        ...

    @property
    def summary(self) -> Summary:
        """Of the whole operation."""
        ...


class Reader(Protocol):
    """What answers the root fields of one operation, together."""

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """Read, reconcile what is demanded, read once more. Raises ReaderError where nothing may run."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """A response's body, and its status in each media type: `json_status` is for application/json."""

    body: Mapping[str, Any]
    status: int = 200
    json_status: int = 200
    operation_name: str | None = None


class _Rejected(Exception):
    """A request error: nothing was executed."""

    def __init__(self, errors: Sequence[ToldError]) -> None:
        super().__init__("The request was rejected.")
        self.errors = tuple(errors)


@dataclass(slots=True)
class Operations:
    """Runs operations over one graph."""

    graph: Graph
    reader: Reader
    limits: Limits
    faults: Faults
    documents: Documents = field(init=False)

    def __post_init__(self) -> None:
        self.documents = Documents(self.graph.core, self.limits)

    async def run(self, asked: Asked, viewer: Viewer, arrival: datetime, *, queries_only: bool) -> Outcome:
        """Answer one request. `queries_only` refuses other operations with 405, as GET must. Raises Refused for that alone."""
        try:
            document, operation = self._operation(asked, queries_only=queries_only)
            return await self._answered(document, operation, asked, viewer, arrival)
        except _Rejected as rejected:
            told = payload(rejected.errors[: self.limits.errors])
            return Outcome(told, 400, 200)
        except Forbidden as error:
            # Refused before anything ran: that is the request's fate, whatever the media type.
            return Outcome(payload([told_reader_error(error)]), error.http_status, error.http_status)
        except ReaderError as error:
            return Outcome(payload([told_reader_error(error)]), error.http_status, 200)

    def _operation(self, asked: Asked, *, queries_only: bool) -> tuple[DocumentNode, OperationDefinitionNode]:
        prepared = self.documents.prepare(asked.query)
        document = prepared.document
        if document is None:
            raise _Rejected(prepared.errors)
        operation = get_operation_ast(document, asked.operation_name)
        if queries_only and operation is not None and operation.operation is not OperationType.QUERY:
            raise Refused(405, BadUserInput("method", "GET runs queries only; use POST."), {"Allow": "POST"})
        if prepared.errors:
            raise _Rejected(prepared.errors)
        if operation is None:
            raise _no_operation(asked.operation_name)
        return document, operation

    async def _answered(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        asked: Asked,
        viewer: Viewer,
        arrival: datetime,
    ) -> Outcome:
        roots = reduce(self.graph.core, document, operation, self._variables(operation, asked))
        check_selection(roots, self.limits)
        answers: Mapping[str, object] = {}
        extensions: dict[str, object] = {}
        if roots:
            answer = await self.reader.answer(roots, viewer, arrival)
            answers = answer.answers
            extensions["freshness"] = answer.summary.to_extensions()
        result = self._rendered(document, asked, answers)
        body = self._body(result, extensions)
        return Outcome(body, operation_name=operation.name.value if operation.name else None)

    def _variables(self, operation: OperationDefinitionNode, asked: Asked) -> VariableValues:
        values = get_variable_values(
            self.graph.core, operation.variable_definitions or (), dict(asked.variables), max_errors=self.limits.errors
        )
        if isinstance(values, VariableValues):
            return values
        raise _Rejected([told_request_error(error, BAD_USER_INPUT) for error in values])

    def _rendered(self, document: DocumentNode, asked: Asked, answers: Mapping[str, object]) -> ExecutionResult:
        return execute_sync(
            self.graph.core,
            document,
            context_value=Answers(answers),
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
        )

    def _body(self, result: ExecutionResult, extensions: Mapping[str, object]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [self._told(error) for error in result.errors[: self.limits.errors]]
        body["data"] = result.data
        if extensions:
            body["extensions"] = extensions
        return body

    def _told(self, error: GraphQLError) -> ToldError:
        return told_field_error(error, self.faults)


def _no_operation(name: str | None) -> _Rejected:
    if name is None:
        message = "The document holds several operations: tell by 'operationName' which one to run."
    else:
        message = "The document holds no operation of the name that 'operationName' tells."
    return _Rejected([told_reader_error(BadUserInput("operationName", message))])
