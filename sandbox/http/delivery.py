"""Delivers a response: whole, stalled after its headers, one byte at a time, cut off, or as a connection reset.

HTTP servers offer no interface for broken responses. They are produced on the connection's transport, which
`sandbox.http.server` passes in the ASGI scope.
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
    """How a response is delivered."""

    WHOLE = "whole"
    STALL = "stall"
    TRICKLE = "trickle"
    CUT = "cut"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response and how it is delivered. `pause_seconds` is the pause between two bytes in the mode TRICKLE."""

    status: int
    content: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())
    mode: DeliveryMode = DeliveryMode.WHOLE
    pause_seconds: float = 1


class ClientDisconnected(Exception):
    """The client closed the connection."""


class ClientConnection:
    """The connection of one call whose body has been read."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def wait(self, awaitable: Awaitable[None]) -> None:
        """Wait for an awaitable. Raises ClientDisconnected as soon as the client closes the connection."""
        waiting = asyncio.ensure_future(awaitable)
        disconnected = asyncio.ensure_future(self._wait_for_disconnect())
        try:
            await asyncio.wait({waiting, disconnected}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ClientDisconnected
        finally:
            for task in (waiting, disconnected):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def deliver(self, response: ApiResponse) -> int | None:
        """Send a response. Return its status if all of it was sent, else `None`. Raises ClientDisconnected."""
        if response.mode is DeliveryMode.RESET:
            await self._break(reset=True)
            return None
        content_length = ("content-length", str(len(response.content)))
        headers = (("content-type", response.content_type), content_length, *response.headers)
        raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": response.status, "headers": raw_headers})
        if response.mode is DeliveryMode.WHOLE:
            await self._send({"type": "http.response.body", "body": response.content})
            return response.status
        await self._deliver_faulty_body(response)
        return None

    async def _deliver_faulty_body(self, response: ApiResponse) -> None:
        if response.mode is DeliveryMode.STALL:
            # The body never comes; only the client can end the call.
            await self.wait(_wait_forever())
        elif response.mode is DeliveryMode.CUT:
            first_half = response.content[: len(response.content) // 2]
            await self._send({"type": "http.response.body", "body": first_half, "more_body": True})
            await self._break(reset=False)
        else:
            for byte in response.content:
                await self._send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
                await self.wait(asyncio.sleep(response.pause_seconds))
            await self._send({"type": "http.response.body", "body": b""})

    async def _break(self, *, reset: bool) -> None:
        transport = self._scope.get("extensions", {}).get(TRANSPORT)
        if transport is None:
            raise RuntimeError(
                f"The ASGI scope has no {TRANSPORT}: serve the API with SandboxServer to break connections."
            )
        if reset:
            # Closing with a linger time of zero sends RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        else:
            transport.close()
        await self._wait_for_disconnect()


async def _wait_forever() -> None:
    await asyncio.Event().wait()
