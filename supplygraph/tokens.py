"""Tokens: made of 256 random bits, shown once, kept as a hash; and who asks, told from the header of a request."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from cachetools import TTLCache
from starlette.requests import HTTPConnection

from db.tokens import TokenRecord
from domain.errors import Unauthenticated
from domain.instants import Clock
from domain.viewer import Viewer
from domain.words import Permission

PREFIX: Final = "sg_"
"""Lets scanners for leaked secrets know ours."""
MEMORY_SECONDS: Final = 1.0
"""How long a token is remembered: a revoked one stops working within this time."""
_LONGEST: Final = 512
_REMEMBERED: Final = 4096
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CENTURY_SECONDS: Final = 36_500 * 86_400


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def by_digest(self, digest: str) -> TokenRecord | None:
        """The token of this hash."""
        ...


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, and as it is kept."""

    text: str
    record: TokenRecord

    def __repr__(self) -> str:
        return f"NewToken(record={self.record!r})"


def make(
    name: str,
    permissions: Iterable[Permission],
    accounts: Iterable[str] | None,
    now: datetime,
    lifetime: timedelta | None = None,
) -> NewToken:
    """A new token. `accounts` None sees all of them; without `lifetime` it does not expire."""
    text = PREFIX + secrets.token_urlsafe(32)
    return NewToken(
        text,
        TokenRecord(
            name=name,
            digest=digest_of(text),
            permissions=frozenset(permissions),
            accounts=None if accounts is None else frozenset(accounts),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        ),
    )


def digest_of(text: str) -> str:
    """What is kept of a token. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_lifetime(text: str) -> timedelta:
    """`90d`, `12h`, `30m`, `45s`, `2w`. Raises ValueError, saying what may be written."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _CENTURY_SECONDS:
        raise ValueError(f"'{text}' is no time to live; write a number and a unit of s, m, h, d or w, such as 90d")
    return timedelta(seconds=seconds)


def bearer(connection: HTTPConnection) -> str:
    """The token of a request. Raises Unauthenticated where there is none, or more than one."""
    headers = connection.headers.getlist("authorization")
    if not headers:
        raise Unauthenticated("A token is needed: send the header 'Authorization: Bearer TOKEN'.")
    scheme, _, text = headers[0].strip().partition(" ")
    text = text.strip()
    if len(headers) > 1 or scheme.lower() != "bearer" or not text or len(text) > _LONGEST:
        raise Unauthenticated("The header 'Authorization' is not of the form 'Bearer TOKEN'.")
    return text


class Authenticator:
    """Tells who asks. Remembers hot tokens for at most a second; unknown ones are never remembered."""

    def __init__(self, store: TokenStore, clock: Clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._hot: TTLCache[str, TokenRecord] = TTLCache(_REMEMBERED, MEMORY_SECONDS, timer)

    async def authenticate(self, request: HTTPConnection) -> Viewer:
        """The viewer of a request. Raises Unauthenticated, or Forbidden where the token may not read."""
        record = await self._find(digest_of(bearer(request)))
        if record is None or not record.valid_at(self._clock.now()):
            # One text for all three: whoever guesses learns nothing.
            raise Unauthenticated("The token is unknown, expired or revoked.")
        viewer = Viewer(record.name, record.permissions, record.accounts)
        viewer.require(Permission.READ, "Reading")
        return viewer

    async def _find(self, digest: str) -> TokenRecord | None:
        hot = self._hot.get(digest)
        if hot is not None:
            return hot
        record = await self._store.by_digest(digest)
        if record is None or not hmac.compare_digest(record.digest, digest):
            return None
        self._hot[digest] = record
        return record
