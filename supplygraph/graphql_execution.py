"""One operation from its text to its answer: prepare, select, reduce, count, read once, render.

What is read is the answer's text already. An operation runs as a plan where nothing but root fields of ours is asked for:
then the texts go out as they are. Everything else is rendered by graphql-core, from the same texts decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_operation_ast,
    located_error,
)
from graphql.execution import VariableValues, get_variable_values

from domain.errors import BadUserInput, Busy, Forbidden, ReaderError
from domain.selection import TYPENAME, Selected
from domain.viewer import Viewer
from resolvers.limits import Limits, check_selection
from resolvers.reader import Prepared
from resolvers.reduce import Place, Reduction, reduce
from schema.build import Answers, Graph
from supplygraph.graphql_documents import Documents
from supplygraph.graphql_errors import (
    BAD_USER_INPUT,
    Faults,
    ToldError,
    codes_of,
    payload,
    told_field_error,
    told_reader_error,
    told_request_error,
)
from supplygraph.graphql_plans import Family, Planned, Plans
from supplygraph.graphql_request import Asked, Refused
from supplygraph.workbench import Workbench

_ROOT_TYPE: Final = b'"Query"'


class Summary(Protocol):
    """The truth about the ages in one answer."""

    def to_extensions(self) -> Mapping[str, object]:
        """What `extensions.freshness` holds."""
        ...


class OperationAnswer(Protocol):
    """What a reading answers: for the response key of each root field its data, or the error to tell in its place."""

    @property
    def texts(self) -> Mapping[str, bytes | ReaderError]:
        """Data as JSON by response key all the way down, enums upper-case names, instants canonical text."""
        ...

    @property
    def answers(self) -> Mapping[str, object]:
        """The same, decoded."""
        ...

    @property
    def summary(self) -> Summary:
        """Of the whole operation."""
        ...


class Reader(Protocol):
    """What answers the root fields of one operation, together."""

    def prepare(self, roots: Sequence[Selected], viewer: Viewer) -> Prepared:
        """Check what needs no record. Raises ReaderError where nothing may run."""
        ...

    async def run(self, prepared: Prepared, arrival: datetime) -> OperationAnswer:
        """Read, reconcile what is demanded, read once more."""
        ...


@dataclass(slots=True)
class Outcome:
    """A response's body, and its status in each media type: `json_status` is for application/json.

    `codes` are those of the errors in it. Not frozen: one is made for each request.
    """

    content: bytes
    status: int = 200
    json_status: int = 200
    operation_name: str | None = None
    codes: tuple[str, ...] = ()


@dataclass(slots=True)
class OperationCounts:
    """How many operations that were valid ran as plans, and how many graphql-core rendered, since the start."""

    plans: int = 0
    rendered: int = 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """An operation that may run. `prepared` is None where it asks for no data, `family` where one is known or none is needed.

    `planned`: nothing but root fields of ours is asked for.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    values: VariableValues
    reduction: Reduction
    prepared: Prepared | None
    planned: bool
    family: Family | None

    @property
    def name(self) -> str | None:
        """The operation's own."""
        return self.operation.name.value if self.operation.name else None


class _Rejected(Exception):
    """A request error: nothing was executed."""

    def __init__(self, errors: Sequence[ToldError]) -> None:
        super().__init__("The request was rejected.")
        self.errors = tuple(errors)


