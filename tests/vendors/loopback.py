"""A real HTTP server on loopback that answers by a script, byte by byte, also as no good server would."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

Reply: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[bool]]
"""Writes an answer; says whether the connection stays open."""


class Loopback:
    """Answers each request with the next reply of its script; the last one serves for all that follow."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = ""
        self.asked = asyncio.Event()
        """Set once a request has come."""
        self.hung_up = asyncio.Event()
        """Set once a client has gone before its answer was whole."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side has enough."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        except ConnectionError:
            self.hung_up.set()
        except asyncio.CancelledError:
            # `stop` ends what still waits; asyncio would log a handler that ends as cancelled.
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

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [
            line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        ]
        body = await reader.readexactly(int(length[0])) if length else b""
        self.requests.append(head + body)
        self.asked.set()
        reply = self.script[min(len(self.requests), len(self.script)) - 1]
        return await reply(writer)


@asynccontextmanager
async def loopback(*script: Reply) -> AsyncIterator[Loopback]:
    """Serve a script on an ephemeral port."""
    double = Loopback(*script)
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()
        await double.stop()
        await server.wait_closed()


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """A status line and headers."""
    lines = [f"HTTP/1.1 {status} Word", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(body: bytes = b"{}", status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A whole and proper answer."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        told = {"content-type": "application/json", "content-length": str(len(body))} | dict(headers or {})
        writer.write(head(status, told) + body)
        await writer.drain()
        return True

    return reply


def endless(chunk: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """A body that goes on as long as somebody reads it."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"transfer-encoding": "chunked"} | dict(headers or {})))
        while True:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            # Without a pause a fast reader would keep the loop to this connection.
            await asyncio.sleep(0)

    return reply


def trickling(status: int = 200) -> Reply:
    """A body of one byte now and then, which no timeout between two bytes would ever end."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(status, {"content-length": "1000000"}))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return reply


def silent(before: bytes = b"") -> Reply:
    """Some bytes, then nothing more while the connection stays open."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(before)
        await writer.drain()
        await asyncio.Event().wait()
        return False

    return reply


def cut(before: bytes) -> Reply:
    """Some bytes, then the end of the connection."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(before)
        await writer.drain()
        return False

    return reply


def reset(before: bytes = b"") -> Reply:
    """Some bytes, then a reset."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(before)
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False

    return reply
