"""A complete gateway over a simulated cloud behind real HTTP, with a clock that tests advance."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.enums import Permission
from sandbox.http.server import SandboxServer
from sandbox.world import World
from supplygraph.app import Application
from supplygraph.auth.tokens import make
from supplygraph.config.settings import AccountSettings, DatabaseSettings, GraphSettings, ServerSettings, Settings
from supplygraph.gateway import Gateway, assemble
from supplygraph.observability.telemetry import Telemetry
from tests.clock import ManualClock
from vendors.api_key import KeySettings
from vendors.base import ApiKey

KEYS = {"east": "key-of-east", "west": "key-of-west"}
ORIGIN = "https://portal.example"


def settings_for(folder: Path, endpoint: str, **changes: Any) -> Settings:
    """Return settings with two accounts of the simulated cloud and a database in the folder."""
    accounts = tuple(
        AccountSettings(
            name=name,
            vendor="sandbox",
            endpoint=endpoint,
            own=KeySettings(credentials=ApiKey(api_key=SecretStr(key))),
        )
        for name, key in KEYS.items()
    )
    return Settings(
        server=ServerSettings(allowed_origins=[ORIGIN]),
        database=DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}")),
    ).model_copy(update={"accounts": accounts, **changes})


def with_whole_body(app: ASGIApp) -> ASGIApp:
    """Wrap an application so that it receives the body in one message, as a server sends it; httpx sends it in two."""

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        received: list[Message] = []

        async def receive_whole() -> Message:
            if received:
                return await receive()
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), bool(message.get("more_body"))
            received.append({"type": "http.request", "body": body, "more_body": False})
            return received[0]

        await app(scope, receive_whole, send)

    return wrapper


@dataclass(frozen=True)
class GatewayHarness:
    """A running gateway, its cloud and the clock of both."""

    app: Application
    gateway: Gateway
    cloud: SandboxServer
    clock: ManualClock
    client: httpx.AsyncClient

    async def token(self, *permissions: Permission, accounts: Iterable[str] | None = None) -> dict[str, str]:
        """Create a token and return its header. By default it has the permissions `read` and `refresh`."""
        permissions = permissions or (Permission.READ, Permission.REFRESH)
        name = f"token-{len(await self.gateway.tokens.all())}"
        token = make(name, permissions, accounts, self.clock.now())
        await self.gateway.tokens.add(token.record)
        return {"Authorization": f"Bearer {token.text}"}

    async def post(
        self, query: str, headers: Mapping[str, str], variables: Mapping[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Send an operation and return the response. `more` are further keys of the body."""
        body = {"query": query, "variables": variables or {}, **more}
        return await self.client.post("/graphql", json=body, headers=headers)

    async def graph(
        self, query: str, headers: Mapping[str, str], variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send an operation and return the response body."""
        body: dict[str, Any] = (await self.post(query, headers, variables)).json()
        return body

    def metric(self, sample: str) -> float:
        """Return the value of a sample of `/metrics`, written with its labels; 0 if there is none."""
        lines = self.gateway.telemetry.exposition().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    def with_plans_off(self) -> httpx.AsyncClient:
        """Return a client of a second application over the same gateway, in which Strawberry executes every operation."""
        settings = self.gateway.settings.model_copy(update={"graph": GraphSettings(plans=False)})
        gateway = dataclasses.replace(self.gateway, settings=settings, telemetry=Telemetry())
        return client_of(Application(gateway, running=True))

    async def resource_id(self, name: str, headers: dict[str, str]) -> str:
        """Return the UUID of the machine or volume with this name."""
        body = await self.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers)
        return str(next(node["resourceId"] for node in body["data"]["resources"]["nodes"] if node["name"] == name))


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    """Return a client of an application. An exception of the application is answered as a server would."""
    transport = httpx.ASGITransport(with_whole_body(app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


@asynccontextmanager
async def run_gateway(folder: Path, **changes: Any) -> AsyncIterator[GatewayHarness]:
    """Run a gateway. `changes` replace parts of the settings."""
    clock = ManualClock()
    world = World.default(clock, 7, KEYS, lively=False)
    async with SandboxServer(world) as cloud:
        gateway = assemble(settings_for(folder, cloud.url, **changes), clock)
        app = Application(gateway)
        async with app.lifespan(), client_of(app) as client:
            yield GatewayHarness(app, gateway, cloud, clock, client)
