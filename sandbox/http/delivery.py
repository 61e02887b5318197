"""How an answer goes out: whole, stalled after its headers, a byte at a time, cut off, or as a reset.

What HTTP servers do not do by themselves is done on the connection's transport, which `sandbox.http.server` hands in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from starlette.types import Receive, Scope, Send

TRANSPORT: Final = "supplygraph.sandbox.transport"
"""The ASGI extension that holds the connection's transport."""


class DeliveryMode(StrEnum):
    """How an answer goes out."""

    WHOLE = "whole"
    STALL = "stall"
    TRICKLE = "trickle"
    CUT = "cut"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer, and how it goes out. `pause_seconds` lies between two bytes of a trickle."""

    status: int
    content: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())
    manner: DeliveryMode = DeliveryMode.WHOLE
    pause_seconds: float = 1


class ClientDisconnected(Exception):
    """The caller went away."""


class ClientConnection:
    """The connection of one call whose body has been read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def wait(self, what: Awaitable[None]) -> None:
        """Wait for something. Raises HungUp as soon as the caller goes away."""
        waiting = asyncio.ensure_future(what)
        gone = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ClientDisconnected
        finally:
            for task in (waiting, gone):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, reply: ApiResponse) -> int | None:
        """Send the reply; answers its status if all of it went out. Raises HungUp."""
        if reply.manner is DeliveryMode.RESET:
            await self._break(reset=True)
            return None
        content_length = ("content-length", str(len(reply.content)))
        headers = (("content-type", reply.content_type), content_length, *reply.headers)
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": raw})
        if reply.manner is DeliveryMode.WHOLE:
            await self._send({"type": "http.response.body", "body": reply.content})
            return reply.status
        await self._send_amiss(reply)
        return None

    async def _send_amiss(self, reply: ApiResponse) -> None:
        if reply.manner is DeliveryMode.STALL:
            # Nothing more ever comes; only the caller can end it.
            await self.wait(_for_ever())
        elif reply.manner is DeliveryMode.CUT:
            half = reply.content[: len(reply.content) // 2]
            await self._send({"type": "http.response.body", "body": half, "more_body": True})
            await self._break(reset=False)
        else:
            for byte in reply.content:
                await self._send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await self.wait(asyncio.sleep(reply.pause_seconds))
            await self._send({"type": "http.response.body", "body": b""})

    async def _break(self, *, reset: bool) -> None:
        transport = self._scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise RuntimeError("Only SandboxServer can break a connection.")
        if reset:
            # Closing with a linger time of zero sends RST, where a plain close would send FIN.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()
        await self._gone()


async def _for_ever() -> None:
    await asyncio.Event().wait()
