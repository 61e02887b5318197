"""The simulated cloud on a port of 127.0.0.1, by uvicorn's own HTTP protocol.

Without uvicorn's server around it: that one takes the process's signals, which belong to the gateway beside us, and knows no
way to refuse connections for a while.
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
from sandbox.http.api import api
from sandbox.http.calls import Journal
from sandbox.http.control import Control
from sandbox.http.delivery import TRANSPORT
from sandbox.world import World

_HOST: Final = "127.0.0.1"
_LEAVE_SECONDS: Final = 5.0
# Longer than callers keep an idle connection: none breaks because both ends let go at once.
_KEEP_ALIVE_SECONDS: Final = 600


class _Protocol(H11Protocol):
    """uvicorn's protocol, handing its transport to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        # The count of the calls is the sandbox's log; the loggers are the gateway's.
        self.access_log = False
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = with_transport


class SandboxServer:
    """Serves a world over HTTP inside the running event loop.

    `world`, `faults` and `journal` are there to be used: they are safe from other threads too. `port` 0 takes any free one,
    and keeps it until `stop`. `start`, `stop`, `refuse` and `accept` are called on the loop that serves; each is idempotent.
    """

    def __init__(self, world: World, *, faults: FaultInjector | None = None, port: int = 0) -> None:
        self.world: Final = world
        self.faults: Final = faults or FaultInjector()
        self.journal: Final = Journal()
        self._wanted_port = port
        self._place: socket.socket | None = None
        self._listener: asyncio.Server | None = None
        self._state = ServerState()
        self._reopening: asyncio.Task[None] | None = None
        control = Control(world, self.faults, self.journal, self)
        application = api(world, self.faults, self.journal, control.router())
        # No environment, no log configuration, no signal: nothing here reaches beyond this object.
        self._config = uvicorn.Config(
            application,
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
        if self._place is None:
            raise RuntimeError("The sandbox has not been started.")
        port: int = self._place.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, which is the `endpoint` of an account."""
        return f"http://{_HOST}:{self.port}"

    async def start(self) -> None:
        """Take the port and serve. Raises OSError where a wanted port is taken."""
        if self._place is None:
            # Bound and never listening: it keeps the port ours while connections are refused.
            self._place = _bound(self._wanted_port)
        await self.accept()

    async def stop(self) -> None:
        """Break every connection, end what is held, give the port back."""
        await self.refuse()
        self.faults.switch_off_all()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_LEAVE_SECONDS)
        if self._place is not None:
            self._place.close()
            self._place = None

    async def refuse(self) -> None:
        """Refuse connections from now on, and break those that are open. The port stays ours."""
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
        # The transports tell their protocols in the loop's next round.
        await asyncio.sleep(0)

    async def accept(self) -> None:
        """Serve again after `refuse`, on the same port."""
        if self._listener is None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._protocol, sock=_bound(self.port))

    def refuse_for(self, seconds: float) -> None:
        """Refuse connections for so long, once the present answer has gone out."""

        async def close_and_open() -> None:
            await asyncio.sleep(0.05)
            await self.refuse()
            await asyncio.sleep(seconds)
            await self.accept()

        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.get_running_loop().create_task(close_and_open())

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(config=self._config, server_state=self._state, app_state={})

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class SandboxThread:
    """A SandboxServer on an event loop of its own, in a thread: for callers that block theirs, or have none."""

    def __init__(self, server: SandboxServer) -> None:
        self.server: Final = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        """As SandboxServer.url."""
        return self.server.url

    def start(self) -> None:
        """Start the thread and serve; returns when connections are accepted."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result()
        except BaseException:
            self._end()
            raise

    def refuse(self) -> None:
        """As SandboxServer.refuse."""
        asyncio.run_coroutine_threadsafe(self.server.refuse(), self._loop).result()

    def accept(self) -> None:
        """As SandboxServer.accept."""
        asyncio.run_coroutine_threadsafe(self.server.accept(), self._loop).result()

    def stop(self) -> None:
        """Stop serving and end the thread. Idempotent."""
        if self._loop.is_closed():
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Lets the listener have the port that the place-holder keeps.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((_HOST, port))
    except OSError:
        bound.close()
        raise
    return bound
