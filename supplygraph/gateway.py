"""The composition root: everything that one gateway is made of, built once from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from db.database import Database
from db.query.reader import QueryReader
from db.query.sql.statement import StatementCompiler
from db.record.store import Store
from db.tokens import TokenRows
from domain.ports import AccountSetup, KeepFresh
from domain.timestamps import Clock, SystemClock
from reconcile.call_stats import CallCounter
from reconcile.engine import Reconciler
from resolvers.freshness.evaluation import FreshnessContext
from resolvers.operation.compile_worker import CompileWorker
from resolvers.reader import Reader
from supplygraph.auth.tokens import Authenticator
from supplygraph.config.settings import AccountSettings, Settings
from supplygraph.observability.runtime_stats import GatewayStats
from supplygraph.observability.telemetry import Telemetry
from vendors import registry
from vendors.client.cloud import VendorCloud


@dataclass(frozen=True, slots=True)
class Gateway:
    """Built by `assemble`; `running` brings it to life."""

    settings: Settings
    clock: Clock
    telemetry: Telemetry
    database: Database
    store: Store
    tokens: TokenRows
    clouds: Mapping[str, VendorCloud]
    setups: tuple[AccountSetup, ...]
    reconciler: Reconciler
    reader: Reader
    queries: QueryReader
    statements: StatementCompiler
    authenticator: Authenticator
    worker: CompileWorker

    def max_age_of(self, account: str) -> float:
        """The default max age of an account, in seconds."""
        known = {setup.name: setup.cooldown_seconds for setup in self.setups}
        return known.get(account, self.settings.freshness.cooldown_seconds)

    @asynccontextmanager
    async def running(self, *, background: bool = True) -> AsyncIterator[Self]:
        """Bring the record up to this version and start; at the end flights end and connections are closed.

        `background` also sweeps what was never swept. Raises ConfigurationError.
        """
        try:
            await self.database.migrate()
            await self.reconciler.start(background=background)
            yield self
        finally:
            self.worker.close()
            await self.reconciler.close()
            await self.authenticator.close()
            await self.queries.close()
            await self.database.close()


def assemble(settings: Settings, clock: Clock | None = None) -> Gateway:
    """Build a gateway. No file is touched and no connection made. Raises ConfigurationError.

    Without a clock it goes by the record's.
    """
    database = Database.open(settings.database.url.get_secret_value(), settings.connection_settings())
    gateway_clock = clock or database.clock(SystemClock())
    hourly = CallCounter(gateway_clock)
    telemetry = Telemetry(hourly)
    clouds = {
        account.name: registry.build(
            account.vendor,
            account.name,
            account.own,
            account.endpoint,
            clock=gateway_clock,
            observer=telemetry.call_ended,
            budget_share=account.budget_share,
        )
        for account in settings.accounts
    }
    setups = tuple(_setup(account, clouds[account.name], settings) for account in settings.accounts)
    store = Store(database.engine, gateway_clock)
    reconciler = Reconciler(
        store,
        clouds,
        setups,
        settings.freshness.rules(),
        settings.absence.rules(),
        telemetry,
        observer=telemetry,
        clock=gateway_clock,
        keep_days=settings.history.keep_days,
        flight_seconds={account.name: flight_seconds(account, settings) for account in settings.accounts},
    )
    queries = QueryReader(
        database.readers(settings.limits.statement_seconds),
        database.engine.dialect,
        stats=GatewayStats(clouds, hourly, gateway_clock),
        cache_bytes=int(settings.graph.cache_mb * 2**20),
    )
    statements, worker = StatementCompiler(database.engine.dialect), CompileWorker()
    freshness = FreshnessContext(
        settings.freshness.rules(),
        {name: cloud.links_owner for name, cloud in clouds.items()},
        deadlines(settings),
    )
    reader = Reader(queries, statements, worker, reconciler, freshness, gateway_clock, telemetry.age_served)
    tokens = TokenRows(database.engine)
    return Gateway(
        settings=settings,
        clock=gateway_clock,
        telemetry=telemetry,
        database=database,
        store=store,
        tokens=tokens,
        clouds=MappingProxyType(clouds),
        setups=setups,
        reconciler=reconciler,
        reader=reader,
        queries=queries,
        statements=statements,
        authenticator=Authenticator(tokens, gateway_clock),
        worker=worker,
    )


def _setup(account: AccountSettings, cloud: VendorCloud, settings: Settings) -> AccountSetup:
    own = account.cooldown_seconds, registry.find(account.vendor).default_cooldown_seconds
    cooldown = _first(*own, settings.freshness.cooldown_seconds)
    return AccountSetup(account.name, account.vendor, cooldown, cloud.scopes, _keep_fresh(account), _id_space(account))


def flight_seconds(account: AccountSettings, settings: Settings) -> float:
    """How long a whole flight of an account may take: its own, else its vendor's, else the global one."""
    own = account.flight_seconds, registry.find(account.vendor).default_flight_seconds
    return _first(*own, settings.freshness.flight_seconds)


def _first(account: float | None, vendor: float | None, otherwise: float) -> float:
    return next((seconds for seconds in (account, vendor) if seconds is not None), otherwise)


def _id_space(account: AccountSettings) -> str | None:
    """Ids of one vendor at two addresses may be of two clouds: a proxy, a private region, a double."""
    if not registry.find(account.vendor).ids_span_accounts:
        return None
    return f"{account.vendor} {(account.endpoint or '').rstrip('/')}".strip()


def _keep_fresh(account: AccountSettings) -> KeepFresh | None:
    seconds = account.keep_fresh_seconds
    if seconds is None:
        return None
    moving = account.keep_fresh_moving_seconds or max(1.0, seconds / 5)
    return KeepFresh(seconds, min(moving, seconds), account.keep_fresh_idle_seconds)


def deadlines(settings: Settings) -> dict[str, float]:
    """The default max wait of each account that has its own, or whose vendor has; no longer than any reader may ask."""
    own = {
        account.name: (account.deadline_seconds, registry.find(account.vendor).default_deadline_seconds)
        for account in settings.accounts
    }
    told = {name: next((each for each in seconds if each is not None), None) for name, seconds in own.items()}
    longest = settings.freshness.deadline_max_seconds
    return {name: min(seconds, longest) for name, seconds in told.items() if seconds is not None}
