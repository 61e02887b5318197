"""A whole gateway over a simulated cloud behind real HTTP, with a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.enums import Permission
from sandbox.http.server import SandboxServer
from sandbox.world import World
from supplygraph.app import make_app
from supplygraph.auth.tokens import make
from supplygraph.config.settings import AccountSettings, DatabaseSettings, ServerSettings, Settings
from supplygraph.gateway import Gateway, assemble
from supplygraph.graphql_execution import Operations
from supplygraph.http.graphql import GraphQLEndpoint
from tests.clock import ManualClock
from vendors.api_key import KeySettings
from vendors.base import ApiKey

KEYS = {"east": "key-of-east", "west": "key-of-west"}
ORIGIN = "https://portal.example"


def settings_for(folder: Path, endpoint: str, **changes: Any) -> Settings:
    """Two accounts of the simulated cloud, with the record in the folder."""
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


def at_once(app: ASGIApp) -> ASGIApp:
    """An application that gets a body in one piece, as a server gives it that has all of it; httpx's client gives it in two."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        waiting: list[Message] = []

        async def whole() -> Message:
            if waiting:
                return await receive()
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), bool(message.get("more_body"))
            waiting.append({"type": "http.request", "body": body, "more_body": False})
            return waiting[0]

        await app(scope, whole, send)

    return called


@dataclass(frozen=True)
class Running:
    """A gateway that answers, the cloud behind it, and the clock of both."""

    app: FastAPI
    gateway: Gateway
    cloud: SandboxServer
    clock: ManualClock
    client: httpx.AsyncClient

    @property
    def operations(self) -> Operations:
        """What runs the graph's operations."""
        (route,) = (route for route in self.app.routes if getattr(route, "path", None) == "/graphql")
        endpoint = getattr(route, "endpoint", None)
        assert isinstance(endpoint, GraphQLEndpoint)
        return endpoint.operations

    async def token(self, *permissions: Permission, accounts: Iterable[str] | None = None) -> dict[str, str]:
        """The header of a new token; it may read and refresh unless told otherwise."""
        given = permissions or (Permission.READ, Permission.REFRESH)
        name = f"token-{len(await self.gateway.tokens.all())}"
        token = make(name, given, accounts, self.clock.now())
        await self.gateway.tokens.add(token.record)
        return {"Authorization": f"Bearer {token.text}"}

    async def graph(self, query: str, headers: dict[str, str]) -> dict[str, Any]:
        """What the graph answers."""
        answer = await self.client.post("/graphql", json={"query": query}, headers=headers)
        told: dict[str, Any] = answer.json()
        return told

    async def resource_id(self, name: str, headers: dict[str, str]) -> str:
        """The UUID of the machine or volume of this name, as recorded."""
        told = await self.graph("{ resources(first: 100) { nodes { resourceId name } } }", headers)
        return str(next(node["resourceId"] for node in told["data"]["resources"]["nodes"] if node["name"] == name))


@asynccontextmanager
async def running(folder: Path, **changes: Any) -> AsyncIterator[Running]:
    """Run one. What is named in `changes` replaces parts of the settings."""
    clock = ManualClock()
    world = World.default(clock, 7, KEYS, lively=False)
    async with SandboxServer(world) as cloud:
        gateway = assemble(settings_for(folder, cloud.url, **changes), clock)
        app = make_app(gateway)
        transport = httpx.ASGITransport(at_once(app), raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://gateway") as client,
        ):
            yield Running(app, gateway, cloud, clock, client)
