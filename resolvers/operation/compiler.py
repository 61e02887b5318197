"""The operation cache. On a miss, the compile worker compiles the operation or the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode
from graphql.execution import VariableValues, get_variable_values

from db.query.shape import Value
from db.query.sql.statement import StatementCompiler
from domain.cache import LRUCache
from domain.errors import BadUserInput, Busy, ReaderError
from domain.rules import FreshnessRules, OperationLimits
from domain.viewer import Viewer
from resolvers.errors import BAD_USER_INPUT, RequestRejected, format_request_error
from resolvers.operation.compile_worker import QUEUE_SIZE, CompileWorker
from resolvers.operation.document import read_document
from resolvers.operation.limits import check_selection
from resolvers.operation.operation import Operation
from resolvers.operation.plan import Plan, build_plan
from resolvers.operation.selection import VariableField, collect_fields

LARGE_BYTES: Final = 16_384
"""The variables of larger requests are read on the worker, because it takes milliseconds."""
# For operations that were used again, and for those used once so far; in bytes of memory, as measured.
_CACHE_BYTES: Final = 64_000_000, 16_000_000


@dataclass(slots=True)
class GraphQLRequest:
    """One GraphQL request. `size` is the length of the HTTP body or query string in bytes.

    Not frozen, because one is created for each request.
    """

    query: str = field(repr=False)
    variables: Mapping[str, object] = field(default_factory=dict, repr=False)
    operation_name: str | None = None
    size: int = 0
    queries_only: bool = False


@dataclass(slots=True)
class CompiledRequest:
    """A request that can run: its operation, its plan and the values to bind."""

    operation: Operation
    plan: Plan
    params: Mapping[str, Value]


@dataclass(slots=True)
class _Job:
    """The result of a compilation: the operation, and the compiled request or its error."""

    operation: Operation
    compiled: CompiledRequest | None = None
    values: VariableValues | None = None
    variable_fields: tuple[VariableField, ...] = ()
    error: RequestRejected | ReaderError | None = None


class OperationCompiler:
    """Gets operations and plans from the cache, or has the worker compile them. Used on the event loop."""

    def __init__(
        self,
        schema: GraphQLSchema,
        statements: StatementCompiler,
        rules: FreshnessRules,
        limits: OperationLimits,
        worker: CompileWorker,
    ) -> None:
        self.worker = worker
        self._schema = schema
        self._statements = statements
        self._rules = rules
        self._limits = limits
        in_use, new = _CACHE_BYTES
        self._operations: LRUCache[tuple[str, str | None], Operation] = LRUCache(
            in_use, probation_size=new, size_of=lambda operation: operation.memory
        )
        self._compiling: dict[tuple[str, str | None], asyncio.Future[bool]] = {}

    @property
    def fills(self) -> Mapping[str, float]:
        """The fill ratios of the cache and of the worker's queue; 1 is full."""
        return {"operations": self._operations.fill, "compile_queue": self.worker.fill}

    async def prepare(self, request: GraphQLRequest, viewer: Viewer) -> CompiledRequest:
        """Return the compiled request, from the cache or from the worker.

        Raises RequestRejected for a request that must not run, ReaderError for invalid values, and Busy.
        """
        restricted = viewer.accounts is not None
        compiled = await self._find(request, restricted=restricted)
        # Wait again if the compilation failed, or was one for other arguments: then one of the waiters compiles for all.
        while (
            compiled is None and (pending := self._compiling.get((request.query, request.operation_name))) is not None
        ):
            if await asyncio.shield(pending):
                raise Busy(QUEUE_SIZE)
            compiled = await self._find(request, restricted=restricted)
        return compiled or await self._compile(request, restricted=restricted)

    def remember_introspection(self, request: GraphQLRequest, operation: Operation, body: bytes) -> None:
        """Store the response to an operation that asks only for the schema and has no variables."""
        operation.introspection = body
        self._operations.add((request.query, request.operation_name), operation)

    async def _find(self, request: GraphQLRequest, *, restricted: bool) -> CompiledRequest | None:
        operation = self._operations.get((request.query, request.operation_name))
        if operation is None:
            return None
        _check_runnable(operation, request)
        try:
            if request.size <= LARGE_BYTES:
                bound = operation.bind(request.variables)
            else:
                bound = await self.worker.run(operation.bind, request.variables)
        except (ReaderError, GraphQLError):
            # The compilation reports this error together with all others.
            return None
        plan = None if bound is None else operation.find_plan(bound)
        if bound is None and operation.definition is not None and request.size <= LARGE_BYTES:
            # Invalid values are refused here: no job of the worker could make them valid.
            self._coerce(operation.definition, request)
        if bound is None or plan is None or (plan.shapes and restricted not in plan.statements):
            return None
        self.worker.reader_served()
        return CompiledRequest(operation, plan, {**plan.literals, **bound.params} if bound.params else plan.literals)

    async def _compile(self, request: GraphQLRequest, *, restricted: bool) -> CompiledRequest:
        """Compile on the worker. Requests for the same operation wait meanwhile, and fail with this one if the queue is full."""
        key = request.query, request.operation_name
        pending: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        is_first = self._compiling.setdefault(key, pending) is pending
        is_refused = False
        try:
            operation = self._operations.get(key)
            job = await self.worker.run(self._run_job, operation, request, restricted=restricted)
            self._store(key, job)
        except Busy:
            is_refused = True
            raise
        finally:
            if is_first:
                del self._compiling[key]
                pending.set_result(is_refused)
        if job.error is not None or job.compiled is None:
            raise job.error or RequestRejected(job.operation.errors)
        return job.compiled

    def _run_job(self, operation: Operation | None, request: GraphQLRequest, *, restricted: bool) -> _Job:
        """Compile, on the worker thread. An error is returned with the operation, because the operation is cached anyway."""
        if operation is None:
            document = read_document(self._schema, request.query, self._limits)
            operation = Operation.of(self._schema, document, request.query, request.operation_name)
        job = _Job(operation)
        try:
            _check_runnable(operation, request)
            self._compile_plan(job, request, restricted=restricted)
        except (RequestRejected, ReaderError) as error:
            job.error = error
        return job

    def _compile_plan(self, job: _Job, request: GraphQLRequest, *, restricted: bool) -> None:
        document, definition = job.operation.document, job.operation.definition
        if document is None or definition is None:
            raise RequestRejected(job.operation.errors)
        values = self._coerce(definition, request)
        selection = collect_fields(self._schema, document, definition, values)
        check_selection(selection.roots, self._limits)
        plan, params = build_plan(selection, self._rules)
        if plan.shapes:
            plan.statements[restricted] = self._statements.compile(plan.shapes, restricted=restricted)
        job.compiled = CompiledRequest(job.operation, plan, params)
        job.values, job.variable_fields = values, selection.variable_fields

    def _coerce(self, definition: OperationDefinitionNode, request: GraphQLRequest) -> VariableValues:
        values = get_variable_values(
            self._schema,
            definition.variable_definitions or (),
            dict(request.variables),
            max_errors=self._limits.errors,
        )
        if isinstance(values, VariableValues):
            return values
        raise RequestRejected([format_request_error(error, BAD_USER_INPUT) for error in values[: self._limits.errors]])

    def _store(self, key: tuple[str, str | None], job: _Job) -> None:
        # Another request may have stored the same operation meanwhile.
        operation = self._operations.peek(key) or job.operation
        compiled = job.compiled
        # A plan with errors belongs to one request.
        if compiled is not None and job.values is not None and not compiled.plan.errors:
            operation.add_plan(compiled.plan, job.values, job.variable_fields)
        self._operations.add(key, operation)


def _check_runnable(operation: Operation, request: GraphQLRequest) -> None:
    """Raise RequestRejected for an operation that must not run: it has errors, or it is not a query and was sent by GET."""
    if request.queries_only and not operation.is_query:
        error = BadUserInput("method", "GET runs queries only; use POST.")
        raise RequestRejected.because(error, 405, {"Allow": "POST"})
    if operation.errors:
        raise RequestRejected(operation.errors)
