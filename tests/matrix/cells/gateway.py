"""One gateway over the accounts of many cells, read through its public HTTP interface."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog
from pydantic import SecretStr

from domain.enums import ResourceKind
from supplygraph.config.settings import AccountSettings, DatabaseSettings, Settings
from supplygraph.observability import logs
from tests.clock import ManualClock
from tests.matrix.cells.cloud import LACKING_NUMBER, CellCloud
from tests.matrix.faults import Address, Fault
from tests.matrix.player import FlightKind, Player
from tests.proofs.support.gateway_server import ServedGateway, serve_settings
from vendors import registry
from vendors.client.rate_limits import SHARE

MAX_WAIT: Final = 25.0
"""Seconds that a reader waits: longer than any flight, except one that never ends."""
_CONCURRENT_READERS: Final = 12
_SCARCE_CALLS: Final = 20
QUERY: Final = """query ($account: [String!], $force: Boolean!, $wait: Float!) {
  resources(
    filter: {account: $account, includeDeleted: true}, first: 100, freshness: {maxWaitSeconds: $wait, forceRefresh: $force}
  ) {
    nodes {
      resourceId resourceType vendorId name status vendorStatus lastSyncedAt
      freshness { state reason }
      linkedResources { resourceId linkType linkedUntil }
    }
    coverage { gaps { kind reason } }
  }
}"""
ACCOUNTS: Final = "{ accounts { name state lastError scopes { kind state reason } } }"


Node: TypeAlias = Mapping[str, Any]
"""One resource in an answer of the gateway."""


@dataclass
class Cell:
    """One vendor, one fault, and the flight that meets it."""

    vendor: str
    fault: Fault
    flight: FlightKind
    cloud: CellCloud
    player: Player

    @property
    def name(self) -> str:
        """The vendor and the fault."""
        return f"{self.vendor} {self.fault.name}"

    @property
    def account(self) -> str:
        """The name of the cell's account."""
        return f"{self.vendor}-{self.fault.slug}"

    @property
    def lacking_id(self) -> str:
        """The vendor id of the machine that listings omit in the cells of probes."""
        return self.player.vendor_id(ResourceKind.MACHINES, LACKING_NUMBER)

    @property
    def is_deleted(self) -> bool:
        """Whether that machine is truly deleted."""
        return self.fault.truthful and self.flight is FlightKind.PROBE

    @property
    def secret(self) -> str:
        """The prefix of the cell's credentials. It occurs in no other text of the matrix."""
        return f"S3cret-{self.account}"


@dataclass
class CapturedLog:
    """The log lines written while the log was captured."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def flights(self, account: str, what: str, since: int) -> list[dict[str, Any]]:
        """Return the lines of an account's ended flights after the first `since` characters of the log."""
        lines = [json.loads(line) for line in self.text[since:].splitlines() if line.startswith("{")]
        return [
            line
            for line in lines
            if (line["event"], line.get("account"), line.get("what")) == ("flight", account, what)
        ]

    @property
    def text(self) -> str:
        """The whole log."""
        return self.stream.getvalue()


@contextmanager
def capture_log() -> Iterator[CapturedLog]:
    """Capture the log as the gateway writes it. The logging configuration is restored afterwards."""
    root = logging.getLogger()
    product = logging.getLogger("supplygraph")
    handlers, root_level, product_level, configuration = (
        root.handlers,
        root.level,
        product.level,
        structlog.get_config(),
    )
    log = CapturedLog()
    logs.configure(log.stream)
    try:
        yield log
    finally:
        root.handlers = handlers
        root.setLevel(root_level)
        product.setLevel(product_level)
        structlog.configure(**configuration)


@dataclass(frozen=True)
class AccountRead:
    """The response that one reader received about a cell's account, and how long it took."""

    seconds: float
    nodes: Mapping[str, Node]
    """Resources by vendor id."""
    gaps: Mapping[str, str]
    """Reasons of coverage gaps by kind."""