@dataclass(slots=True)
class Operations:
    """Runs operations over one graph. Without `plans` graphql-core renders every one of them."""

    graph: Graph
    reader: Reader
    limits: Limits
    faults: Faults
    plans: bool = True
    ran: Callable[[bool], None] = lambda _: None
    workbench: Workbench = field(default_factory=Workbench)
    documents: Documents = field(init=False)
    kept: Plans = field(init=False)
    counts: OperationCounts = field(init=False, default_factory=OperationCounts)
    _making: dict[str, asyncio.Event] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.documents = Documents(self.graph.core, self.limits)
        self.kept = Plans()

    async def hot(
        self, text: str, name: str | None, variables: Mapping[str, object], viewer: Viewer, arrival: datetime
    ) -> Outcome | None:
        """The answer of an operation that was planned before; None where `run` must answer, which tells what is amiss."""
        try:
            found = self.kept.find(text, name, variables, viewer)
            if found is None:
                return None
            outcome = await self._planned(*found, arrival)
        except Exception:  # noqa: BLE001 - it is met again, and told, where `run` answers
            return None
        self._count(planned=True)
        self.workbench.other_answered()
        return outcome

    async def run(self, asked: Asked, viewer: Viewer, arrival: datetime, *, queries_only: bool) -> Outcome:
        """Answer one request. `queries_only` refuses other operations with 405, as GET must.

        Raises Refused for that, and where too many wait.
        """
        try:
            found = self._found(asked, viewer)
            if found is not None:
                self.workbench.other_answered()
            elif (making := self._making.get(asked.query)) is not None:
                await making.wait()
                found = self._found(asked, viewer)
            if found is not None:
                self._count(planned=True)
                return await self._planned(*found, arrival)
            ready = await self._made_ready(asked, viewer, queries_only=queries_only)
            return await self._answered(ready, asked, viewer, arrival)
        except Busy as error:
            raise Refused(error.http_status, error, {"Retry-After": "1"}) from None
        except _Rejected as rejected:
            return told_outcome(rejected.errors[: self.limits.errors], 400, 200)
        except Forbidden as error:
            # Refused before anything ran: that is the request's fate, whatever the media type.
            return told_outcome([told_reader_error(error)], error.http_status, error.http_status)
        except ReaderError as error:
            return told_outcome([told_reader_error(error)], error.http_status, 200)

    @property
    def fills(self) -> Mapping[str, float]:
        """How full each cache is, 1 at its bound."""
        return {
            "documents": self.documents.fill,
            "plans": self.kept.families.fill,
            "workbench": self.workbench.fill,
        }

    def _found(self, asked: Asked, viewer: Viewer) -> tuple[Planned, Prepared] | None:
        return self.kept.find(asked.query, asked.operation_name, asked.variables, viewer)

    async def _planned(self, planned: Planned, prepared: Prepared, arrival: datetime) -> Outcome:
        answer = await self.reader.run(prepared, arrival)
        return self._spliced(planned.places, answer, planned.name)

    def _count(self, *, planned: bool) -> None:
        if planned:
            self.counts.plans += 1
        else:
            self.counts.rendered += 1
        self.ran(planned)

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

    def _ready(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> _Ready:
        """All that is done before anything is read."""
        document, operation = self._operation(asked, queries_only=queries_only)
        values = self._variables(operation, asked)
        reduction = reduce(self.graph.core, document, operation, values)
        check_selection(reduction.roots, self.limits)
        prepared = self.reader.prepare(reduction.roots, viewer) if reduction.roots else None
        planned = self.plans and not reduction.introspects and operation.operation is OperationType.QUERY
        new = planned and not self.kept.knows(asked.query, asked.operation_name)
        family = Family.of(self.graph.core, document, operation) if new else None
        return _Ready(document, operation, values, reduction, prepared, planned, family)

    async def _made_ready(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> _Ready:
        """A text that is new takes milliseconds: it is made ready on the workbench. Raises Busy."""
        text = asked.query
        if self.documents.holds(text):
            return self._ready(asked, viewer, queries_only=queries_only)
        making = self._making[text] = asyncio.Event()
        try:
            return await self.workbench.run(self._ready, asked, viewer, queries_only=queries_only)
        finally:
            if self._making.get(text) is making:
                del self._making[text]
            making.set()

    async def _answered(self, ready: _Ready, asked: Asked, viewer: Viewer, arrival: datetime) -> Outcome:
        prepared, reduction = ready.prepared, ready.reduction
        self._count(planned=ready.planned)
        if ready.planned and prepared is not None:
            self.kept.keep(asked.query, asked.operation_name, ready.family, ready.values, reduction, prepared, viewer)
        answer = None if prepared is None else await self.reader.run(prepared, arrival)
        if not ready.planned:
            return await self._rendered(ready, asked, answer)
        return self._spliced(reduction.places, answer, ready.name)

    def _variables(self, operation: OperationDefinitionNode, asked: Asked) -> VariableValues:
        values = get_variable_values(
            self.graph.core, operation.variable_definitions or (), dict(asked.variables), max_errors=self.limits.errors
        )
        if isinstance(values, VariableValues):
            return values
        raise _Rejected([told_request_error(error, BAD_USER_INPUT) for error in values])

    def _spliced(self, places: Sequence[Place], answer: OperationAnswer | None, name: str | None) -> Outcome:
        """The answer out of the texts, with errors where graphql-core would tell them."""
        texts: Mapping[str, bytes | ReaderError] = {} if answer is None else answer.texts
        errors: list[ToldError] = []
        found: list[bytes] = []
        for place in places:
            text = _ROOT_TYPE if place.name == TYPENAME else texts[place.key]
            if isinstance(text, ReaderError):
                errors.append(self._told(located_error(text, list(place.nodes), [place.key])))
                if not place.nullable:
                    return _spliced([b"null"], errors, answer, name)
                text = b"null"
            found += (b',"' if found else b'{"', place.key.encode(), b'":', text)
        return _spliced([*found, b"}" if found else b"{}"], errors[: self.limits.errors], answer, name)

    async def _rendered(self, ready: _Ready, asked: Asked, answer: OperationAnswer | None) -> Outcome:
        render = partial(
            execute_sync,
            self.graph.core,
            ready.document,
            context_value=Answers({} if answer is None else answer.answers),
            variable_values=dict(asked.variables),
            operation_name=asked.operation_name,
        )
        # What tells of the schema may be long, and is not read from the record.
        result = await self.workbench.run(render) if ready.reduction.introspects else render()
        errors = [self._told(error) for error in (result.errors or ())[: self.limits.errors]]
        return _spliced([orjson.dumps(result.data)], errors, answer, ready.name)

    def _told(self, error: GraphQLError) -> ToldError:
        return told_field_error(error, self.faults)


def told_outcome(errors: Sequence[ToldError], status: int, json_status: int) -> Outcome:
    """An answer that holds errors alone."""
    return Outcome(orjson.dumps(payload(errors)), status, json_status, codes=codes_of(errors))


def _spliced(
    data: Sequence[bytes], errors: Sequence[ToldError], answer: OperationAnswer | None, name: str | None
) -> Outcome:
    """The body out of the pieces of its data, which may be long: copied once."""
    told = b'"errors":%b,' % orjson.dumps(errors) if errors else b""
    freshness = None if answer is None else {"freshness": answer.summary.to_extensions()}
    behind = b"}" if freshness is None else b',"extensions":%b}' % orjson.dumps(freshness)
    body = b"".join((b"{", told, b'"data":', *data, behind))
    return Outcome(body, operation_name=name, codes=codes_of(errors))


def _no_operation(name: str | None) -> _Rejected:
    if name is None:
        message = "The document holds several operations: tell by 'operationName' which one to run."
    else:
        message = "The document holds no operation of the name that 'operationName' tells."
    return _Rejected([told_reader_error(BadUserInput("operationName", message))])
