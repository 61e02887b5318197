"""A real HTTP server on loopback that answers by a script, byte by byte, including responses that no correct server sends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

Reply: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Writes a response; returns whether the connection stays open."""


class Loopback:
    """Answers each request with the next reply of its script. The last reply is used for all further requests."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = ""
        self.requested = asyncio.Event()
        """Set once a request has arrived."""
        self.hung_up = asyncio.Event()
        """Set once a client has disconnected before its response was complete."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError):
                while await self._reply_once(reader, writer):
                    pass
        except ConnectionError:
            self.hung_up.set()
        except asyncio.CancelledError:
            # `stop` cancels waiting handlers; asyncio would log a handler that ends as cancelled.
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def stop(self) -> None:
        """End every connection that still waits."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reply_once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request_head = await reader.readuntil(b"\r\n\r\n")
        length = [
            line.partition(b":")[2]
            for line in request_head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        body = await reader.readexactly(int(length[0])) if length else b""
        self.requests.append(request_head + body)
        self.requested.set()
        reply = self.script[min(len(self.requests), len(self.script)) - 1]
        return await reply(writer)


@asynccontextmanager
async def loopback(*script: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Loopback]:
    """Serve a script on an ephemeral port."""
    server = Loopback(*script)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.address = f"http{'' if tls is None else 's'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()
        await listener.wait_closed()


def free_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return a status line and headers."""
    lines = [f"HTTP/1.1 {status} Word", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A complete and correct response."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        all_headers = {"content-type": "application/json", "content-length": str(len(body))} | dict(headers or {})
        writer.write(head(status, all_headers) + body)
        await writer.drain()
        return True

    return reply


def endless(chunk: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """A body that goes on as long as the client reads it."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"transfer-encoding": "chunked"} | dict(headers or {})))
        while True:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            # Without a pause, a fast reader would keep the event loop busy with this connection.
            await asyncio.sleep(0)

    return reply


def trickling(status: int = 200) -> Reply:
    """A body of one byte now and then, which no timeout between two bytes would end."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(status, {"content-length": "1000000"}))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return reply


def silent(data: bytes = b"") -> Reply:
    """Some bytes, then nothing more while the connection stays open."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        await asyncio.Event().wait()
        return False

    return reply


def cut(data: bytes) -> Reply:
    """Some bytes, then the end of the connection."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        return False

    return reply


def reset(data: bytes = b"") -> Reply:
    """Some bytes, then a reset."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(data)
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    return reply