class MatrixGateway:
    """Starts, stops and restarts one gateway over its cells, with one database and one clock."""

    def __init__(self, folder: Path, cells: list[Cell], flight_seconds: float, starting: asyncio.Lock) -> None:
        self.cells = cells
        self.clock = ManualClock()
        self.published: list[str] = []
        """All texts that left the gateway."""
        self._folder = folder
        self._flight_seconds = flight_seconds
        # Alembic's migration context is global: one database at a time can be migrated in a process.
        self._starting = starting
        self._running = AsyncExitStack()
        self._served: ServedGateway | None = None
        self._reader_slots = asyncio.Semaphore(_CONCURRENT_READERS)

    @property
    def served(self) -> ServedGateway:
        """The running gateway."""
        assert self._served is not None
        return self._served

    async def start(self, *, faulty: bool) -> None:
        """Start the gateway. If `faulty`, each account has its fault's address instead of the correct one."""
        settings = Settings.model_validate(
            # A busy test machine must not make a statement time out.
            {"freshness": {"flight_seconds": self._flight_seconds}, "limits": {"statement_seconds": 60}}
        ).model_copy(
            update={
                "accounts": tuple(
                    _account_settings(cell, cell.fault.address if faulty else None, self._flight_seconds)
                    for cell in self.cells
                ),
                "database": DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{self._folder / 'record.db'}")),
            }
        )
        async with self._starting:
            self._served = await self._running.enter_async_context(serve_settings(settings, self.clock))

    async def stop(self) -> None:
        """Stop the gateway, after recording its metrics as a published text."""
        metrics = await self.served.client.get("/metrics")
        assert 200 == metrics.status_code
        self.published.append(metrics.text)
        await self.served.gateway.tokens.revoke("proof", self.clock.now())
        await self._running.aclose()

    async def restart(self, *, faulty: bool) -> None:
        """Stop the gateway and start it again on the same database."""
        await self.stop()
        await self.start(faulty=faulty)

    async def wait_for_flights(self) -> None:
        """Wait for all running flights, including those that no reader waits for."""
        # The gateway has no public interface for this: background flights have no owner to ask.
        while running := {*self.served.gateway.reconciler._runner.tasks._finite}:
            await asyncio.wait(running)

    async def read_all(self, *, force: bool = False, wait: float = MAX_WAIT) -> dict[str, AccountRead]:
        """Read every account concurrently. Return the reads by account name."""
        reads = await asyncio.gather(*(self.read(cell, force=force, wait=wait) for cell in self.cells))
        return dict(zip((cell.account for cell in self.cells), reads, strict=True))

    async def read(self, cell: Cell, *, force: bool = False, wait: float = MAX_WAIT) -> AccountRead:
        """Read all resources of a cell's account."""
        async with self._reader_slots:
            loop = asyncio.get_running_loop()
            started = loop.time()
            answer = await self.served.graph(QUERY, {"account": [cell.account], "force": force, "wait": wait})
            seconds = loop.time() - started
        self.published.append(json.dumps(answer))
        resources = answer["data"]["resources"]
        nodes = {node["vendorId"]: node for node in resources["nodes"]}
        assert len(nodes) == len(resources["nodes"]), "two resources have the same vendor id"
        return AccountRead(seconds, nodes, {gap["kind"]: gap["reason"] for gap in resources["coverage"]["gaps"]})

    async def read_accounts(self) -> None:
        """Read the accounts and their last errors as an operator would."""
        self.published.append(json.dumps(await self.served.data(ACCOUNTS)))

    async def read_by_rest(self, resource_id: str, wait: float = MAX_WAIT) -> tuple[float, dict[str, Any]]:
        """Read one resource by REST. Return the seconds that it took, and the body."""
        async with self._reader_slots:
            loop = asyncio.get_running_loop()
            started = loop.time()
            answer = await self.served.client.get(f"/resources/{resource_id}", headers={"Prefer": f"wait={wait:.0f}"})
            seconds = loop.time() - started
        assert 200 == answer.status_code, answer.text
        self.published.append(f"{answer.headers}\n{answer.text}")
        body: dict[str, Any] = answer.json()
        return seconds, body

    def database_bytes(self) -> bytes:
        """Return the content of the database files, including the write-ahead log."""
        return b"".join(file.read_bytes() for file in self._folder.glob("record.db*"))


def _account_settings(cell: Cell, address: Address | None, flight_seconds: float) -> AccountSettings:
    adapter = registry.find(cell.vendor)
    # With a tight rate limit, a cell's result would depend on how long each cell waits for its turn, and some cells would
    # never meet their fault: Vast allows one call for volumes in eleven seconds.
    is_scarce = any(limit.calls < _SCARCE_CALLS for limit in adapter.documented_limits)
    return AccountSettings(
        name=cell.account,
        vendor=cell.vendor,
        endpoint=cell.cloud.addresses[address],
        own=adapter.settings_type.model_validate(cell.player.settings(cell.secret)),
        flight_seconds=flight_seconds,
        budget_share=1000 if is_scarce else SHARE,
    )
