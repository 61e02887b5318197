"""A whole gateway on a port of this machine, with a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from domain.enums import Permission
from supplygraph.app import Application
from supplygraph.auth.tokens import make
from supplygraph.config.settings import AccountSettings, DatabaseSettings, Settings
from supplygraph.gateway import Gateway, assemble
from supplygraph.serve import bind_listener
from tests.clock import ManualClock
from vendors.api_key import KeySettings
from vendors.base import ApiKey


def account(name: str, endpoint: str, key: str) -> AccountSettings:
    """An account of the simulated cloud."""
    own = KeySettings(credentials=ApiKey(api_key=SecretStr(key)))
    return AccountSettings(name=name, vendor="sandbox", endpoint=endpoint, own=own)


@dataclass(frozen=True)
class Served:
    """A gateway that answers at `client`'s address, with a token that may everything."""

    gateway: Gateway
    clock: ManualClock
    client: httpx.AsyncClient

    async def graph(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer, which is 200."""
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables or {}})
        assert 200 == answer.status_code, answer.text
        told: dict[str, Any] = answer.json()
        assert "errors" not in told, told
        return told

    async def data(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Its data alone."""
        told: dict[str, Any] = (await self.graph(query, variables))["data"]
        return told

    async def swept(self) -> None:
        """Wait until every scope was asked for the first time: readers do, by demanding the whole of it."""
        await self.data("{ resources(first: 1) { nodes { status linkedResources { status } } } }")


@asynccontextmanager
async def served(folder: Path, *accounts: AccountSettings, **freshness: float) -> AsyncIterator[Served]:
    """Run a gateway over these accounts; keyword arguments are its settings of freshness."""
    settings = Settings.model_validate({"freshness": freshness}).model_copy(
        update={
            "accounts": accounts,
            "database": DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}")),
        }
    )
    async with answering(settings, ManualClock()) as gateway:
        yield gateway


@asynccontextmanager
async def answering(settings: Settings, clock: ManualClock) -> AsyncIterator[Served]:
    """Run a gateway of these settings on a free port of loopback."""
    gateway = assemble(settings, clock)
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(bind_listener("127.0.0.1", 0))
        await stack.enter_async_context(gateway.running())
        token = make("proof", Permission, None, clock.now())
        await gateway.tokens.add(token.record, replace=True)
        config = uvicorn.Config(
            Application(gateway, running=True),
            lifespan="off",
            ws="none",
            log_config=None,
            # A connection that the server closes while a request is on its way breaks that request.
            timeout_keep_alive=600,
        )
        server = uvicorn.Server(config)
        # The process's signals are the test runner's.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()
        async with httpx.AsyncClient(
            base_url=f"http://{host}:{port}",
            headers={"Authorization": f"Bearer {token.text}"},
            timeout=60,
            limits=httpx.Limits(max_connections=200),
            trust_env=False,
        ) as client:
            try:
                yield Served(gateway, clock, client)
            finally:
                server.should_exit = True
                await serving
