"""One gateway over the accounts of many cells, read through its front door."""

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
from tests.matrix.faults import Address, Fault
from tests.matrix.player import Player, When
from tests.matrix.stage import LOST, Stage
from tests.proofs.gateway_server import ServedGateway, serve_settings
from vendors import registry
from vendors.client.rate_limits import SHARE

MAX_WAIT: Final = 25.0
"""Seconds: longer than anything but a flight that never ends."""
_READERS: Final = 12
_FEW: Final = 20
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
"""One resource as it was told."""


@dataclass
class Cell:
    """One vendor, one fault, one flight that meets it."""

    vendor: str
    fault: Fault
    when: When
    stage: Stage
    player: Player

    @property
    def account(self) -> str:
        """The name of its account."""
        return f"{self.vendor}-{self.fault.slug}"

    @property
    def lost(self) -> str:
        """The vendor's id of the machine that listings lack in the cells of probes."""
        return self.player.vendor_id(ResourceKind.MACHINES, LOST)

    @property
    def gone(self) -> bool:
        """Whether that machine is truly no more."""
        return self.fault.true and self.when is When.PROBE

    @property
    def secret(self) -> str:
        """With what its credentials begin; in no other text of the matrix."""
        return f"S3cret-{self.account}"


@dataclass
class Logged:
    """What was written to the log while it was captured."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def flights(self, account: str, what: str, since: int) -> list[dict[str, Any]]:
        """The lines of an account's ended flights from this length of the log on."""
        lines = [json.loads(line) for line in self.text[since:].splitlines() if line.startswith("{")]
        return [
            line
            for line in lines
            if (line["event"], line.get("account"), line.get("what")) == ("flight", account, what)
        ]

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()


@contextmanager
def logged() -> Iterator[Logged]:
    """Capture the log as the gateway writes it; all is as before afterwards."""
    root = logging.getLogger()
    ours = logging.getLogger("supplygraph")
    before = root.handlers, root.level, ours.level, structlog.get_config()
    told = Logged()
    logs.configure(told.stream)
    try:
        yield told
    finally:
        root.handlers = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
        structlog.configure(**before[3])


@dataclass(frozen=True)
class Read:
    """What one reader was told of a cell's account, and how long it took."""

    seconds: float
    nodes: Mapping[str, Node]
    """By the vendor's id."""
    gaps: Mapping[str, str]
    """By kind."""


class World:
    """Runs, ends and runs again one gateway over these cells, with one record and one clock."""

    def __init__(self, folder: Path, cells: list[Cell], flight_seconds: float, starting: asyncio.Lock) -> None:
        self.cells = cells
        self.clock = ManualClock()
        self.told: list[str] = []
        """All texts that left the gateway."""
        self._folder = folder
        self._flight_seconds = flight_seconds
        # Migrations know one database a process at a time.
        self._starting = starting
        self._running = AsyncExitStack()
        self._served: ServedGateway | None = None
        self._turns = asyncio.Semaphore(_READERS)

    @property
    def served(self) -> ServedGateway:
        """The gateway that runs."""
        assert self._served is not None
        return self._served

    async def start(self, *, faulty: bool) -> None:
        """Run; `faulty` takes each cell's own address instead of the sound one."""
        settings = Settings.model_validate(
            # What a busy machine takes for one statement is no fault of the matrix.
            {"freshness": {"flight_seconds": self._flight_seconds}, "limits": {"statement_seconds": 60}}
        ).model_copy(
            update={
                "accounts": tuple(
                    _account(cell, cell.fault.address if faulty else None, self._flight_seconds) for cell in self.cells
                ),
                "database": DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{self._folder / 'record.db'}")),
            }
        )
        async with self._starting:
            self._served = await self._running.enter_async_context(serve_settings(settings, self.clock))

    async def stop(self) -> None:
        """End; what it told of itself is kept."""
        metrics = await self.served.client.get("/metrics")
        assert 200 == metrics.status_code
        self.told.append(metrics.text)
        await self.served.gateway.tokens.revoke("proof", self.clock.now())
        await self._running.aclose()

    async def restart(self, *, faulty: bool) -> None:
        """End and run again, on the same record."""
        await self.stop()
        await self.start(faulty=faulty)

    async def flown(self) -> None:
        """Wait for the flights that no reader waits for, too."""
        # There is no other way to know: nobody outside may wait for what belongs to nobody.
        while running := {*self.served.gateway.reconciler._shell.tasks._running}:
            await asyncio.wait(running)

    async def read_all(self, *, force: bool = False, wait: float = MAX_WAIT) -> dict[str, Read]:
        """A reader for each account."""
        reads = await asyncio.gather(*(self.read(cell, force=force, wait=wait) for cell in self.cells))
        return dict(zip((cell.account for cell in self.cells), reads, strict=True))

    async def read(self, cell: Cell, *, force: bool = False, wait: float = MAX_WAIT) -> Read:
        """One reader of everything that the account holds."""
        async with self._turns:
            loop = asyncio.get_running_loop()
            began = loop.time()
            answer = await self.served.graph(QUERY, {"account": [cell.account], "force": force, "wait": wait})
            seconds = loop.time() - began
        self.told.append(json.dumps(answer))
        listed = answer["data"]["resources"]
        nodes = {node["vendorId"]: node for node in listed["nodes"]}
        assert len(nodes) == len(listed["nodes"]), "a vendor's id has two records"
        return Read(seconds, nodes, {gap["kind"]: gap["reason"] for gap in listed["coverage"]["gaps"]})

    async def tell_accounts(self) -> None:
        """An operator looks at the accounts and their last errors."""
        self.told.append(json.dumps(await self.served.data(ACCOUNTS)))

    async def rest(self, resource_id: str, wait: float = MAX_WAIT) -> tuple[float, dict[str, Any], str]:
        """One reader of one resource by REST: the seconds, the body, and `Cache-Status`."""
        async with self._turns:
            loop = asyncio.get_running_loop()
            began = loop.time()
            answer = await self.served.client.get(f"/resources/{resource_id}", headers={"Prefer": f"wait={wait:.0f}"})
            seconds = loop.time() - began
        assert 200 == answer.status_code, answer.text
        self.told.append(f"{answer.headers}\n{answer.text}")
        body: dict[str, Any] = answer.json()
        return seconds, body, answer.headers["Cache-Status"]

    def recorded(self) -> bytes:
        """The database's bytes, its log included."""
        return b"".join(file.read_bytes() for file in self._folder.glob("record.db*"))


def _account(cell: Cell, address: Address | None, flight_seconds: float) -> AccountSettings:
    own = registry.find(cell.vendor).settings_type.model_validate(cell.player.settings(cell.secret))
    # Where few calls may be sent at once, what a cell came to would hang on how long each waits for its turn; some would never
    # meet their fault: of Vast's volumes one call may be sent in eleven seconds.
    paced = any(limit.calls < _FEW for limit in registry.find(cell.vendor).documented_limits)
    return AccountSettings(
        name=cell.account,
        vendor=cell.vendor,
        endpoint=cell.stage.addresses[address],
        own=own,
        flight_seconds=flight_seconds,
        budget_share=1000 if paced else SHARE,
    )
