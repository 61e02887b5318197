"""The faults of the matrix: the bytes that each fault's server writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from tests.matrix.player import PER_KIND, Oddity, Player, Twist, VendorCall
from tests.vendors.loopback import Reply, answer, cut, head, reset, silent

HTML: Final = "<!DOCTYPE html><html><title>Sign in</title><p>{}</p></html>"
HUGE: Final = 100_000_000
"""Size in bytes of a body that the gateway must not read to the end."""
RETRY_AFTER: Final = 120
_CHUNK: Final = b" " * 65_536
ALL: Final = tuple(range(1, PER_KIND + 1))


@dataclass
class FaultScene:
    """One call that meets a fault.

    `echo` is the credential that the call carried; a bad server sends it back. `trap` is the address to which a redirect
    points. `report_written` is called with the number of bytes of the huge body that have been written.
    """

    player: Player
    call: VendorCall
    echo: str
    trap: str
    report_written: Callable[[int], None]

    @property
    def correct_body(self) -> bytes:
        """The body without a fault."""
        return self.player.answer(self.call, ALL)

    @property
    def correct_head(self) -> bytes:
        """The status line and headers without a fault."""
        return head(200, {"content-type": self.player.media, "content-length": str(len(self.correct_body))})

    def ok(self, body: bytes) -> Reply:
        """Return 200 with the vendor's media type."""
        return answer(body, headers={"content-type": self.player.media})

    def twisted(self, twist: Twist) -> Reply:
        """Return 200 with a defect in the items."""
        return self.ok(self.player.answer(self.call, ALL, twist))

    def error(self, status: int, headers: Mapping[str, str] | None = None) -> Reply:
        """Return an error in the vendor's format that quotes the credential."""
        all_headers = {"content-type": self.player.media} | dict(headers or {})
        return answer(self.player.error_body(f"no: {self.echo}"), status, all_headers)

    def web_page(self, status: int) -> Reply:
        """Return a web page that quotes the credential."""
        return answer(HTML.format(self.echo).encode(), status, {"content-type": "text/html"})


Play: TypeAlias = Callable[[FaultScene], Reply]


class GatewayGroup(Enum):
    """The gateway that a cell runs in."""

    ORDINARY = auto()
    SLOW = auto()
    """Flights are short, so an endless answer ends with its flight."""
    RESTARTED = auto()
    """The gateway restarts when the fault begins and when it ends.

    The fault is in the account's address, or it closes a rate limit for real time.
    """


class Address(Enum):
    """The kind of endpoint that an account of the group RESTARTED points to."""

    UNKNOWN_HOST = auto()
    UNTRUSTED = auto()
    PLAIN_TEXT = auto()


