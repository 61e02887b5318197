"""The table of tokens. It stores hashes, permissions and visible accounts, but never a token itself."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import read_transaction, write_transaction
from db.locks import AdvisoryLock, acquire
from db.tables import tokens
from domain.enums import Permission
from domain.timestamps import from_text, optional_instant, optional_text, to_text


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A stored token.

    `digest` is the SHA-256 of its text in lower-case hexadecimal. If `accounts` is `None`, the token sees all accounts.
    """

    name: str
    digest: str
    permissions: frozenset[Permission]
    accounts: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def valid_at(self, now: datetime) -> bool:
        """Return whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class TokenNameTaken(ValueError):
    """A valid token with this name exists."""


class TokenRows:
    """Reads and writes tokens. Every method is one short transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, record: TokenRecord, *, replace: bool = False) -> None:
        """Store a token. It replaces a revoked or expired token with its name and, with `replace`, a valid one as well.

        Raises TokenNameTaken.
        """
        async with write_transaction(self._engine) as connection:
            await acquire(connection, AdvisoryLock.TOKENS)
            row = (await connection.execute(select(tokens).where(tokens.c.name == record.name))).mappings().first()
            if row is not None:
                if not replace and _record(row).valid_at(record.created_at):
                    raise TokenNameTaken(record.name)
                await connection.execute(delete(tokens).where(tokens.c.name == record.name))
            await connection.execute(insert(tokens).values(**_row(record)))

    async def by_digest(self, digest: str) -> TokenRecord | None:
        """Return the token with this hash."""
        async with read_transaction(self._engine) as connection:
            row = (await connection.execute(select(tokens).where(tokens.c.hash == digest))).mappings().first()
            return None if row is None else _record(row)

    async def by_digests(self, digests: Collection[str]) -> tuple[TokenRecord, ...]:
        """Return the tokens with these hashes. Unknown hashes are skipped."""
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(select(tokens).where(tokens.c.hash.in_(digests)))).mappings()
            return tuple(_record(row) for row in rows)

    async def all(self) -> tuple[TokenRecord, ...]:
        """Return every token in the order of names, including revoked and expired ones."""
        async with read_transaction(self._engine) as connection:
            rows = (await connection.execute(select(tokens).order_by(tokens.c.name))).mappings()
            return tuple(_record(row) for row in rows)

    async def revoke(self, name: str, at: datetime) -> bool:
        """Revoke the token with this name. Return whether there was one that was not revoked yet."""
        async with write_transaction(self._engine) as connection:
            changed = await connection.execute(
                update(tokens)
                .where(tokens.c.name == name, tokens.c.revoked_at.is_(None))
                .values(revoked_at=to_text(at))
                .returning(tokens.c.token_id)
            )
            return changed.first() is not None


def _row(record: TokenRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "hash": record.digest,
        "permissions": json.dumps(sorted(record.permissions)),
        "accounts": None if record.accounts is None else json.dumps(sorted(record.accounts)),
        "created_at": to_text(record.created_at),
        "expires_at": optional_text(record.expires_at),
        "revoked_at": optional_text(record.revoked_at),
    }


def _record(row: Any) -> TokenRecord:
    return TokenRecord(
        name=row["name"],
        digest=row["hash"],
        permissions=frozenset(map(Permission, json.loads(row["permissions"]))),
        accounts=None if row["accounts"] is None else frozenset(json.loads(row["accounts"])),
        created_at=from_text(row["created_at"]),
        expires_at=optional_instant(row["expires_at"]),
        revoked_at=optional_instant(row["revoked_at"]),
    )
