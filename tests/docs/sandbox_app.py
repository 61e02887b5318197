"""The gateway that `supplygraph serve` runs if nothing is configured, for the pages that show its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from domain.enums import Permission
from domain.records.model import ScopeKey
from supplygraph.app import Application
from supplygraph.auth.tokens import make
from supplygraph.config.settings import DatabaseSettings, GraphSettings, Settings
from supplygraph.demo import sandbox_accounts
from supplygraph.gateway import assemble
from tests.clock import ManualClock

SECONDS_SINCE_SWEEP = 42


@dataclass(frozen=True, slots=True)
class SandboxClient:
    """A client of the gateway, with every permission."""

    http: httpx.AsyncClient
    token: str

    async def post(self, query: str, **variables: object) -> dict[str, Any]:
        """Return the body of the response to a query."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        body: dict[str, Any] = response.json()
        return body


@asynccontextmanager
async def run_sandbox_app(folder: Path, *, down: str | None = None, plans: bool = True) -> AsyncIterator[SandboxClient]:
    """Run the gateway, with a sweep of every scope some seconds ago. The account `down` is unavailable since."""
    clock = ManualClock()
    async with sandbox_accounts(clock) as accounts:
        database = DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'sandbox.db'}"))
        settings = Settings(database=database, graph=GraphSettings(plans=plans))
        gateway = assemble(settings.model_copy(update={"accounts": accounts}), clock)
        async with gateway.running(background=False):
            for setup in gateway.setups:
                for kind, region in setup.scopes:
                    await gateway.reconciler.sweep(ScopeKey(setup.name, kind, region))
            token = make("docs", Permission, None, clock.now())
            await gateway.tokens.add(token.record)
            if down is not None:
                await _break(str(accounts[0].endpoint), down)
            clock.advance(SECONDS_SINCE_SWEEP)
            transport = httpx.ASGITransport(Application(gateway, running=True))
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                yield SandboxClient(client, token.text)


async def _break(cloud_url: str, tenant: str) -> None:
    async with httpx.AsyncClient(base_url=cloud_url, trust_env=False) as cloud:
        response = await cloud.post("/_control/faults", json={"kind": "unavailable", "tenant": tenant})
        assert response.status_code == httpx.codes.CREATED
