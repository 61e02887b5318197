"""The cost of a page at depth 900,000 of a million resources, compared with the first page, in every order.

`python -m benchmarks.scenarios.page_depth`. It reads through the product's own statements, on a separate PostgreSQL (`--sqlite`:
on a file; `--resources N`: with fewer rows). Exits with 1 if a deep page takes more than 1.5 times as long as the first one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from db import tables
from db.engine import make_engine, write_transaction
from db.migrations import migrate
from db.query.cursors import encode
from domain.enums import STATUS_RANK, Permission, ResourceStatus
from domain.timestamps import to_text
from domain.viewer import Viewer
from tests.db_query.support.queries import Queries, f, read, render, root
from tests.doubles.postgresql import new_server, thrown_away

_WORST: Final = 1.5
_DEPTH: Final = 0.9
_LIVING: Final = 0.7
"""A lower bound of the share of resources that are not deleted."""
ORDERS: Final = {
    "CREATED_AT": "created_at",
    "NAME": "name_order",
    "STATUS": "status_rank",
    "PRICING_TOTAL_HOURLY": "price_order",
}
ACCOUNTS: Final = 20
_BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_FEW: Final = 1_000
"""The number of resources of the last account; the others share the rest."""
_STATUSES: Final = (*(status.value for status in ResourceStatus), *["RUNNING"] * 8, *["DELETED"] * 4)
EVERYONE: Final = Viewer("operator", frozenset({Permission.ADMIN}))
_NODE: Final = ("resourceId name status createdAt pricingTotalHourly currency", f("linkedResources", "name"))


def generate_rows(count: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield rows of resources with many ties, nulls and tombstones."""
    chance = random.Random(seed)  # noqa: S311 - the same rows in every run
    for number in range(count):
        account = ACCOUNTS if number >= count - _FEW else 1 + number % (ACCOUNTS - 1)
        status = chance.choice(_STATUSES)
        created = to_text(_BEGIN + timedelta(seconds=number // 3))
        price = None if chance.random() < 0.2 else chance.randrange(1, 400) / 100
        yield {
            "resource_id": str(UUID(int=chance.getrandbits(128), version=5)),
            "account_id": account,
            "scope_id": account,
            "kind": "MACHINES",
            "vendor_id": f"i-{number}",
            "generation": 0,
            "resource_type": "VM",
            "vendor": "sandbox",
            "vendor_region": "unknown",
            "created_at": created,
            "first_seen_at": created,
            "first_no": 1,
            "name": None if chance.random() < 0.2 else f"node-{chance.randrange(1 + count // 4)}",
            "status": status,
            "status_rank": STATUS_RANK[ResourceStatus(status)],
            "has_access": False,
            "spec_vendor": "{}",
            "price": price,
            "price_text": None if price is None else str(price),
            "currency": None if price is None else "USD",
            "pricing_source": "VENDOR",
            "seen_no": 1,
            "seen_at": created,
            "seen_source": "SWEEP",
            "absence_count": 0,
            "probed_no": 0,
            "deleted_at": created if status == "DELETED" else None,
            "deleted_by": "VENDOR" if status == "DELETED" else None,
        }


async def insert_accounts(engine: AsyncEngine) -> None:
    """Insert the accounts, each with one scope."""
    async with write_transaction(engine) as connection:
        numbers = range(1, ACCOUNTS + 1)
        common = {"vendor": "sandbox", "configured": True, "cooldown_seconds": 30.0}
        names = {number: f"account-{number}" for number in numbers}
        await connection.execute(
            tables.accounts.insert(),
            [{"account_id": number, "name": name, "identity": name, **common} for number, name in names.items()],
        )
        scope = {"kind": "MACHINES", "region": "", "configured": True, "state": "OK"}
        await connection.execute(tables.scopes.insert(), [{"scope_id": n, "account_id": n, **scope} for n in numbers])


@asynccontextmanager
async def fill_postgresql(count: int) -> AsyncIterator[AsyncEngine]:
    """Run a separate PostgreSQL with this many resources."""
    server = await asyncio.to_thread(new_server)
    try:
        name = await server.empty()
        engine = make_engine(server.url(name))
        await migrate(engine)
        await insert_accounts(engine)
        connection = await asyncpg.connect(server.url(name).replace("+asyncpg", ""))
        names = [*next(generate_rows(1))]
        records = (tuple(row.values()) for row in generate_rows(count))
        await connection.copy_records_to_table("resources", records=records, columns=names)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
        yield engine
        await engine.dispose()
    finally:
        thrown_away(server)


@asynccontextmanager
async def fill_sqlite(count: int) -> AsyncIterator[AsyncEngine]:
    """Fill a SQLite file with this many resources."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite+aiosqlite:///{Path(folder) / 'record.db'}")
        await migrate(engine)
        await insert_accounts(engine)
        async with write_transaction(engine) as connection:
            names = [*next(generate_rows(1))]
            statement = f"INSERT INTO resources ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.executemany(statement, (tuple(row.values()) for row in generate_rows(count)))
        yield engine
        await engine.dispose()


async def find_cursor(engine: AsyncEngine, field: str, direction: str, depth: int, *, deleted: bool) -> str:
    """Return the cursor of the resource at this depth."""
    column = tables.resources.c[ORDERS[field]]
    selected = {"NAME": tables.resources.c.name, "PRICING_TOTAL_HOURLY": tables.resources.c.price}.get(field, column)
    order = [each.asc() if direction == "ASC" else each.desc() for each in (column, tables.resources.c.resource_id)]
    query = tables.resources.select().with_only_columns(selected, tables.resources.c.resource_id).order_by(*order)
    if not deleted:
        query = query.where(tables.resources.c.status != "DELETED")
    async with write_transaction(engine) as connection:
        value, resource_id = (await connection.execute(query.offset(depth).limit(1))).one()
    return encode(f"{field}:{direction}", value, resource_id)


async def measure_pages(
    readings: Queries, viewer: Viewer, repeats: int, pages: Sequence[Mapping[str, Any]]
) -> list[float]:
    """Return the medians of the times to read each page.

    The pages are read in turns, so that other work of the machine affects all of them alike.
    """
    fields = (f("nodes", *_NODE), f("pageInfo", "endCursor hasNextPage"))
    fields_of_pages = [root("resources", *fields, **arguments) for arguments in pages]
    durations: list[list[float]] = [[] for _ in pages]
    for _ in range(repeats + 2):
        for each, times in zip(fields_of_pages, durations, strict=True):
            began = time.perf_counter()
            (reading,) = await read(readings, each, viewer=viewer)
            render(reading)
            times.append(time.perf_counter() - began)
    return [1000 * median(times[2:]) for times in durations]


async def compare_pages(engine: AsyncEngine, count: int, first: int, repeats: int) -> float:
    """Print the figures of every order and direction; return the worst ratio of a deep page to the first."""
    readings, worst = Queries(engine, 60, cache_bytes=0), 0.0
    viewers: Sequence[tuple[str, Viewer]] = (
        ("all", EVERYONE),
        ("half of the accounts", Viewer("x", frozenset(), frozenset(f"account-{n}" for n in range(1, 11)))),
    )
    print(f"{'order':34} {'viewer':22} {'deleted':8} {'first':>8} {'deep':>8} {'ratio':>6}")
    for field, direction, (who, viewer), deleted in product(ORDERS, ("ASC", "DESC"), viewers, (True, False)):
        common: dict[str, Any] = {
            "orderBy": {"field": field, "direction": direction},
            "filter": {"includeDeleted": deleted},
            "first": first,
        }
        depth = int(count * (_DEPTH if deleted else _DEPTH * _LIVING))
        after = await find_cursor(engine, field, direction, depth, deleted=deleted)
        pages = (common, {**common, "after": after})
        shallow, deep = await measure_pages(readings, viewer, repeats, pages)
        worst = max(worst, deep / shallow)
        order = f"{field} {direction}".ljust(34)
        print(f"{order} {who:22} {deleted!s:8} {shallow:8.2f} {deep:8.2f} {deep / shallow:6.2f}", flush=True)
    few = Viewer("x", frozenset(), frozenset({f"account-{ACCOUNTS}"}))
    print(f"an account of {_FEW}: first page {(await measure_pages(readings, few, 3, [{'first': first}]))[0]:.2f} ms")
    return worst


async def run(arguments: argparse.Namespace) -> float:
    """Load the rows, then compare pages."""
    began = time.perf_counter()
    async with (fill_sqlite if arguments.sqlite else fill_postgresql)(arguments.resources) as engine:
        print(f"{arguments.resources:,} resources loaded in {time.perf_counter() - began:.0f} s; milliseconds, medians")
        return await compare_pages(engine, arguments.resources, arguments.first, arguments.repeats)


def main() -> int:
    """Run the scenario."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.page_depth", description=__doc__)
    parser.add_argument("--sqlite", action="store_true", help="use a SQLite file instead of PostgreSQL")
    parser.add_argument("--resources", type=int, default=1_000_000, help="the number of rows")
    parser.add_argument("--first", type=int, default=100, help="the page size")
    parser.add_argument("--repeats", type=int, default=15, help="how often each page is read")
    worst = asyncio.run(run(parser.parse_args()))
    print(f"{'ok' if worst <= _WORST else 'FAILED'}: the worst ratio of a deep page to the first: {worst:.2f}")
    return 0 if worst <= _WORST else 1


if __name__ == "__main__":
    sys.exit(main())
