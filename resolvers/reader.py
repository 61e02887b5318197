"""Reads the root fields of an operation: from the database, after a refresh if a demand is not settled.

One read has at most two rounds: read and evaluate; if a demand is not settled, refresh, then read and evaluate once more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from db.query.reader import QueryReader, RootResult
from db.query.shape import VIEWER, Value, build_shapes
from db.query.sql.statement import OperationStatement, StatementCompiler
from domain.errors import LimitExceeded, ReaderError
from domain.freshness import Demand
from domain.selection import Selected
from domain.timestamps import Clock
from domain.viewer import Viewer
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.freshness.demands import authorize, demand_of, requirements_of
from resolvers.freshness.evaluation import Evaluation, FreshnessContext, evaluate
from resolvers.freshness.summary import OperationAnswer, summarize
from resolvers.operation.compile_worker import CompileWorker


class Refresher(Protocol):
    """Calls the clouds. Implemented by `reconcile.engine.Reconciler`."""

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Settle the requests, each within its own max wait. `arrived_at` is the event loop's time of the arrival.

        A vendor's failure is part of the result and raises nothing.
        """
        ...

    def read(self, account: str) -> None:
        """Note that a reader demands freshness of the account, whether or not anything must be refreshed."""
        ...


@dataclass(slots=True)
class ReadRequest:
    """The root fields to read for one operation, by response key, and the values to bind.

    `errors` holds the root fields that cannot be read. `statement` is None if no root field can be read. Not frozen, because
    one is created for each request.
    """

    keys: Sequence[str]
    demands: Mapping[str, Demand]
    errors: Mapping[str, ReaderError]
    statement: OperationStatement | None
    params: Mapping[str, Value]


class Reader:
    """Answers all root fields of an operation together.

    `age_served` is called with the age in seconds of the oldest value of each answer.
    """

    def __init__(
        self,
        queries: QueryReader,
        statements: StatementCompiler,
        worker: CompileWorker,
        refresher: Refresher,
        freshness: FreshnessContext,
        clock: Clock,
        age_served: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._queries = queries
        self._statements = statements
        self._worker = worker
        self._refresher = refresher
        self._freshness = freshness
        self._clock = clock
        self._age_served = age_served

    async def compile(self, roots: Sequence[Selected], viewer: Viewer) -> ReadRequest:
        """Return the request for root fields that code selects. It can be read any number of times.

        Raises ReaderError for invalid arguments or a missing permission.
        """
        rules = self._freshness.rules
        demands = {root.key: demand_of(root, rules) for root in roots}
        for root in roots:
            authorize(viewer, list(requirements_of(root, demands[root.key], rules)))
        shapes, params = build_shapes(roots)
        statement = await self._worker.run(self._statements.compile, shapes, restricted=viewer.accounts is not None)
        return ReadRequest(list(demands), demands, {}, statement, viewer_params(viewer, params))

    async def read(self, request: ReadRequest, arrival: datetime) -> OperationAnswer:
        """Answer a compiled request. `arrival` is the arrival of the reader by the database's clock.

        Raises DatabaseUnavailable. An error of one root field is the answer of that field.
        """
        if request.statement is None:
            return OperationAnswer(dict(request.errors), summarize((), None))
        loop_time, started_at = asyncio.get_running_loop().time(), self._clock.now()
        evaluation, errors = await self._evaluate(request, arrival, None)
        for account in evaluation.accounts:
            self._refresher.read(account)
        if evaluation.requests:
            arrived_at = self._loop_time(arrival, loop_time, started_at)
            result = await self._refresher.refresh(evaluation.requests, arrived_at)
            # All root fields are read again, so that the answer shows one state of the database.
            evaluation, errors = await self._evaluate(request, arrival, result)
        answer = evaluation.answer(request.keys, errors)
        if answer.summary.oldest_age_seconds is not None:
            self._age_served(answer.summary.oldest_age_seconds)
        return answer

    async def _evaluate(
        self, request: ReadRequest, arrival: datetime, result: RefreshResult | None
    ) -> tuple[Evaluation, Mapping[str, ReaderError]]:
        roots, errors = await self._read_roots(request)
        evaluation = evaluate(self._freshness, roots, request.demands, arrival, self._clock.now(), result)
        return evaluation, errors

    async def _read_roots(self, request: ReadRequest) -> tuple[dict[str, RootResult], Mapping[str, ReaderError]]:
        """Read all root fields together. If that takes too long, read each alone, so that only the slow ones fail."""
        statement = request.statement
        if statement is None:
            return {}, request.errors
        results: Sequence[RootResult | ReaderError]
        together = await self._queries.read(statement, request.params)
        if not isinstance(together, LimitExceeded):
            return dict(zip(request.demands, together, strict=True)), request.errors
        results = [together] if len(request.demands) == 1 else await self._read_each(statement, request.params)
        named = list(zip(request.demands, results, strict=True))
        errors = {key: each for key, each in named if isinstance(each, ReaderError)}
        return {key: each for key, each in named if isinstance(each, RootResult)}, {**request.errors, **errors}

    async def _read_each(
        self, statement: OperationStatement, params: Mapping[str, Value]
    ) -> list[RootResult | ReaderError]:
        results: list[RootResult | ReaderError] = []
        for root in statement.roots:
            single = await self._worker.run(self._statements.compile, [root.shape], restricted=statement.restricted)
            result = await self._queries.read(single, params)
            results.extend([result] if isinstance(result, ReaderError) else result)
        return results

    def _loop_time(self, arrival: datetime, loop_time: float, now: datetime) -> float:
        # The difference between the two clocks is constant unless one of them was set in between; hence the bound.
        elapsed = (now - arrival).total_seconds()
        return loop_time - min(max(elapsed, 0.0), self._freshness.rules.deadline_max_seconds)


def viewer_params(viewer: Viewer, params: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the values to bind, with the viewer's accounts if it sees only some accounts."""
    return params if viewer.accounts_json is None else {**params, VIEWER: viewer.accounts_json}
