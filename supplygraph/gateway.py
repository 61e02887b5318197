"""The composition root: builds the parts of one gateway from its settings, and starts and stops them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
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
from vendors.client.transport import TransportLimits


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a gateway. `assemble` builds it and `running` runs it."""

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
        """Return the default max age of an account, in seconds."""
        cooldowns = {setup.name: setup.cooldown_seconds for setup in self.setups}
        return cooldowns.get(account, self.settings.freshness.cooldown_seconds)

    @asynccontextmanager
    async def running(self, *, background: bool = True) -> AsyncIterator[Self]:
        """Migrate the database and start; at the end, let flights end and close all connections.

        `background` starts the periodic tasks as well, and sweeps scopes that were never swept. Raises ConfigurationError.
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
    """Build a gateway, without opening a file or a connection. Raises ConfigurationError.

    `clock` replaces the database's clock, for tests.
    """
    database = Database.open(settings.database.url.get_secret_value(), settings.connection_settings())
    gateway_clock = clock or database.clock(SystemClock())
    call_counter = CallCounter(gateway_clock)
    telemetry = Telemetry(call_counter)
    clouds = _clouds(settings, gateway_clock, telemetry)
    setups = tuple(_setup(account, clouds[account.name], settings) for account in settings.accounts)
    store = Store(database.engine, gateway_clock)
    reconciler = _reconciler(settings, store, clouds, setups, telemetry, gateway_clock)
    queries = QueryReader(
        database.readers(settings.limits.statement_seconds),
        database.engine.dialect,
        stats=GatewayStats(clouds, call_counter, gateway_clock),
        cache_bytes=int(settings.graph.cache_mb * 2**20),
    )
    statements, worker = StatementCompiler(database.engine.dialect), CompileWorker()
    freshness = _freshness_context(settings, clouds)
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
        reader=Reader(queries, statements, worker, reconciler, freshness, gateway_clock, telemetry.age_served),
        queries=queries,
        statements=statements,
        authenticator=Authenticator(tokens, gateway_clock),
        worker=worker,
    )


def _clouds(settings: Settings, clock: Clock, telemetry: Telemetry) -> dict[str, VendorCloud]:
    """Return the cloud of each account, by account name."""
    return {
        account.name: registry.build(
            account.vendor,
            account.name,
            account.own,
            account.endpoint,
            clock=clock,
            observer=telemetry.call_ended,
            limits=TransportLimits.for_flight(flight_seconds(account, settings), int(account.max_answer_mb * 1024**2)),
            budget_share=account.budget_share,
            kinds=account.resource_kinds(),
            reread=account.reread_own,
        )
        for account in settings.accounts
    }


def _reconciler(
    settings: Settings,
    store: Store,
    clouds: Mapping[str, VendorCloud],
    setups: Sequence[AccountSetup],
    telemetry: Telemetry,
    clock: Clock,
) -> Reconciler:
    return Reconciler(
        store,
        clouds,
        setups,
        settings.freshness.rules(),
        settings.absence.rules(),
        telemetry,
        observer=telemetry,
        clock=clock,
        keep_days=settings.history.keep_days,
        flight_seconds={account.name: flight_seconds(account, settings) for account in settings.accounts},
    )


def _freshness_context(settings: Settings, clouds: Mapping[str, VendorCloud]) -> FreshnessContext:
    links_owner = {name: cloud.links_owner for name, cloud in clouds.items()}
    return FreshnessContext(settings.freshness.rules(), links_owner, deadlines(settings))


def _setup(account: AccountSettings, cloud: VendorCloud, settings: Settings) -> AccountSetup:
    vendor_default = registry.find(account.vendor).default_cooldown_seconds
    cooldown = _first_set(account.cooldown_seconds, vendor_default, settings.freshness.cooldown_seconds)
    return AccountSetup(account.name, account.vendor, cooldown, cloud.scopes, _keep_fresh(account), _id_space(account))


def flight_seconds(account: AccountSettings, settings: Settings) -> float:
    """Return how many seconds a whole flight of an account may take: its own setting, its vendor's default, or the global one."""
    vendor_default = registry.find(account.vendor).default_flight_seconds
    return _first_set(account.flight_seconds, vendor_default, settings.freshness.flight_seconds)


def _first_set(account: float | None, vendor: float | None, default: float) -> float:
    return next((seconds for seconds in (account, vendor) if seconds is not None), default)


def _id_space(account: AccountSettings) -> str | None:
    """Return the space in which the vendor's ids are unique across accounts, or None if they are unique per account only.

    The endpoint is part of it: a proxy, a private region or a test double may be another cloud with the same ids.
    """
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
    """Return the default max wait of each account that has one of its own or of its vendor, in seconds.

    Each is at most the longest max wait that a reader may demand.
    """
    longest = settings.freshness.deadline_max_seconds
    waits: dict[str, float] = {}
    for account in settings.accounts:
        vendor_default = registry.find(account.vendor).default_deadline_seconds
        seconds = account.deadline_seconds if account.deadline_seconds is not None else vendor_default
        if seconds is not None:
            waits[account.name] = min(seconds, longest)
    return waits
