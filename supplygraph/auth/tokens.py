"""Access tokens: 256 random bits, shown once and stored as a hash. The Authenticator maps a request to its viewer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from db.tokens import TokenRecord, TokenRows
from domain.cache import LRUCache
from domain.enums import Permission
from domain.errors import DatabaseUnavailable, Unauthenticated
from domain.timestamps import Clock
from domain.viewer import Viewer
from supplygraph.observability.logs import logger

PREFIX: Final = "sg_"
"""Lets scanners for leaked secrets recognize our tokens."""
MEMORY_SECONDS: Final = 1.0
"""How long a verified token is cached. A revoked token stops working within this time."""
_CONFIRM_AFTER_SECONDS: Final = 0.4
"""Age at which a verified token is verified again in the background."""
_MAX_LENGTH: Final = 512
_CACHE_SIZE: Final = 4096
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CENTURY_SECONDS: Final = 36_500 * 86_400


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token: the text, which is shown once, and the stored row."""

    text: str = field(repr=False)
    record: TokenRecord


def make(
    name: str,
    permissions: Iterable[Permission],
    accounts: Iterable[str] | None,
    now: datetime,
    lifetime: timedelta | None = None,
) -> NewToken:
    """Create a token. It sees all accounts if `accounts` is `None`, and never expires without `lifetime`."""
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
    """Return the hash under which a token is stored. 256 random bits need neither a salt nor a slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_lifetime(text: str) -> timedelta:
    """Parse a duration such as `90d`, `12h`, `30m`, `45s` or `2w`. Raises ValueError if the text is anything else."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < seconds <= _CENTURY_SECONDS:
        raise ValueError(
            f"'{text}' is not a valid duration; write a number and one of the units s, m, h, d, w, such as 90d"
        )
    return timedelta(seconds=seconds)


def bearer_token(headers: Sequence[bytes]) -> str:
    """Return the token in the values of `Authorization`. Raises Unauthenticated if there is none, or more than one."""
    if not headers:
        raise Unauthenticated("A token is needed: send the header 'Authorization: Bearer TOKEN'.")
    scheme, _, text = headers[0].decode("latin-1").strip().partition(" ")
    text = text.strip()
    if len(headers) > 1 or scheme.lower() != "bearer" or not text or len(text) > _MAX_LENGTH:
        raise Unauthenticated("The header 'Authorization' must be sent once and have the form 'Bearer TOKEN'.")
    return text


@dataclass(slots=True)
class CachedToken:
    """A token that was used recently. `confirmed_at` is when, by the timer, it was last looked up in the database."""

    record: TokenRecord
    viewer: Viewer
    confirmed_at: float


class Authenticator:
    """Maps requests to viewers. Recently used tokens are cached and verified together in the background.

    A token that was not verified within the last second is looked up in the database first. Therefore a token that was
    revoked, even by another process, stops working within a second. Unknown tokens are never cached.
    """

    def __init__(self, store: TokenRows, clock: Clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._timer = timer
        self._tokens: LRUCache[bytes, CachedToken] = LRUCache(_CACHE_SIZE)
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
        if age >= _CONFIRM_AFTER_SECONDS and (self._confirming is None or self._confirming.done()):
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
