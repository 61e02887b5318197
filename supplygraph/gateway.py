"""The composition root: everything that one gateway is made of, built once from its settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Self

from db.database import Database
from db.query import Readings
from db.record.store import Store
from db.tokens import TokenRows
from domain.ports import AccountSetup, KeepFresh
from domain.selection import Selected
from domain.timestamps import Clock, SystemClock
from domain.viewer import Viewer
from reconcile.call_stats import CallCounter
from reconcile.engine import Reconciler
from resolvers.reader import Prepared, Reader
from resolvers.summary import OperationAnswer
from supplygraph.auth.tokens import Authenticator
from supplygraph.config.settings import AccountSettings, Settings
from supplygraph.observability.runtime_stats import GatewayStats
from supplygraph.observability.telemetry import Telemetry
from supplygraph.workbench import CompileWorker
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
    reader: AgesTold
    readings: Readings
    authenticator: Authenticator
    workbench: CompileWorker = field(default_factory=CompileWorker)

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
            self.workbench.close()
            await self.reconciler.close()
            await self.authenticator.close()
            await self.readings.close()
            await self.database.close()


def assemble(settings: Settings, clock: Clock | None = None) -> Gateway:
    """Build a gateway. No file is touched and no connection made. Raises ConfigurationError.

    Without a clock it goes by the record's.
    """
    database = Database.open(settings.database.url.get_secret_value(), settings.connection_settings())
    told_clock = clock or database.clock(SystemClock())
    hourly = CallCounter(told_clock)
    telemetry = Telemetry(hourly)
    clouds = {
        account.name: registry.build(
            account.vendor,
            account.name,
            account.own,
            account.endpoint,
            clock=told_clock,
            observer=telemetry.call_ended,
            budget_share=account.budget_share,
        )
        for account in settings.accounts
    }
    setups = tuple(_setup(account, clouds[account.name], settings) for account in settings.accounts)
    store = Store(database.engine, told_clock)
    reconciler = Reconciler(
        store,
        clouds,
        setups,
        settings.freshness.rules(),
        settings.absence.rules(),
        telemetry,
        observer=telemetry,
        clock=told_clock,
        keep_days=settings.history.keep_days,
        flight_seconds={account.name: flight_seconds(account, settings) for account in settings.accounts},
    )
    readings = Readings(
        database.engine,
        settings.limits.statement_seconds,
        running=GatewayStats(clouds, hourly, told_clock),
        connections=database.readers(),
        kept_bytes=int(settings.graph.cache_mb * 2**20),
    )
    reader = Reader(
        readings,
        reconciler,
        settings.freshness.rules(),
        told_clock,
        {name: cloud.links_owner for name, cloud in clouds.items()},
        deadlines(settings),
    )
    tokens = TokenRows(database.engine)
    return Gateway(
        settings=settings,
        clock=told_clock,
        telemetry=telemetry,
        database=database,
        store=store,
        tokens=tokens,
        clouds=MappingProxyType(clouds),
        setups=setups,
        reconciler=reconciler,
        reader=AgesTold(reader, telemetry),
        readings=readings,
        authenticator=Authenticator(tokens, told_clock),
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


class AgesTold:
    """A reader whose answers' ages are noted."""

    def __init__(self, reader: Reader, telemetry: Telemetry) -> None:
        self._reader = reader
        self._telemetry = telemetry

    def prepare(self, roots: Sequence[Selected], viewer: Viewer, *, write: bool = True) -> Prepared:
        """As the reader's own."""
        return self._reader.prepare(roots, viewer, write=write)

    async def answer(self, roots: Sequence[Selected], viewer: Viewer, arrival: datetime) -> OperationAnswer:
        """As the reader's own."""
        return await self.run(self.prepare(roots, viewer), arrival)

    async def run(self, prepared: Prepared, arrival: datetime) -> OperationAnswer:
        """As the reader's own."""
        answer = await self._reader.run(prepared, arrival)
        if answer.summary.oldest_age_seconds is not None:
            self._telemetry.age_served(answer.summary.oldest_age_seconds)
        return answer
