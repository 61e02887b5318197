"""Rows of the tables as plain Python values. The database gets them, and the oracle reads the same ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from db import tables
from db.engine import make_engine
from domain.enums import STATUS_RANK, ResourceStatus
from domain.timestamps import to_text
from tests.databases import DatabaseBackend
from tests.doubles.postgresql import the_server

Row = dict[str, Any]

NOW: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    """Return the text of an instant before NOW."""
    return to_text(NOW - timedelta(seconds=seconds))


def uuid_of(number: int) -> UUID:
    """Return the UUID of a resource. UUIDs sort by their numbers."""
    return UUID(int=number + 1, version=5)


@dataclass
class RowWorld:
    """The rows of a small database. Ids count from 1 in the order in which rows are added."""

    accounts: list[Row] = field(default_factory=list)
    scopes: list[Row] = field(default_factory=list)
    resources: list[Row] = field(default_factory=list)
    links: list[Row] = field(default_factory=list)
    offers: list[Row] = field(default_factory=list)
    provenance: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    data_revision: list[Row] = field(default_factory=lambda: [{"one": 1, "revision": 7}])

    def add_account(self, name: str, vendor: str = "sandbox", **values: Any) -> Row:
        """Add an account with a default max age of 30 s."""
        row = {"account_id": len(self.accounts) + 1, "name": name, "vendor": vendor, "configured": True}
        return _append(self.accounts, row | {"identity": name, "cooldown_seconds": 30.0, "flight_no": 9} | values)

    def add_scope(self, account: Row, kind: str = "MACHINES", region: str = "", **values: Any) -> Row:
        """Add a scope that was swept 10 s ago by the flight with number 5."""
        row = {"scope_id": len(self.scopes) + 1, "account_id": account["account_id"], "kind": kind, "region": region}
        swept = {"swept_no": 5, "swept_at": ago(10), "tried_no": 5, "tried_at": ago(10)}
        rest = {"configured": True, "state": "OK", "problem": None, "problem_detail": None, "hold_until": None}
        return _append(self.scopes, row | swept | rest | values)

    def add_resource(self, scope: Row, number: int | None = None, **values: Any) -> Row:
        """Add a running resource that the last sweep of its scope saw."""
        if number is None:
            number = len(self.resources)
        account = self.accounts[scope["account_id"] - 1]
        row = _DEFAULTS | {
            "resource_id": str(uuid_of(number)),
            "account_id": scope["account_id"],
            "scope_id": scope["scope_id"],
            "kind": scope["kind"],
            "vendor": account["vendor"],
            "vendor_id": f"v-{number}",
            "vendor_region": scope["region"] or "unknown",
            "resource_type": "VM" if scope["kind"] == "MACHINES" else "BLOCK_DISK",
        }
        row |= values
        row["status_rank"] = STATUS_RANK[ResourceStatus(row["status"])]
        row["name_folded"] = None if row["name"] is None else row["name"].casefold()
        row["price"] = None if row["price_text"] is None else float(row["price_text"])
        row["price_text"] = None if row["price"] is None else repr(row["price"])
        if row["status"] == "DELETED":
            row["deleted_at"], row["deleted_by"] = ago(5), "VENDOR"
        return _append(self.resources, row)

    def add_link(self, owner: Row, other: Row, link_type: str = "ATTACHED_STORAGE", **values: Any) -> None:
        """Add a link in both directions."""
        inverse = {"ATTACHED_STORAGE": "ATTACHED_TO", "MEMBER_OF": "HAS_MEMBER", "SAME_MACHINE": "SAME_MACHINE"}
        for owned, start, end, directed_type in (
            (True, owner, other, link_type),
            (False, other, owner, inverse[link_type]),
        ):
            row = {"link_id": len(self.links) + 1, "account_id": owner["account_id"], "owned": owned}
            row |= {"link_type": directed_type}
            row |= {f"from_{name}": start[key] for name, key in _LINK_END.items()}
            row |= {f"to_{name}": end[key] for name, key in _LINK_END.items()}
            _append(self.links, row | {"linked_since": ago(500), "linked_until": None} | values)

    def add_provenance(self, resource: Row, number: int, **values: Any) -> None:
        """Add the provenance of a resource from the offer with this number, and the offer if it is new."""
        offer_id = str(UUID(int=1000 + number, version=5))
        if offer_id not in {offer["offer_id"] for offer in self.offers}:
            terms = {"offer_type": "VM", "contract_type": "ONDEMAND", "vendor_sku": f"sku-{number}"}
            price = {"price_text": "1.5", "currency": "USD"}
            _append(self.offers, {"offer_id": offer_id, "account_id": resource["account_id"]} | terms | price)
        row = {"provenance_id": len(self.provenance) + 1, "resource_id": resource["resource_id"], "offer_id": offer_id}
        _append(self.provenance, row | {"role": "OBSERVED", "created_at": ago(900)} | values)

    def add_change(self, resource: Row, field_name: str, before: object, after: object, **values: Any) -> Row:
        """Add an entry of the history."""
        row = {"seq": len(self.history) + 1, "field": field_name, "observed_at": ago(100), "source": "SWEEP"}
        row |= {key: resource[key] for key in ("resource_id", "account_id")} | {"flight_no": 5}
        row |= {"before": None if before is None else json.dumps(before), "after": json.dumps(after)}
        return _append(self.history, row | values)

    @asynccontextmanager
    async def database(self, file: Path | None = None) -> AsyncIterator[AsyncEngine]:
        """Insert the rows into an empty database: of the selected backend, or the SQLite file if one is given."""
        async with _empty_database(file) as engine:
            async with engine.begin() as connection:
                # A migrated database already has a revision.
                await connection.execute(tables.data_revision.delete())
                for name in _TABLES:
                    if rows := getattr(self, name):
                        await connection.execute(tables.metadata.tables[name].insert(), rows)
            yield engine


@asynccontextmanager
async def _empty_database(file: Path | None) -> AsyncIterator[AsyncEngine]:
    if file is None and selection.backend is DatabaseBackend.POSTGRESQL:
        async with _POOL.database() as engine:
            yield engine
        return
    engine = make_engine("sqlite+aiosqlite://" if file is None else f"sqlite+aiosqlite:///{file}")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
        yield engine
    finally:
        await engine.dispose()


class _PostgresqlPool:
    """Databases on PostgreSQL. They are emptied and reused, because there are many examples and creation takes a while."""

    def __init__(self) -> None:
        self._free: list[str] = []

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncEngine]:
        """Yield an empty database."""
        server = the_server()
        name = self._free.pop() if self._free else await server.fresh()
        engine = make_engine(server.url(name))
        try:
            yield engine
            async with engine.begin() as connection:
                for table in reversed(_TABLES):
                    await connection.execute(tables.metadata.tables[table].delete())
            self._free.append(name)
        finally:
            await engine.dispose()


@dataclass
class _BackendSelection:
    """The backend of the databases that the tests create."""

    backend: DatabaseBackend = DatabaseBackend.SQLITE


selection: Final = _BackendSelection()
_POOL: Final = _PostgresqlPool()
_TABLES: Final = ("data_revision", "accounts", "scopes", "resources", "links", "offers", "provenance", "history")
_LINK_END: Final = {"kind": "kind", "vendor_id": "vendor_id", "id": "resource_id"}
_DEFAULTS: Final[Row] = dict.fromkeys(column.name for column in tables.resources.columns if column.computed is None) | {
    "generation": 0,
    "created_at": ago(3600),
    "first_seen_at": ago(3500),
    "first_seen_elapsed": 0.0,
    "first_no": 1,
    "status": "RUNNING",
    "vendor_status": "running",
    "has_access": False,
    "spec_vendor": "{}",
    "pricing_source": "NONE",
    "seen_no": 3,
    "seen_at": ago(1000),
    "seen_source": "SWEEP",
    "absence_count": 0,
    "probed_no": 0,
}


def _append(rows: list[Row], row: Row) -> Row:
    rows.append(row)
    return row
