"""The cloud of one account, served on loopback: correct until a fault is switched on."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

from domain.enums import ResourceKind
from tests.matrix.cells.certificate import untrusted_context
from tests.matrix.faults import ALL, Address, Fault, FaultScene
from tests.matrix.player import PER_KIND, Player, ReceivedRequest
from tests.vendors.loopback import Loopback, head

LACKING_NUMBER = PER_KIND
"""Number of the machine that listings omit in the cells of probes."""


class CellCloud:
    """Answers one account as its vendor would.

    `faulty_calls` names the calls that meet the fault: `sweep`, `probe`, or `None` for no call. `redirect_trap` is the address
    to which a redirect points.
    """

    def __init__(self, player: Player, fault: Fault, redirect_trap: str) -> None:
        self.player = player
        self.fault = fault
        self.faulty_calls: str | None = None
        self.lacks_machine = False
        """Whether listings omit the last machine."""
        self.breaks_probes = False
        """Whether probes are answered with 500, whatever the fault."""
        self.calls: Counter[tuple[str, str]] = Counter()
        """Number of calls by `sweep`, `probe` or `catalogue`, and by kind."""
        self.bytes_written = 0
        """Bytes of the huge body that the gateway read, at most, in one call."""
        self.authorizations: set[str] = set()
        self.addresses: dict[Address | None, str] = {}
        self._redirect_trap = redirect_trap
        self._double = Loopback(self._reply)
        self._servers: list[asyncio.Server] = []
        self._reserved: socket.socket | None = None
        self._port = 0

    async def open(self) -> None:
        """Listen in plain text and, if the fault needs it, for TLS clients."""
        await self._listen()
        self.addresses[None] = f"http://127.0.0.1:{self._port}"
        self.addresses[Address.UNKNOWN_HOST] = f"http://{self.player.vendor}.invalid"
        if self.fault.address is Address.UNTRUSTED:
            server = await asyncio.start_server(self._double.serve, "127.0.0.1", 0, ssl=untrusted_context())
            self._add_https(Address.UNTRUSTED, server)
        if self.fault.address is Address.PLAIN_TEXT:
            self._add_https(Address.PLAIN_TEXT, await asyncio.start_server(_answer_plain_text, "127.0.0.1", 0))

    def _add_https(self, address: Address, server: asyncio.Server) -> None:
        self._servers.append(server)
        self.addresses[address] = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End every connection and release the ports."""
        for server in self._servers:
            server.close()
        await self._double.stop()
        for server in self._servers:
            await server.wait_closed()
        self._servers = []
        self._release_port()

    async def refuse(self) -> None:
        """Refuse connections from now on. The port stays bound, so that no other server can answer on it."""
        await self.close()
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self._port))

    async def accept(self) -> None:
        """Listen on the same port again."""
        if self._reserved is not None:
            self._release_port()
            await self._listen()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._double.serve, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    def _release_port(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def _reply(self, writer: asyncio.StreamWriter) -> bool:
        request = ReceivedRequest.parse(self._double.requests[-1])
        call = self.player.call(request)
        self.calls[call.what, call.kind] += 1
        authorization = request.headers[self.player.credential_header]
        self.authorizations.add(authorization)
        scene = FaultScene(self.player, call, authorization, self._redirect_trap, self._report_written)
        if call.what == self.faulty_calls and self.fault.play is not None:
            return await self.fault.play(scene)(writer)
        if call.what == "probe" and self.breaks_probes:
            return await scene.error(500)(writer)
        omitted = LACKING_NUMBER if self.lacks_machine and call.kind is ResourceKind.MACHINES else None
        numbers = [number for number in ALL if number != omitted]
        return await scene.ok(self.player.answer(call, numbers))(writer)

    def _report_written(self, count: int) -> None:
        self.bytes_written = max(self.bytes_written, count)


async def _answer_plain_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a plain-text web server answers a client that speaks TLS."""
    await reader.read(1)
    writer.write(head(400, {"content-length": "0", "connection": "close"}))
    writer.close()
