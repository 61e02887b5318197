"""A whole gateway on a port of this machine, with a clock that stands until it is moved."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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

PATIENCE_SECONDS: Final = 600.0
"""A wait that no test is meant to reach: a busy machine must not turn a fresh answer into a late one."""
PATIENT_FRESHNESS: Final = dict.fromkeys(
    ("deadline_seconds", "deadline_max_seconds", "flight_seconds"), PATIENCE_SECONDS
)
"""Settings of freshness under which nothing real is too late. A test that needs a limit sets it."""


def sandbox_account(name: str, endpoint: str, key: str) -> AccountSettings:
    """Return an account of the simulated cloud."""
    own = KeySettings(credentials=ApiKey(api_key=SecretStr(key)))
    return AccountSettings(name=name, vendor="sandbox", endpoint=endpoint, own=own)


@dataclass(frozen=True)
class ServedGateway:
    """A gateway that answers at `client`'s address. The client has a token with every permission."""

    gateway: Gateway
    clock: ManualClock
    client: httpx.AsyncClient

    async def graph(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the whole answer to a GraphQL operation, which must be 200 and without errors."""
        response = await self.client.post("/graphql", json={"query": query, "variables": variables or {}})
        assert 200 == response.status_code, response.text
        answer: dict[str, Any] = response.json()
        assert "errors" not in answer, answer
        return answer

    async def data(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the data of the answer."""
        data: dict[str, Any] = (await self.graph(query, variables))["data"]
        return data

    async def sweep_all(self) -> None:
        """Have every scope swept, by a reader who demands all of them."""
        await self.data("{ resources(first: 1) { nodes { status linkedResources { status } } } }")


@asynccontextmanager
async def serve_accounts(folder: Path, *accounts: AccountSettings, **freshness: float) -> AsyncIterator[ServedGateway]:
    """Run a gateway over these accounts. Keyword arguments are settings of freshness; the others are patient."""
    settings = Settings.model_validate({"freshness": PATIENT_FRESHNESS | freshness}).model_copy(
        update={
            "accounts": accounts,
            "database": DatabaseSettings(
                url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}"), pool_wait_seconds=PATIENCE_SECONDS
            ),
        }
    )
    async with serve_settings(settings, ManualClock()) as gateway:
        yield gateway


@asynccontextmanager
async def serve_settings(settings: Settings, clock: ManualClock) -> AsyncIterator[ServedGateway]:
    """Run a gateway with these settings on a free port of loopback."""
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
        # The signals of this process belong to the test runner.
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host, port = listener.getsockname()
        async with httpx.AsyncClient(
            base_url=f"http://{host}:{port}",
            headers={"Authorization": f"Bearer {token.text}"},
            timeout=PATIENCE_SECONDS,
            limits=httpx.Limits(max_connections=200),
            trust_env=False,
        ) as client:
            try:
                yield ServedGateway(gateway, clock, client)
            finally:
                server.should_exit = True
                await serving
