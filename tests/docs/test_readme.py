"""The README is short, and the sandbox gives the answer that it shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from domain.enums import Permission
from domain.records.model import ScopeKey
from supplygraph.app import Application
from supplygraph.auth.tokens import make
from supplygraph.config.settings import DatabaseSettings, Settings
from supplygraph.demo import sandbox_accounts
from supplygraph.gateway import assemble
from tests.clock import ManualClock
from tests.docs.pages import ROOT, blocks, read

README = ROOT / "README.md"
_MOST_LINES = 120
_PASSED_SECONDS = 42


@asynccontextmanager
async def sandbox_app(folder: Path, down: str) -> AsyncIterator[tuple[Application, str]]:
    """Run the sandbox of `supplygraph serve`, swept a while ago, with one account down. Return the application and a token."""
    clock = ManualClock()
    async with sandbox_accounts(clock) as accounts:
        database = DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'sandbox.db'}"))
        gateway = assemble(Settings(database=database).model_copy(update={"accounts": accounts}), clock)
        async with gateway.running(background=False):
            for setup in gateway.setups:
                for kind, region in setup.scopes:
                    await gateway.reconciler.sweep(ScopeKey(setup.name, kind, region))
            token = make("readme", Permission, None, clock.now())
            await gateway.tokens.add(token.record)
            async with httpx.AsyncClient(base_url=str(accounts[0].endpoint), trust_env=False) as cloud:
                response = await cloud.post("/_control/faults", json={"kind": "unavailable", "tenant": down})
                assert 201 == response.status_code
            clock.advance(_PASSED_SECONDS)
            yield Application(gateway, running=True), token.text


def _without_ages(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_ages(child) for key, child in value.items() if key not in {"ageSeconds", "oldestAgeSeconds"}
        }
    return [_without_ages(child) for child in value] if isinstance(value, list) else value


async def test_the_printed_answer_is_real(tmp_path: Path) -> None:
    """The sandbox answers the README's query with the README's JSON, except for the ages."""
    (query,) = (block.text for block in blocks("graphql") if block.page == README)
    (answer,) = (json.loads(block.text) for block in blocks("json") if block.page == README)

    async with sandbox_app(tmp_path, "sandbox-research") as (app, token):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            headers = {"Authorization": f"Bearer {token}"}
            response = await client.post("/graphql", json={"query": query}, headers=headers)

    assert _without_ages(answer) == _without_ages(response.json())
    assert {"STALE", "FRESH"} == {node["freshness"]["state"] for node in answer["data"]["resources"]["nodes"]}


def test_the_readme_is_short() -> None:
    """The README has at most 120 lines, and the answer comes before the first section."""
    text = read(README)

    assert text.count("\n") <= _MOST_LINES
    assert text.index("```json") < text.index("\n## ")
