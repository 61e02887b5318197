"""The server of the simulated cloud: its port, refused connections, threads and shutdown."""

from __future__ import annotations

import asyncio
import logging
import signal

import httpx
import pytest

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer, SandboxThread
from sandbox.world import World
from tests.sandbox.tenants import EAST_KEY

BEARER = {"authorization": f"Bearer {EAST_KEY}"}


async def test_connections_are_refused_and_accepted_again_on_the_same_port(
    server: SandboxServer, east: httpx.AsyncClient
) -> None:
    """Open connections are closed and new ones are refused, until the server accepts them on the same port again."""
    await east.get("/v1/machines")
    url = server.url

    await server.refuse()
    await server.refuse()
    with pytest.raises(httpx.ConnectError):
        await east.get("/v1/machines")
    await server.accept()
    await server.accept()

    assert (url, 200) == (server.url, (await east.get("/v1/machines")).status_code)


async def test_the_port_stays_reserved_while_connections_are_refused(server: SandboxServer) -> None:
    """No other server can bind the port."""
    await server.refuse()

    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", server.port)


async def test_stop_does_not_wait_for_clients(world: World) -> None:
    """Calls that are held or stalled end when the server stops."""
    server = SandboxServer(world)
    await server.start()
    server.faults.switch_on(FaultKind.HOLD, times=1)
    server.faults.switch_on(FaultKind.STALL)
    async with httpx.AsyncClient(base_url=server.url, headers=BEARER) as client:
        calls = [asyncio.create_task(client.get("/v1/machines")) for _ in range(2)]
        await server.journal.until(lambda journal: sum(call.shown is not None for call in journal.calls()) == 2)
        await server.stop()
        await server.stop()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(outcome, httpx.TransportError) for outcome in outcomes)
    assert all(call.ended for call in server.journal.calls())
    with pytest.raises(RuntimeError, match="not been started"):
        _ = server.url


async def test_a_server_can_stop_while_it_refuses_connections(world: World) -> None:
    """The port is released and is not opened again."""
    server = SandboxServer(world)
    await server.start()
    url = server.url
    server.refuse_for(0.01)
    await server.stop()
    await asyncio.sleep(0.1)

    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_a_client_that_disconnects_during_its_request_is_ignored(
    server: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A call whose body is incomplete is neither counted nor logged."""
    caplog.set_level(logging.DEBUG, "uvicorn")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"POST /v1/machines HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n"
    )
    assert b"100" in await reader.readline()
    writer.transport.abort()
    async with httpx.AsyncClient(base_url=server.url, headers=BEARER) as client:
        await client.get("/v1/volumes")

    assert ["list_volumes"] == [call.operation for call in server.journal.calls()]
    assert [] == [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]


async def test_a_requested_port_in_use_is_an_error(world: World, server: SandboxServer) -> None:
    """If another server listens on the port, `start` raises OSError instead of using another port."""
    listener = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    used_port = listener.sockets[0].getsockname()[1]

    with pytest.raises(OSError, match="in use"):
        await SandboxServer(world, port=used_port).start()
    listener.close()
    await listener.wait_closed()


def test_a_thread_serves_blocking_clients(world: World) -> None:
    """A blocking client sees responses, refused connections and the shutdown."""
    with SandboxThread(SandboxServer(world)) as sandbox:
        assert 200 == httpx.get(f"{sandbox.url}/v1/machines", headers=BEARER).status_code
        sandbox.refuse()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{sandbox.url}/v1/machines", headers=BEARER)
        sandbox.accept()
        assert 200 == httpx.get(f"{sandbox.url}/v1/machines", headers=BEARER).status_code
        url = sandbox.url
    sandbox.stop()

    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


async def test_signals_and_loggers_are_not_changed(world: World) -> None:
    """Signal handlers and uvicorn's loggers belong to the gateway in the same process."""
    handlers = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access")]
    states = [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers]

    async with SandboxServer(world):
        assert handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
        assert states == [(logger.level, list(logger.handlers), logger.propagate) for logger in loggers]


async def test_nothing_is_logged(
    server: SandboxServer, east: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no access log and no error about a broken connection."""
    caplog.set_level(logging.DEBUG, "uvicorn")
    server.faults.switch_on(FaultKind.RESET, times=1)

    with pytest.raises(httpx.ReadError):
        await east.get("/v1/machines")
    await east.get("/v1/machines")

    assert [] == [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]
