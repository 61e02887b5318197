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

from starlette.requests import HTTPConnection

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
_REMEMBERED: Final = 4096
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


@dataclass(slots=True)
class _Hot:
    """A token that was used lately. `confirmed_at`: when, by the timer, the record was asked for it last."""

    record: TokenRecord
    viewer: Viewer
    confirmed_at: float


class Authenticator:
    """Tells who asks. Hot tokens are confirmed together behind the readers' backs, so that none waits for the record.

    What was not confirmed within the last second is asked for: a token that was revoked, also by another process, stops
    working within it. Unknown tokens are never remembered.
    """

    def __init__(self, store: TokenStore, clock: Clock, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._timer = timer
        self._hot: LRUCache[str, _Hot] = LRUCache(_REMEMBERED)
        self._digests: LRUCache[bytes, str] = LRUCache(_REMEMBERED)
        self._confirming: asyncio.Task[None] | None = None

    async def authenticate(self, request: HTTPConnection) -> Viewer:
        """The viewer of a request. Raises Unauthenticated, or Forbidden where the token may not read."""
        text = bearer(request)
        digest = digest_of(text)
        known = self._known(digest)
        if known is None:
            known = await self._asked(digest)
        if known is None or not known.record.valid_at(self._clock.now()):
            # One text for all three: whoever guesses learns nothing.
            raise Unauthenticated("The token is unknown, expired or revoked.")
        known.viewer.require(Permission.READ, "Reading")
        self._digests.add(request.headers["authorization"].encode("latin-1"), digest)
        return known.viewer

    def hot(self, header: bytes) -> Viewer | None:
        """The viewer of an `Authorization` header that was let in lately; None where `authenticate` must look at it."""
        digest = self._digests.get(header)
        known = None if digest is None else self._known(digest)
        if known is None or not known.record.valid_at(self._clock.now()) or not known.viewer.may(Permission.READ):
            return None
        return known.viewer

    async def close(self) -> None:
        """Let what is under way end."""
        if self._confirming is not None:
            await self._confirming

    def _known(self, digest: str) -> _Hot | None:
        known = self._hot.get(digest)
        if known is None:
            return None
        age = self._timer() - known.confirmed_at
        if age >= MEMORY_SECONDS:
            return None
        if age >= _CONFIRMED_SECONDS and (self._confirming is None or self._confirming.done()):
            self._confirming = asyncio.get_running_loop().create_task(self._confirm())
        return known

    async def _asked(self, digest: str) -> _Hot | None:
        asked_at = self._timer()
        record = await self._store.by_digest(digest)
        if record is None or not hmac.compare_digest(record.digest, digest):
            self._hot.pop(digest)
            return None
        return self._keep(record, asked_at)

    async def _confirm(self) -> None:
        asked_at, digests = self._timer(), self._hot.keys()
        try:
            records = await self._store.by_digests(digests)
        except DatabaseUnavailable as error:
            # Whoever asks next waits for the record, and is told.
            logger("tokens").warning("database_unavailable", what="confirming tokens", cause=error.cause)
            return
        except Exception as error:  # noqa: BLE001 - whoever asks next waits for the record, and is told what is wrong
            logger("tokens").error("token_confirmation_failed", exc_info=error)
            return
        for gone in set(digests) - {record.digest for record in records}:
            self._hot.pop(gone)
        for record in records:
            self._keep(record, asked_at)

    def _keep(self, record: TokenRecord, asked_at: float) -> _Hot:
        known = self._hot.get(record.digest)
        if known is not None and known.record == record:
            # The same viewer, so that what is kept under it is found quickly.
            known.confirmed_at = max(known.confirmed_at, asked_at)
            return known
        made = _Hot(record, Viewer(record.name, record.permissions, record.accounts), asked_at)
        self._hot.add(record.digest, made)
        return made
