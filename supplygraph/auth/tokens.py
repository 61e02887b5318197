"""Tokens: made of 256 random bits, shown once, kept as a hash; and who asks, told from the header of a request."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from db.tokens import TokenRecord
from domain.cache import LRUCache
from domain.enums import Permission
from domain.errors import DatabaseUnavailable, Unauthenticated
from domain.timestamps import Clock
from domain.viewer import Viewer
from supplygraph.observability.logs import logger

PREFIX: Final = "sg_"
"""Lets scanners for leaked secrets know ours."""
MEMORY_SECONDS: Final = 1.0
"""How long a token is remembered: a revoked one stops working within this time."""
_CONFIRMED_SECONDS: Final = 0.4
"""How old a confirmation is when the next one is asked for."""
_LONGEST: Final = 512
_CACHED_TOKENS: Final = 4096
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CENTURY_SECONDS: Final = 36_500 * 86_400


class TokenStore(Protocol):
    """Where tokens are kept."""

    async def by_digest(self, digest: str) -> TokenRecord | None:
        """The token of this hash."""
        ...

    async def by_digests(self, digests: Collection[str]) -> Sequence[TokenRecord]:
        """Those of these hashes that there are."""
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


def bearer_token(headers: Sequence[bytes]) -> str:
    """Return the token in the values of `Authorization`. Raises Unauthenticated if there is none, or more than one."""
    if not headers:
        raise Unauthenticated("A token is needed: send the header 'Authorization: Bearer TOKEN'.")
    scheme, _, text = headers[0].decode("latin-1").strip().partition(" ")
    text = text.strip()
    if len(headers) > 1 or scheme.lower() != "bearer" or not text or len(text) > _LONGEST:
        raise Unauthenticated("The header 'Authorization' is not of the form 'Bearer TOKEN'.")
    return text


@dataclass(slots=True)
class CachedToken:
    """A token that was used recently. `confirmed_at` is when, by the timer, it was last looked up in the database."""

    record: TokenRecord
    viewer: Viewer
    confirmed_at: float


class Authenticator:
    """Finds the viewer of a request. Cached tokens are confirmed together in the background, so no reader waits for it.

    A token that was not confirmed within the last second is looked up: one that was revoked, also by another process, stops
    working within that time. Unknown tokens are never cached.
    """

    def __init__(self, store: TokenStore, clock: Clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._timer = timer
        self._tokens: LRUCache[bytes, CachedToken] = LRUCache(_CACHED_TOKENS)
        self._confirming: asyncio.Task[None] | None = None

    async def authenticate(self, headers: Sequence[bytes]) -> Viewer:
        """Return the viewer for the values of `Authorization`. Raises Unauthenticated, or Forbidden if the token may not read."""
        token = self._cached(headers[0]) if len(headers) == 1 else None
        if token is None:
            token = await self._look_up(headers)
        if token is None or not token.record.valid_at(self._clock.now()):
            # One text for all three cases: who guesses learns nothing.
            raise Unauthenticated("The token is unknown, expired or revoked.")
        token.viewer.require(Permission.READ, "Reading")
        return token.viewer

    async def close(self) -> None:
        """Wait for a running confirmation."""
        if self._confirming is not None:
            await self._confirming

    def _cached(self, header: bytes) -> CachedToken | None:
        token = self._tokens.get(header)
        if token is None:
            return None
        age = self._timer() - token.confirmed_at
        if age >= MEMORY_SECONDS:
            return None
        if age >= _CONFIRMED_SECONDS and (self._confirming is None or self._confirming.done()):
            self._confirming = asyncio.get_running_loop().create_task(self._confirm())
        return token

    async def _look_up(self, headers: Sequence[bytes]) -> CachedToken | None:
        digest = digest_of(bearer_token(headers))
        started_at = self._timer()
        record = await self._store.by_digest(digest)
        if record is None or not hmac.compare_digest(record.digest, digest):
            self._tokens.pop(headers[0])
            return None
        return self._remember(headers[0], record, started_at)

    async def _confirm(self) -> None:
        started_at = self._timer()
        digests = {header: token.record.digest for header in self._tokens if (token := self._tokens.peek(header))}
        try:
            records = await self._store.by_digests(set(digests.values()))
        except DatabaseUnavailable as error:
            # The next reader waits for the database, and gets the error.
            logger("tokens").warning("database_unavailable", what="confirming tokens", cause=error.cause)
            return
        except Exception as error:  # noqa: BLE001 - the next reader waits for the database, and gets the error
            logger("tokens").error("token_confirmation_failed", exc_info=error)
            return
        by_digest = {record.digest: record for record in records}
        for header, digest in digests.items():
            record = by_digest.get(digest)
            if record is None:
                self._tokens.pop(header)
            else:
                self._remember(header, record, started_at)

    def _remember(self, header: bytes, record: TokenRecord, confirmed_at: float) -> CachedToken:
        token = self._tokens.peek(header)
        if token is not None and token.record == record:
            token.confirmed_at = max(token.confirmed_at, confirmed_at)
            return token
        token = CachedToken(record, Viewer(record.name, record.permissions, record.accounts), confirmed_at)
        self._tokens.add(header, token)
        return token