@dataclass(frozen=True)
class Fault:
    """One fault.

    `play` writes the answer; it is `None` if no server can be reached. After the fault no call is made for `held_seconds`.
    `shared`: the first call that meets the fault stops the whole account, so another call may not be sent at all.
    `changes`: the answer reports different values of the resources, and the gateway accepts them.
    `truthful`: the answer is true.
    """

    name: str
    play: Play | None = None
    group: GatewayGroup = GatewayGroup.ORDINARY
    address: Address | None = None
    held_seconds: int = 4
    shared: bool = False
    changes: bool = False
    truthful: bool = False

    @property
    def breaks_connection(self) -> bool:
        """Whether no server answers, so that every call of the account fails."""
        return self.play is None

    @property
    def slug(self) -> str:
        """The name in a form that is valid in an account's name."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


def _cut_page(scene: FaultScene) -> Reply:
    """Send a correct first page and half of the second one."""
    body = scene.correct_body
    return scene.ok(body if scene.call.cursor is None else body[: len(body) // 2])


def _short_list(scene: FaultScene) -> Reply:
    """Send half of the resources as if they were all."""
    return scene.ok(scene.player.page(scene.call.kind, ALL[: PER_KIND // 2], None))


def _repeated_cursor(scene: FaultScene) -> Reply:
    """Name the second page as the next one on every page."""
    numbers = ALL[2:] if scene.call.cursor else ALL[:2]
    return scene.ok(scene.player.page(scene.call.kind, numbers, "page-2"))


def _vendor_not_found(scene: FaultScene) -> Reply:
    status, body = scene.player.not_found(scene.call)
    return answer(body, status, {"content-type": scene.player.media})


def _redirect(scene: FaultScene) -> Reply:
    return answer(b"", 302, {"location": f"{scene.trap}/?{scene.echo.replace(' ', '+')}"})


def _huge(scene: FaultScene) -> Reply:
    """Send a huge body with its true length, and report the bytes that the client has read so far."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"content-type": scene.player.media, "content-length": str(HUGE)}))
        for chunks in range(1, HUGE // len(_CHUNK) + 1):
            writer.write(_CHUNK)
            await writer.drain()
            scene.report_written(chunks * len(_CHUNK))
            # Without a pause a fast reader would monopolize the event loop.
            await asyncio.sleep(0)
        return False

    return reply


def _trickle(scene: FaultScene) -> Reply:
    """Send one byte a second."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(scene.correct_head)
        for byte in scene.correct_body:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
        return True

    return reply


def _half_body(end: Callable[[bytes], Reply]) -> Play:
    def play(scene: FaultScene) -> Reply:
        body = scene.correct_body
        return end(scene.correct_head + body[: len(body) // 2])

    return play


FAULTS: Final = (
    Fault("empty list", lambda scene: scene.ok(scene.player.page(scene.call.kind, (), None))),
    Fault("empty body", lambda scene: scene.ok(b"")),
    Fault("{}", lambda scene: scene.ok(scene.player.odd_answer(scene.call, Oddity.EMPTY_OBJECT))),
    Fault("null list", lambda scene: scene.ok(scene.player.odd_answer(scene.call, Oddity.NULL))),
    Fault("text for list", lambda scene: scene.ok(scene.player.odd_answer(scene.call, Oddity.TEXT))),
    Fault("wrong types in items", lambda scene: scene.twisted(Twist.TYPES), changes=True),
    Fault("items without id", lambda scene: scene.twisted(Twist.NO_ID)),
    Fault("NaN", lambda scene: scene.twisted(Twist.NAN)),
    Fault("invalid UTF-8", lambda scene: scene.ok(scene.player.not_utf8(scene.correct_body))),
    Fault("cut document", lambda scene: scene.ok(scene.correct_body[: len(scene.correct_body) // 2])),
    Fault("cut page", _cut_page),
    Fault("short list", _short_list),
    Fault("repeated cursor", _repeated_cursor),
    Fault("401", lambda scene: scene.error(401)),
    Fault("403", lambda scene: scene.web_page(403)),
    Fault("404 generic", lambda scene: scene.web_page(404)),
    Fault("404 in other words", lambda scene: scene.error(404)),
    Fault("404 in the vendor's words", _vendor_not_found, truthful=True),
    Fault("429", lambda scene: scene.error(429)),
    Fault(
        "429 with Retry-After",
        lambda scene: scene.error(429, {"retry-after": str(RETRY_AFTER)}),
        GatewayGroup.RESTARTED,
        held_seconds=RETRY_AFTER - 1,
        shared=True,
    ),
    Fault("500", lambda scene: scene.error(500)),
    Fault("503 HTML", lambda scene: scene.web_page(503)),
    Fault("200 HTML", lambda scene: scene.web_page(200)),
    Fault("redirect", _redirect),
    Fault("100 MB", _huge),
    Fault("closed in mid-body", _half_body(cut)),
    Fault("reset in mid-body", _half_body(reset)),
    Fault("refused"),
    Fault("1 byte a second", _trickle, GatewayGroup.SLOW),
    Fault("silent after the headers", lambda scene: silent(scene.correct_head), GatewayGroup.SLOW),
    Fault("unknown host", None, GatewayGroup.RESTARTED, Address.UNKNOWN_HOST),
    Fault("certificate not trusted", None, GatewayGroup.RESTARTED, Address.UNTRUSTED),
    Fault("plain text for TLS", None, GatewayGroup.RESTARTED, Address.PLAIN_TEXT),
)
"""Every vendor meets each fault in its first sweep, in a later sweep and in a probe."""
