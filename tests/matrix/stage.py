"""One account's cloud on loopback: sound until it is told to misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter

from tests.matrix.certificate import untrusted
from tests.matrix.faults import ALL, Address, Fault, Scene
from tests.matrix.player import PER_KIND, Asked, Player
from tests.vendors.loopback import Loopback, head

LOST = PER_KIND
"""The number of the machine that listings lack in the cells of probes."""


class Stage:
    """Plays one vendor to one account. `misbehaves` names the calls that meet the fault: `sweep`, `probe`, or none."""

    def __init__(self, player: Player, fault: Fault, trap: str) -> None:
        self.player = player
        self.fault = fault
        self.misbehaves: str | None = None
        self.lacking = False
        """Whether listings lack the last machine."""
        self.breaks_probes = False
        """Whether probes are answered 500, whatever the fault."""
        self.calls: Counter[tuple[str, str]] = Counter()
        """By `sweep` or `probe`, and the kind."""
        self.wrote = 0
        """Bytes of the largest body that was cut short."""
        self.authorizations: set[str] = set()
        self.addresses: dict[Address | None, str] = {}
        self._trap = trap
        self._double = Loopback(self._reply)
        self._servers: list[asyncio.Server] = []
        self._reserved: socket.socket | None = None
        self._port = 0

    async def open(self) -> None:
        """Listen, in plain text and, where the fault needs it, in TLS."""
        await self._listen()
        self.addresses[None] = f"http://127.0.0.1:{self._port}"
        self.addresses[Address.UNKNOWN_HOST] = f"http://{self.player.vendor}.invalid"
        if self.fault.address is Address.UNTRUSTED:
            secure = await asyncio.start_server(self._double.serve, "127.0.0.1", 0, ssl=untrusted())
            self._also(Address.UNTRUSTED, secure)
        if self.fault.address is Address.PLAIN_TEXT:
            self._also(Address.PLAIN_TEXT, await asyncio.start_server(_plain, "127.0.0.1", 0))

    def _also(self, address: Address, server: asyncio.Server) -> None:
        self._servers.append(server)
        self.addresses[address] = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End every connection and close the ports."""
        for server in self._servers:
            server.close()
        await self._double.stop()
        for server in self._servers:
            await server.wait_closed()
        self._servers = []
        self._let_go()

    async def refuse(self) -> None:
        """Refuse connections from now on; the port stays taken, so that nobody else answers at it."""
        await self.close()
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", self._port))

    async def accept(self) -> None:
        """Listen again at the same port."""
        if self._reserved is not None:
            self._let_go()
            await self._listen()

    async def _listen(self) -> None:
        server = await asyncio.start_server(self._double.serve, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    def _let_go(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    async def _reply(self, writer: asyncio.StreamWriter) -> bool:
        asked = Asked.parse(self._double.requests[-1])
        call = self.player.call(asked)
        self.calls[call.what, call.kind] += 1
        authorization = asked.headers[self.player.credential_header]
        self.authorizations.add(authorization)
        scene = Scene(self.player, call, authorization, self._trap, self._wrote)
        if call.what == self.misbehaves and self.fault.play is not None:
            return await self.fault.play(scene)(writer)
        if call.what == "probe" and self.breaks_probes:
            return await scene.refusal(500)(writer)
        listed = [one for one in ALL if not (self.lacking and call.kind.value == "MACHINES" and one == LOST)]
        return await scene.ok(self.player.answer(call, listed))(writer)

    def _wrote(self, whole: int) -> None:
        self.wrote = max(self.wrote, whole)


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a web server in plain text answers whoever speaks TLS to it."""
    await reader.read(1)
    writer.write(head(400, {"content-length": "0", "connection": "close"}))
    writer.close()
