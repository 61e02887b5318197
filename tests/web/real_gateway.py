"""The real gateway over a simulated cloud, in its own thread, because the browser driver blocks the test's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from sandbox.http.server import SandboxServer
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import sandbox_account, serve_accounts

KEYS = {"east": "key-of-east", "west": "key-of-west"}


@contextmanager
def real_gateway(folder: Path) -> Iterator[tuple[str, str]]:
    """Run the gateway; yields its origin and a token that it accepts."""
    ready: Future[tuple[str, str]] = Future()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(folder, ready, stop)), name="gateway")
    thread.start()
    try:
        yield ready.result(timeout=60)
    finally:
        stop.set()
        thread.join()


async def _serve(folder: Path, ready: Future[tuple[str, str]], stop: threading.Event) -> None:
    try:
        world = World.default(ManualClock(), 7, KEYS, lively=False)
        async with SandboxServer(world) as cloud:
            accounts = [sandbox_account(name, cloud.url, key) for name, key in KEYS.items()]
            async with serve_accounts(folder, *accounts) as gateway:
                await gateway.sweep_all()
                token = gateway.client.headers["Authorization"].removeprefix("Bearer ")
                ready.set_result((str(gateway.client.base_url).rstrip("/"), token))
                await asyncio.to_thread(stop.wait)
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise
