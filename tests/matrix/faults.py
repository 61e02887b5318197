"""The faults of the matrix: what each one's server writes, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from tests.matrix.player import PER_KIND, Call, Oddity, Player, Twist
from tests.vendors.loopback import Reply, answer, cut, head, reset, silent

HTML: Final = "<!DOCTYPE html><html><title>Sign in</title><p>{}</p></html>"
HUGE: Final = 100_000_000
"""Bytes of the body that nobody must hold."""
RETRY_AFTER: Final = 120
_CHUNK: Final = b" " * 65_536
ALL: Final = tuple(range(1, PER_KIND + 1))


@dataclass
class Scene:
    """One call that meets a fault. `echo` is what the call was authorized by: a bad server sends it back."""

    player: Player
    call: Call
    echo: str
    trap: str
    wrote: Callable[[int], None]

    @property
    def sound(self) -> bytes:
        """The answer as it should be."""
        return self.player.answer(self.call, ALL)

    @property
    def started(self) -> bytes:
        """The head of the sound answer."""
        return head(200, {"content-type": self.player.media, "content-length": str(len(self.sound))})

    def ok(self, body: bytes) -> Reply:
        """200 in the vendor's own media type."""
        return answer(body, headers={"content-type": self.player.media})

    def twisted(self, twist: Twist) -> Reply:
        """200, with the items so."""
        return self.ok(self.player.answer(self.call, ALL, twist))

    def refusal(self, status: int, headers: Mapping[str, str] | None = None) -> Reply:
        """An error in the vendor's form, which quotes the credential."""
        told = {"content-type": self.player.media} | dict(headers or {})
        return answer(self.player.refusal(f"no: {self.echo}"), status, told)

    def web(self, status: int) -> Reply:
        """A web page, which quotes the credential."""
        return answer(HTML.format(self.echo).encode(), status, {"content-type": "text/html"})


Play: TypeAlias = Callable[[Scene], Reply]


class Group(Enum):
    """Which gateway a cell runs in."""

    ORDINARY = auto()
    SLOW = auto()
    """Short flights: what goes on for ever ends by them."""
    AGAIN = auto()
    """The gateway is started again as the fault begins and as it ends: it is in the address, or closes a budget for real time."""


class Address(Enum):
    """Where an account of AGAIN's endpoint points."""

    UNKNOWN_HOST = auto()
    UNTRUSTED = auto()
    PLAIN_TEXT = auto()


@dataclass(frozen=True)
class Fault:
    """One fault. `play` writes the answer of a server that is reached; `held_seconds`: no call is made for so long after it.

    `shared`: whichever call meets it first speaks for the account, and another may not be sent at all.
    `changes`: what it tells of the resources is another thing than before, and believed. `true`: what it tells is the truth.
    """

    name: str
    play: Play | None = None
    group: Group = Group.ORDINARY
    address: Address | None = None
    held_seconds: int = 4
    shared: bool = False
    changes: bool = False
    true: bool = False

    @property
    def connection(self) -> bool:
        """Whether nothing answers at all, so that no call of the account can be sound."""
        return self.play is None

    @property
    def slug(self) -> str:
        """Fit for an account's name."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


def _cut_page(scene: Scene) -> Reply:
    """The first page is sound; the second ends in its middle."""
    return scene.ok(scene.sound if scene.call.cursor is None else scene.sound[: len(scene.sound) // 2])


def _short_list(scene: Scene) -> Reply:
    """Half of what there is, told as the whole."""
    return scene.ok(scene.player.page(scene.call.kind, ALL[: PER_KIND // 2], None))


def _repeated_cursor(scene: Scene) -> Reply:
    """Every page names the second one as the next."""
    numbers = ALL[2:] if scene.call.cursor else ALL[:2]
    return scene.ok(scene.player.page(scene.call.kind, numbers, "page-2"))


def _own_words(scene: Scene) -> Reply:
    status, body = scene.player.no_such(scene.call)
    return answer(body, status, {"content-type": scene.player.media})


def _redirect(scene: Scene) -> Reply:
    return answer(b"", 302, {"location": f"{scene.trap}/?{scene.echo.replace(' ', '+')}"})


def _huge(scene: Scene) -> Reply:
    """A body that is announced as long as it is, and counted as it is taken."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(head(200, {"content-type": scene.player.media, "content-length": str(HUGE)}))
        for chunks in range(1, HUGE // len(_CHUNK) + 1):
            writer.write(_CHUNK)
            await writer.drain()
            scene.wrote(chunks * len(_CHUNK))
            # Without a pause a fast reader would keep the loop to this connection.
            await asyncio.sleep(0)
        return False

    return reply


def _trickle(scene: Scene) -> Reply:
    """One byte a second."""

    async def reply(writer: asyncio.StreamWriter) -> bool:
        writer.write(scene.started)
        for byte in scene.sound:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
        return True

    return reply


def _amid(end: Callable[[bytes], Reply]) -> Play:
    def play(scene: Scene) -> Reply:
        return end(scene.started + scene.sound[: len(scene.sound) // 2])

    return play


FAULTS: Final = (
    Fault("empty list", lambda scene: scene.ok(scene.player.page(scene.call.kind, (), None))),
    Fault("empty body", lambda scene: scene.ok(b"")),
    Fault("{}", lambda scene: scene.ok(scene.player.odd(scene.call, Oddity.EMPTY_OBJECT))),
    Fault("null list", lambda scene: scene.ok(scene.player.odd(scene.call, Oddity.NULL))),
    Fault("text for list", lambda scene: scene.ok(scene.player.odd(scene.call, Oddity.TEXT))),
    Fault("wrong types in items", lambda scene: scene.twisted(Twist.TYPES), changes=True),
    Fault("items without id", lambda scene: scene.twisted(Twist.NO_ID)),
    Fault("NaN", lambda scene: scene.twisted(Twist.NAN)),
    Fault("invalid UTF-8", lambda scene: scene.ok(scene.player.not_utf8(scene.sound))),
    Fault("cut document", lambda scene: scene.ok(scene.sound[: len(scene.sound) // 2])),
    Fault("cut page", _cut_page),
    Fault("short list", _short_list),
    Fault("repeated cursor", _repeated_cursor),
    Fault("401", lambda scene: scene.refusal(401)),
    Fault("403", lambda scene: scene.web(403)),
    Fault("404 generic", lambda scene: scene.web(404)),
    Fault("404 in the vendor's words", _own_words, true=True),
    Fault("429", lambda scene: scene.refusal(429)),
    Fault(
        "429 with Retry-After",
        lambda scene: scene.refusal(429, {"retry-after": str(RETRY_AFTER)}),
        Group.AGAIN,
        held_seconds=RETRY_AFTER - 1,
        shared=True,
    ),
    Fault("500", lambda scene: scene.refusal(500)),
    Fault("503 HTML", lambda scene: scene.web(503)),
    Fault("200 HTML", lambda scene: scene.web(200)),
    Fault("redirect", _redirect),
    Fault("100 MB", _huge),
    Fault("closed amid the body", _amid(cut)),
    Fault("reset amid the body", _amid(reset)),
    Fault("refused"),
    Fault("1 byte a second", _trickle, Group.SLOW),
    Fault("silent after the headers", lambda scene: silent(scene.started), Group.SLOW),
    Fault("unknown host", None, Group.AGAIN, Address.UNKNOWN_HOST),
    Fault("certificate not trusted", None, Group.AGAIN, Address.UNTRUSTED),
    Fault("plain text for TLS", None, Group.AGAIN, Address.PLAIN_TEXT),
)
"""Each is met by the first sweep, a later sweep and a probe of every vendor."""
