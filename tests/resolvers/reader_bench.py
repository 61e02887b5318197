"""A reader over a small database, with a refresher that stores its requests instead of calling vendors."""

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
from resolvers.freshness.demands import authorize
from resolvers.freshness.evaluation import FreshnessContext
from resolvers.freshness.summary import OperationAnswer
from resolvers.operation.compile_worker import CompileWorker
from resolvers.operation.plan import build_plan
from resolvers.operation.selection import Selection
from resolvers.reader import Reader, ReadRequest, viewer_params
from tests.clock import ManualClock
from tests.db_query.support.rows import NOW, RowWorld, ago

READER = Viewer("reader", frozenset({Permission.READ, Permission.REFRESH}))


@dataclass
class FakeRefresher:
    """Stores the batches of requests, and writes to the database what a flight would have reported.

    `updates_for` returns, for a request, the column values to set in all rows of a table, by the name of the table.
    """

    engine: AsyncEngine
    result: RefreshResult = field(default_factory=RefreshResult)
    updates_for: Callable[[RefreshRequest], dict[str, dict[str, Any]]] = lambda _: {}
    batches: list[list[RefreshRequest]] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    read_accounts: list[str] = field(default_factory=list)

    def read(self, account: str) -> None:
        """Store the account."""
        self.read_accounts.append(account)

    async def refresh(self, requests: Sequence[RefreshRequest], arrived_at: float) -> RefreshResult:
        """Return the same result for every batch of requests."""
        self.batches.append(list(requests))
        self.arrivals.append(arrived_at)
        async with self.engine.begin() as connection:
            for request in requests:
                for name, values in self.updates_for(request).items():
                    await connection.execute(update(tables.metadata.tables[name]).values(**values))
            await bump(connection)
        return self.result

    @property
    def requests(self) -> list[RefreshRequest]:
        """The requests of the only batch."""
        (requests,) = self.batches
        return requests


def sweep_updates(**values: Any) -> Callable[[RefreshRequest], dict[str, dict[str, Any]]]:
    """Return the updates of a complete sweep of every scope just now, which reported these values of every resource."""
    scope = {"swept_no": 9, "swept_at": ago(-1), "tried_no": 9, "tried_at": ago(-1)}
    return lambda _: {"scopes": scope} | ({"resources": values} if values else {})


@dataclass
class ReaderBench:
    """A reader and its parts."""

    reader: Reader
    statements: StatementCompiler
    refresher: FakeRefresher
    clock: ManualClock

    async def answer(self, *roots: Selected, viewer: Viewer = READER) -> OperationAnswer:
        """Answer an operation that arrived at NOW and is evaluated two seconds later."""
        plan, params = build_plan(Selection((), roots), FreshnessRules())
        authorize(viewer, plan.requirements)
        statement = None
        if plan.shapes:
            statement = self.statements.compile(plan.shapes, restricted=viewer.accounts is not None)
        request = ReadRequest(plan.keys, plan.demands, plan.errors, statement, viewer_params(viewer, params))
        return await self.reader.read(request, NOW)

    async def fetch_value(self, root: Selected, viewer: Viewer = READER) -> Any:
        """Return the value of an operation's only root field."""
        return (await self.answer(root, viewer=viewer)).values[root.key]


@asynccontextmanager
async def open_bench(world: RowWorld, links_owner: ResourceKind = ResourceKind.MACHINES) -> AsyncIterator[ReaderBench]:
    """Yield a bench over this world. The account `slow` has a default max wait of 40 s; others have that of the rules."""
    async with world.database() as engine:
        refresher, clock = FakeRefresher(engine), ManualClock(NOW)
        clock.advance(2)
        owners = {str(account["name"]): links_owner for account in world.accounts}
        freshness = FreshnessContext(FreshnessRules(), owners, {"slow": 40.0})
        queries, worker = QueryReader(EngineReader(engine, 5), engine.dialect), CompileWorker(rest=lambda _: None)
        statements = StatementCompiler(engine.dialect)
        reader = Reader(queries, statements, worker, refresher, freshness, clock)
        yield ReaderBench(reader, statements, refresher, clock)
        worker.close()
