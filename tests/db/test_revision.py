"""Results are cached only while the data revision stays the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.connections import EngineReader
from db.engine import read_transaction
from db.query.reader import RootResult
from db.record import account_admin
from db.record.store import Store
from db.tables import data_revision
from tests.clock import ManualClock
from tests.db.sweeps import LAB, MACHINES, OTHER, VOLUMES, random_listings, sweep
from tests.db_query.support.queries import EVERYONE, Queries, f, root
from tests.observations import complete, volume

ROOT_FIELDS = (
    root(
        "resources",
        f("nodes", "name", "status", f("linkedResources", "linkType"), f("offerHistory", "role")),
        "totalCount",
    ),
    root("changes", f("nodes", "field", "before", "after")),
    root("accounts", "name", f("scopes", "resourceCount", "missingCount")),
)


async def read_all(readings: Queries) -> list[tuple[list[bytes], object]]:
    """Read each root field with a statement of its own. Return the parts of its text, and its facts."""
    results: list[RootResult] = []
    for field in ROOT_FIELDS:
        batch = await readings.read(readings.compile([field], EVERYONE))
        assert isinstance(batch, Sequence)
        results.extend(batch)
    return [(result.text._parts, result.accounts) for result in results]


async def current_revision(engine: AsyncEngine) -> int:
    """Return the data revision."""
    async with read_transaction(engine) as connection:
        return int(await connection.scalar(select(data_revision.c.revision)) or 0)


@pytest.mark.parametrize("seed", range(3))
async def test_cached_results_equal_uncached_ones(
    seed: int, store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """They are equal after writes by flights, configuration, the operator and pruning, and without a write."""
    random = Random(seed)
    cached, uncached = Queries(engine), Queries(engine, cache_bytes=0)

    async def list_machines() -> None:
        (observations,) = random_listings(random, 1)
        clock.advance(40)
        await sweep(store, clock, MACHINES, complete(*observations))

    async def list_volumes() -> None:
        clock.advance(40)
        await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(random.randint(0, 3)))))

    async def prune() -> None:
        await store.prune(clock.now() - timedelta(seconds=100))

    async def configure() -> None:
        await store.configure(random.choice([[LAB], [LAB, OTHER]]))

    async def write_nothing() -> None:
        return

    await store.configure([LAB, OTHER])
    steps: list[Callable[[], Awaitable[None]]] = [list_machines, list_volumes, prune, configure, write_nothing]
    for _ in range(25):
        await random.choice(steps)()
        expected = await read_all(uncached)
        assert [expected] * 2 == [await read_all(cached), await read_all(cached)]
    await account_admin.rename(engine, "other", "another")
    assert await read_all(uncached) == await read_all(cached)


async def test_texts_and_facts_have_one_revision(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """Even if the data changes before every statement, the list and the scope show the same number of resources."""
    await store.configure([LAB])
    connections, volumes = EngineReader(engine, 5), 0

    class ReaderWithWrites:
        seconds = 5.0

        async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
            nonlocal volumes
            volumes += 1
            clock.advance(40)
            await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(volumes))))
            return await connections.row(sql, parameters)

        async def close(self) -> None:
            await connections.close()

    readings = Queries(engine, rows=ReaderWithWrites())
    fields = root("resources", "totalCount"), root("accounts", f("scopes", "kind resourceCount"))
    for _ in range(3):
        results = await readings.read(readings.compile(fields, EVERYONE))
        assert isinstance(results, Sequence)
        counts = {row.count for row in results[1].accounts.scopes.values()}
        assert ({0, volumes}, f'{{"totalCount":{volumes}}}'.encode()) == (counts, results[0].text.plain_text)


async def test_every_visible_write_changes_the_revision(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """Drawing a flight number is not visible to readers, so it leaves the revision and all cached results valid."""
    await store.configure([LAB])
    revisions = [await current_revision(engine)]
    await store.draw("lab")
    assert revisions == [await current_revision(engine)]
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    revisions.append(await current_revision(engine))
    await store.configure([LAB, OTHER])
    revisions.append(await current_revision(engine))
    await store.prune(clock.now())
    revisions.append(await current_revision(engine))
    await account_admin.rename(engine, "other", "another")
    revisions.append(await current_revision(engine))
    assert len(revisions) == len(set(revisions))


async def test_a_cached_result_costs_one_small_statement(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """From the third read on, only the revision is selected until it changes."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    readings, statements = Queries(engine), list[str]()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            statements.append(statement)

    results = [await read_all(readings) for _ in range(2)]
    statements.clear()
    results.append(await read_all(readings))
    assert [results[0]] * 3 == results
    assert len(ROOT_FIELDS) == len(statements)
    assert all(statement.endswith("FROM data_revision) AS anon_1") for statement in statements)
    clock.advance(40)
    await sweep(store, clock, VOLUMES, complete(volume("v-1"), volume("v-2")))
    assert results[0] != await read_all(readings)
