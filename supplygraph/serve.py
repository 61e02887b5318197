"""Runs the gateway: takes the port and the record's lock, serves until a signal, lets requests and flights end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import uvicorn

from domain.enums import Permission
from domain.errors import ConfigurationError
from domain.timestamps import SystemClock
from resolvers.operation.compile_worker import SWITCH_SECONDS
from supplygraph.app import Application
from supplygraph.auth.tokens import make
from supplygraph.config.settings import Settings
from supplygraph.demo import sandbox_accounts
from supplygraph.gateway import assemble
from supplygraph.serve_lock import serve_lock

SANDBOX_TOKEN: Final = "sandbox"  # noqa: S105 - a token's name
_BACKLOG: Final = 2_048
_GRACE_SECONDS: Final = 5
_COLLECTED: Final = (20_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Started:
    """What is told once the gateway answers. `token` and `cloud`, the simulated cloud's address, are set on the sandbox alone."""

    address: str
    token: str | None = None
    cloud: str | None = None


def serve(settings: Settings, *, sandbox: bool, on_started: Callable[[Started], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError where it cannot start."""
    host = settings.server.host
    sys.setswitchinterval(SWITCH_SECONDS)
    with contextlib.closing(bound(host, settings.server.port)) as listener:
        config = uvicorn.Config("", loop="auto", log_config=None)
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_serve(settings, listener, on_started, sandbox=sandbox))


async def _serve(
    settings: Settings, listener: socket.socket, on_started: Callable[[Started], None], *, sandbox: bool
) -> None:
    async with AsyncExitStack() as stack:
        if sandbox:
            accounts = await stack.enter_async_context(sandbox_accounts(SystemClock()))
            settings = settings.model_copy(update={"accounts": accounts})
        gateway = assemble(settings)
        stack.enter_context(serve_lock(gateway.database.file))
        await stack.enter_async_context(gateway.running())
        started = Started(address_of(settings.server.host, listener))
        if sandbox:
            token = make(SANDBOX_TOKEN, Permission, None, gateway.clock.now())
            await gateway.tokens.add(token.record, replace=True)
            started = replace(started, token=token.text, cloud=settings.accounts[0].endpoint)
        # What stands until the end need not be looked through again and again while requests wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTED)
        server = _Server(_config(settings, Application(gateway, running=True)), lambda: on_started(started))
        await server.serve(sockets=[listener])


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # any ASGI application
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Whoever waits for a cloud waits no longer than this.
        timeout_graceful_shutdown=int(settings.freshness.deadline_max_seconds) + _GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Ends with exit code 0 on a signal, and says when it answers."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell so."""
        await super().startup(sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without raising the signal again at the end, as uvicorn's own does: an asked-for end is a good one."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def bound(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises ConfigurationError, with the cure."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(f"server.host: '{host}' is no address of this machine; try --host 127.0.0.1") from None
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise ConfigurationError(_refusal(host, port, error)) from None
    made.set_inheritable(False)
    return made


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"server.port: {port} is in use on {host}; choose another, as --port {port ^ 1}"
    return f"server: cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}"


def address_of(host: str, listener: socket.socket) -> str:
    """Where a browser on this machine finds the gateway."""
    port = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
