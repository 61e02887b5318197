"""A reader over a small record, with a refresher that records its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from db import tables
from db.connections import EngineReader
from db.query.reader import QueryReader
from db.query.sql.statement import StatementCompiler
from db.revision import bump
from domain.enums import Permission, ResourceKind
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer
from reconcile.requests import RefreshRequest, RefreshResult
from resolvers.freshness.authorization import authorize
from resolvers.freshness.evaluation import FreshnessContext
from resolvers.freshness.summary import OperationAnswer
from resolvers.operation.compile_worker import CompileWorker
from resolvers.operation.plan import build_plan
from resolvers.operation.selection import Selection
from resolvers.reader import Reader, ReadRequest, viewer_params
from tests.clock import ManualClock
from tests.db_query.rows import NOW, World, ago

READER = Viewer("reader", frozenset({Permission.READ, Permission.REFRESH}))


@dataclass
class FakeRefresher:
    """Sets in the record what a flight would have told, and answers as it was told to."""

    engine: AsyncEngine
    settlement: RefreshResult = field(default_factory=RefreshResult)
    tells: Callable[[RefreshRequest], dict[str, dict[str, Any]]] = lambda _: {}
    asked: list[list[RefreshRequest]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    readers_of: list[str] = field(default_factory=list)

    def read(self, account: str) -> None:
        """Note it."""
        self.readers_of.append(account)

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Return the same result for every batch of requests."""
        self.asked.append(list(requests))
        self.arrivals.append(arrived_at)
        async with self.engine.begin() as connection:
            for want in requests:
                for name, values in self.tells(want).items():
                    await connection.execute(update(tables.metadata.tables[name]).values(**values))
            await bump(connection)
        return self.settlement

    @property
    def wants(self) -> list[RefreshRequest]:
        """Of the only call."""
        (wants,) = self.asked
        return wants


def swept(**values: Any) -> Callable[[RefreshRequest], dict[str, dict[str, Any]]]:
    """A complete sweep of every scope just now, that told these values of every resource."""
    scope = {"swept_no": 9, "swept_at": ago(-1), "tried_no": 9, "tried_at": ago(-1)}
    return lambda _: {"scopes": scope} | ({"resources": values} if values else {})


@dataclass
class Bench:
    """What a test holds."""

    reader: Reader
    statements: StatementCompiler
    refresher: FakeRefresher
    clock: ManualClock

    async def answer(self, *roots: Selected, viewer: Viewer = READER) -> OperationAnswer:
        """Of a request that arrived at NOW and is looked at two seconds later."""
        plan, params = build_plan(Selection((), roots), FreshnessRules())
        authorize(viewer, plan.requirements)
        statement = None
        if plan.shapes:
            statement = self.statements.compile(plan.shapes, restricted=viewer.accounts is not None)
        request = ReadRequest(plan.keys, plan.demands, plan.errors, statement, viewer_params(viewer, params))
        return await self.reader.read(request, NOW)

    async def one(self, root: Selected, viewer: Viewer = READER) -> Any:
        """The only root field's answer."""
        return (await self.answer(root, viewer=viewer)).values[root.key]


@asynccontextmanager
async def bench(world: World, links_owner: ResourceKind = ResourceKind.MACHINES) -> AsyncIterator[Bench]:
    """A reader over this world; `slow` waits 40 s by default, others as the rules say."""
    async with world.recorded() as engine:
        refresher, clock = FakeRefresher(engine), ManualClock(NOW)
        clock.advance(2)
        owners = {str(account["name"]): links_owner for account in world.accounts}
        freshness = FreshnessContext(FreshnessRules(), owners, {"slow": 40.0})
        queries, worker = QueryReader(EngineReader(engine, 5), engine.dialect), CompileWorker(rest=lambda _: None)
        statements = StatementCompiler(engine.dialect)
        reader = Reader(queries, statements, worker, refresher, freshness, clock)
        yield Bench(reader, statements, refresher, clock)
        worker.close()
