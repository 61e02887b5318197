"""Runs one GraphQL request from its text to its response, stage by stage.

    operation   get the operation and its plan from the cache, or compile them    (resolvers.operation)
    authorize   check the viewer's permissions                                    (resolvers.freshness.demands)
    read        read, evaluate freshness, refresh, read once more                 (resolvers.reader)
    respond     join the texts of the root fields                                 (resolvers.response)

Queries run as plans. Strawberry executes operations that ask for the schema (introspection), and all operations if plans are
off. Its resolvers (resolvers.roots) start the same read, so this stage, `execute`, takes the place of read and respond.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol

import orjson
from graphql import ExecutionResult

from domain.errors import Busy, Forbidden, ReaderError
from domain.rules import OperationLimits
from domain.viewer import Viewer
from resolvers.errors import ErrorMasker, RequestRejected, format_field_error, format_reader_error
from resolvers.freshness.demands import authorize
from resolvers.freshness.summary import OperationAnswer
from resolvers.operation.compiler import CompiledRequest, GraphQLRequest, OperationCompiler
from resolvers.pipeline_stats import PipelineStats
from resolvers.reader import Reader, ReadRequest, viewer_params
from resolvers.response import GraphQLResponse, assemble, rejection, render
from resolvers.roots import OperationRead


class Executor(Protocol):
    """Executes operations with the resolvers of the schema. Implemented by `schema.build.Graph`."""

    async def execute(self, request: GraphQLRequest, read: OperationRead) -> ExecutionResult:
        """Execute on the event loop."""
        ...

    def execute_sync(self, request: GraphQLRequest, read: OperationRead) -> ExecutionResult:
        """Execute in the calling thread. If the operation needs a read, it must have ended."""
        ...


class Pipeline:
    """Runs GraphQL requests. If `plans` is false, Strawberry executes every operation."""

    def __init__(
        self,
        compiler: OperationCompiler,
        reader: Reader,
        executor: Executor,
        limits: OperationLimits,
        masker: ErrorMasker,
        *,
        plans: bool = True,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.compiler = compiler
        self._reader = reader
        self._executor = executor
        self._limits = limits
        self._format = partial(format_field_error, masker=masker)
        self.stats = PipelineStats()
        self._plans = plans
        self._timer = timer

    async def run(self, request: GraphQLRequest, viewer: Viewer, arrival: datetime) -> GraphQLResponse:
        """Answer one request. `arrival` is when it arrived.

        Raises DatabaseUnavailable and unexpected errors; everything else becomes a response.
        """
        try:
            return await self._run(request, viewer, arrival)
        except RequestRejected as rejected:
            return rejection(rejected)
        except Busy as error:
            return rejection(RequestRejected.because(error, error.http_status, {"Retry-After": "1"}))
        except Forbidden as error:
            # Nothing has run yet, so the whole request fails, with the same status in both media types.
            return rejection(RequestRejected.because(error, error.http_status))
        except ReaderError as error:
            return rejection(RequestRejected([format_reader_error(error)], error.http_status))

    async def _run(self, request: GraphQLRequest, viewer: Viewer, arrival: datetime) -> GraphQLResponse:
        stats, timer = self.stats, self._timer
        started = timer()
        compiled = await self.compiler.prepare(request, viewer)
        stats.compiled += 1
        stats.compile_seconds += (now := timer()) - started
        plan, started = compiled.plan, now
        authorize(viewer, plan.requirements)
        stats.authorized += 1
        stats.authorize_seconds += (now := timer()) - started
        if not self._plans or plan.introspects or not compiled.operation.is_query:
            response = await self._execute(request, compiled, viewer, arrival)
            stats.executed += 1
            stats.execute_seconds += timer() - now
            return response
        started = now
        answer = await self._reader.read(_read_request(compiled, viewer), arrival) if plan.keys else None
        stats.read_seconds += (now := timer()) - started
        response = render(plan.root_fields, answer, compiled.operation.name, self._limits.errors, self._format)
        stats.planned += 1
        stats.respond_seconds += timer() - now
        return response

    async def _execute(
        self, request: GraphQLRequest, compiled: CompiledRequest, viewer: Viewer, arrival: datetime
    ) -> GraphQLResponse:
        """Let Strawberry execute the operation. Introspection takes milliseconds, so it runs on the worker, after the read."""
        operation, plan = compiled.operation, compiled.plan
        if operation.introspection is not None:
            return GraphQLResponse(operation.introspection, operation_name=operation.name)
        read = OperationRead(operation.document, lambda: self._reader.read(_read_request(compiled, viewer), arrival))
        if plan.introspects:
            if plan.keys:
                await read.wait()
            result = await self.compiler.worker.run(self._executor.execute_sync, request, read)
        else:
            result = await self._executor.execute(request, read)
        response = self._executed(result, read.answer, operation.name)
        # With variables, also with defaults only, the response may differ for another request.
        has_variables = operation.definition is None or operation.definition.variable_definitions
        if not plan.keys and not has_variables and not response.codes and plan.introspects:
            self.compiler.remember_introspection(request, operation, response.body)
        return response

    def _executed(self, result: ExecutionResult, answer: OperationAnswer | None, name: str | None) -> GraphQLResponse:
        errors = [self._format(error) for error in (result.errors or ())[: self._limits.errors]]
        return assemble([orjson.dumps(result.data)], errors, answer, name)


def _read_request(compiled: CompiledRequest, viewer: Viewer) -> ReadRequest:
    plan = compiled.plan
    statement = plan.statements[viewer.accounts is not None] if plan.shapes else None
    return ReadRequest(plan.keys, plan.demands, plan.errors, statement, viewer_params(viewer, compiled.params))
