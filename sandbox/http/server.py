"""Serves the simulated cloud on a port of 127.0.0.1 with uvicorn's HTTP protocol.

uvicorn's own Server is not used, because it takes over the process's signals, which belong to the gateway in the same process,
and cannot refuse connections temporarily.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any, Final, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from sandbox.faults import FaultInjector
from sandbox.http.api import build_api
from sandbox.http.calls import Journal
from sandbox.http.control import Control
from sandbox.http.delivery import TRANSPORT
from sandbox.world import World

_HOST: Final = "127.0.0.1"
_SHUTDOWN_SECONDS: Final = 5.0
# Longer than clients keep an idle connection, so that server and client never close it at the same moment.
_KEEP_ALIVE_SECONDS: Final = 600


class _Protocol(H11Protocol):
    """uvicorn's protocol, which also passes its transport to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        # The journal is the sandbox's access log. uvicorn's loggers belong to the gateway.
        self.access_log = False
        application = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await application(scope, receive, send)

        self.app = with_transport


class SandboxServer:
    """Serves a world over HTTP inside the running event loop.

    `world`, `faults` and `journal` are safe to use from other threads. Port 0 selects a free port, which stays reserved until
    `stop`. `start`, `stop`, `refuse` and `accept` must be called on the serving loop. Each of them is idempotent.
    """

    def __init__(self, world: World, *, faults: FaultInjector | None = None, port: int = 0) -> None:
        self.world: Final = world
        self.faults: Final = faults or FaultInjector()
        self.journal: Final = Journal()
        self._requested_port = port
        self._reservation: socket.socket | None = None
        self._listener: asyncio.Server | None = None
        self._state = ServerState()
        self._reopening: asyncio.Task[None] | None = None
        control = Control(world, self.faults, self.journal, self)
        # The configuration reads no environment and changes no logging and no signals of the process.
        self._config = uvicorn.Config(
            build_api(world, self.faults, self.journal, control.router()),
            interface="asgi3",
            lifespan="off",
            log_config=None,
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )

    @property
    def port(self) -> int:
        """The port. Raises RuntimeError before `start`."""
        if self._reservation is None:
            raise RuntimeError("The sandbox has not been started. Call start() first.")
        port: int = self._reservation.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, to be used as the `endpoint` of an account."""
        return f"http://{_HOST}:{self.port}"

    async def start(self) -> None:
        """Reserve the port and serve. Raises OSError if the requested port is in use."""
        if self._reservation is None:
            # This socket is bound but never listens. It reserves the port while connections are refused.
            self._reservation = _bind(self._requested_port)
        await self.accept()

    async def stop(self) -> None:
        """Close every connection, end the calls that are held, and release the port."""
        await self.refuse()
        self.faults.switch_off_all()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_SHUTDOWN_SECONDS)
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    async def refuse(self) -> None:
        """Refuse connections from now on and close the open ones. The port stays reserved."""
        reopening = self._reopening
        if reopening is not None and reopening is not asyncio.current_task():
            self._reopening = None
            reopening.cancel()
            await asyncio.gather(reopening, return_exceptions=True)
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        for connection in list(self._state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        # Transports notify their protocols in the next iteration of the loop.
        await asyncio.sleep(0)

    async def accept(self) -> None:
        """Serve on the same port again after `refuse`."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._create_protocol, sock=_bind(self.port))

    def refuse_for(self, seconds: float) -> None:
        """Refuse connections for this time, starting after the present response has been sent."""

        async def close_and_reopen() -> None:
            await asyncio.sleep(0.05)
            await self.refuse()
            await asyncio.sleep(seconds)
            await self.accept()

        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.get_running_loop().create_task(close_and_reopen())

    def _create_protocol(self) -> asyncio.Protocol:
        return _Protocol(config=self._config, server_state=self._state, app_state={})

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class SandboxThread:
    """A SandboxServer on its own event loop in its own thread, for callers that block their loop or have none."""

    def __init__(self, server: SandboxServer) -> None:
        self.server: Final = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        """The URL of the server. See SandboxServer.url."""
        return self.server.url

    def start(self) -> None:
        """Start the thread and serve. Returns when connections are accepted."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result()
        except BaseException:
            self._end_thread()
            raise

    def refuse(self) -> None:
        """Refuse connections. See SandboxServer.refuse."""
        asyncio.run_coroutine_threadsafe(self.server.refuse(), self._loop).result()

    def accept(self) -> None:
        """Accept connections again. See SandboxServer.accept."""
        asyncio.run_coroutine_threadsafe(self.server.accept(), self._loop).result()

    def stop(self) -> None:
        """Stop serving and end the thread. Idempotent."""
        if self._loop.is_closed():
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self._end_thread)
            asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Allows the listener to bind the port that the reservation holds.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((_HOST, port))
    except OSError:
        bound.close()
        raise
    return bound
