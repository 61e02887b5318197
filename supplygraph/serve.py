"""Run the gateway: bind the port, lock the database, serve until a signal, then finish open requests and flights."""

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

from domain.errors import ConfigurationError
from domain.timestamps import SystemClock
from resolvers.operation.compile_worker import SWITCH_SECONDS
from supplygraph.app import Application
from supplygraph.config.settings import Settings
from supplygraph.demo import sandbox_accounts, sandbox_token
from supplygraph.gateway import assemble
from supplygraph.serve_lock import serve_lock

_BACKLOG: Final = 2_048
_GRACE_SECONDS: Final = 5
_GC_THRESHOLDS: Final = (20_000, 20, 50)


@dataclass(frozen=True, slots=True)
class Started:
    """Where the gateway listens. `token` and `cloud`, the address of the simulated cloud, are set only in the sandbox."""

    address: str
    token: str | None = None
    cloud: str | None = None


def serve(settings: Settings, *, sandbox: bool, on_started: Callable[[Started], None]) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError if the gateway cannot start."""
    host = settings.server.host
    sys.setswitchinterval(SWITCH_SECONDS)
    with contextlib.closing(bind_listener(host, settings.server.port)) as listener:
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
            token = await sandbox_token(gateway.tokens, gateway.database.file, gateway.clock.now())
            started = replace(started, token=token, cloud=settings.accounts[0].endpoint)
        # Objects created so far live until the end. Exclude them from garbage collection, which would delay requests.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
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
        # No request waits longer than this for a cloud.
        timeout_graceful_shutdown=int(settings.freshness.deadline_max_seconds) + _GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """A uvicorn server that exits with code 0 on a signal, and calls `on_started` once it accepts requests."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept requests, then call `on_started`."""
        await super().startup(sockets)
        self._on_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals without raising them again at the end, unlike uvicorn: a requested stop is a success."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def bind_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ConfigurationError, which says what to change, if the address cannot be bound."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise ConfigurationError(
            f"server.host: '{host}' is not an address of this machine; try --host 127.0.0.1"
        ) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(_bind_error(host, port, error)) from None
    listener.set_inheritable(False)
    return listener


def _bind_error(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"server.port: {port} is in use on {host}; choose another port, such as --port {port ^ 1}"
    return f"server: cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}"


def address_of(host: str, listener: socket.socket) -> str:
    """Return the URL under which a browser on this machine reaches the gateway."""
    port = listener.getsockname()[1]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
