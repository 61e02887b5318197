"""All that is done of an operation before anything is read: at once where it is known, on the workbench where it is new."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from graphql import DocumentNode, OperationDefinitionNode, OperationType, get_operation_ast
from graphql.execution import VariableValues, get_variable_values

from db.query import Unwritten
from domain.errors import BadUserInput, Busy
from domain.rules import OperationLimits
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.limits import check_selection
from resolvers.reader import Prepared
from resolvers.reduce import Reduction, reduce
from schema.build import Graph
from supplygraph.graphql_documents import Documents
from supplygraph.graphql_documents import Prepared as PreparedDocument
from supplygraph.graphql_errors import BAD_USER_INPUT, ToldError, told_reader_error, told_request_error
from supplygraph.graphql_plans import Family, Planned, Plans
from supplygraph.http.graphql_request import LARGE_BYTES, Asked, Refused
from supplygraph.workbench import MOST_WAITING, CompileWorker

Found: TypeAlias = tuple[Planned, Prepared]
"""A plan, and what to read by it."""


class Preparer(Protocol):
    """What checks root fields and finds their statement."""

    def prepare(self, roots: Sequence[Selected], viewer: Viewer, *, write: bool = True) -> Prepared:
        """Check what needs no record. Raises ReaderError where nothing may run, Unwritten where `write` would be needed."""
        ...


@dataclass(frozen=True, slots=True)
class Ready:
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


class Rejected(Exception):
    """A request error: nothing was executed."""

    def __init__(self, errors: Sequence[ToldError]) -> None:
        super().__init__("The request was rejected.")
        self.errors = tuple(errors)


class Preparing:
    """Keeps documents and plans. Without `plans` no operation is planned."""

    def __init__(
        self, graph: Graph, preparer: Preparer, limits: OperationLimits, workbench: CompileWorker, *, plans: bool
    ) -> None:
        self.plans = plans
        self.workbench = workbench
        self.documents = Documents(graph.core, limits)
        self.kept = Plans()
        self._core = graph.core
        self._preparer = preparer
        self._limits = limits
        self._making: dict[str, asyncio.Future[bool]] = {}

    def found(self, asked: Asked, viewer: Viewer) -> Found | None:
        """What was planned before."""
        return self.kept.find(asked.query, asked.operation_name, asked.variables, viewer)

    async def prepare(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> Ready | Found:
        """What was planned before, else all that there is to run the operation.

        Raises Rejected, Refused, Busy and ReaderError.
        """
        if asked.size > LARGE_BYTES:
            return await self._made(asked, viewer, queries_only=queries_only)
        ready = self._at_once(asked, viewer, queries_only=queries_only)
        if ready is None and (making := self._making.get(asked.query)) is not None:
            if await asyncio.shield(making):
                raise Busy(MOST_WAITING)
            ready = self._at_once(asked, viewer, queries_only=queries_only)
        return ready or await self._made(asked, viewer, queries_only=queries_only)

    def _at_once(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> Ready | Found | None:
        """What needs neither validation nor a statement written."""
        ready = self.found(asked, viewer) or self._known(asked, viewer, queries_only=queries_only)
        if ready is not None:
            self.workbench.other_answered()
        return ready

    def _known(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> Ready | None:
        document = self.documents.kept(asked.query) or self.kept.document(asked.query, asked.operation_name)
        if document is None:
            return None
        try:
            ready = self._ready(document, asked, viewer, queries_only=queries_only, write=False)
        except Unwritten:
            return None
        self._keep(ready, asked, viewer)
        return ready

    async def _made(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> Ready:
        """What is new. Who asks for the same text meanwhile waits for the first, and is told whether that was refused."""
        making: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        first = self._making.setdefault(asked.query, making) is making
        refused = False
        try:
            ready = await self.workbench.run(self._new, asked, viewer, queries_only=queries_only)
            self._keep(ready, asked, viewer)
        except Busy:
            refused = True
            raise
        finally:
            if first:
                del self._making[asked.query]
                making.set_result(refused)
        return ready

    def _new(self, asked: Asked, viewer: Viewer, *, queries_only: bool) -> Ready:
        document = self.documents.prepare(asked.query)
        return self._ready(document, asked, viewer, queries_only=queries_only, write=True)

    def _ready(
        self, document: PreparedDocument, asked: Asked, viewer: Viewer, *, queries_only: bool, write: bool
    ) -> Ready:
        parsed, operation = _operation(document, asked, queries_only=queries_only)
        values = self._variables(operation, asked)
        reduction = reduce(self._core, parsed, operation, values)
        check_selection(reduction.roots, self._limits)
        prepared = self._preparer.prepare(reduction.roots, viewer, write=write) if reduction.roots else None
        planned = self.plans and not reduction.introspects and operation.operation is OperationType.QUERY
        new = planned and self.kept.document(asked.query, asked.operation_name) is None
        family = Family.of(self._core, document, parsed, operation) if new else None
        return Ready(parsed, operation, values, reduction, prepared, planned, family)

    def _keep(self, ready: Ready, asked: Asked, viewer: Viewer) -> None:
        # What is large never looks for a plan.
        if ready.planned and ready.prepared is not None and asked.size <= LARGE_BYTES:
            name, family = asked.operation_name, ready.family
            self.kept.keep(asked.query, name, family, ready.values, ready.reduction, ready.prepared, viewer)

    def _variables(self, operation: OperationDefinitionNode, asked: Asked) -> VariableValues:
        values = get_variable_values(
            self._core, operation.variable_definitions or (), dict(asked.variables), max_errors=self._limits.errors
        )
        if isinstance(values, VariableValues):
            return values
        raise Rejected([told_request_error(error, BAD_USER_INPUT) for error in values])


def _operation(
    prepared: PreparedDocument, asked: Asked, *, queries_only: bool
) -> tuple[DocumentNode, OperationDefinitionNode]:
    document = prepared.document
    if document is None:
        raise Rejected(prepared.errors)
    operation = get_operation_ast(document, asked.operation_name)
    if queries_only and operation is not None and operation.operation is not OperationType.QUERY:
        raise Refused(405, BadUserInput("method", "GET runs queries only; use POST."), {"Allow": "POST"})
    if prepared.errors:
        raise Rejected(prepared.errors)
    if operation is None:
        raise _no_operation(asked.operation_name)
    return document, operation


def _no_operation(name: str | None) -> Rejected:
    if name is None:
        message = "The document holds several operations: tell by 'operationName' which one to run."
    else:
        message = "The document holds no operation of the name that 'operationName' tells."
    return Rejected([told_reader_error(BadUserInput("operationName", message))])
