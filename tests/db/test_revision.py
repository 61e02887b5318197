"""What was read is kept while the record has the version it was read at, and no longer."""

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
from tests.db.test_store import LAB, MACHINES, VOLUMES, _random_sweeps, sweep
from tests.db.test_two_processes import OTHER
from tests.db_query.queries import EVERYONE, Queries, f, root
from tests.observations import complete, volume

ASKED = (
    root(
        "resources",
        f("nodes", "name", "status", f("linkedResources", "linkType"), f("offerHistory", "role")),
        "totalCount",
    ),
    root("changes", f("nodes", "field", "before", "after")),
    root("accounts", "name", f("scopes", "resourceCount missingCount")),
)


async def shown(readings: Queries) -> list[tuple[list[bytes], object]]:
    """Everything that is read, each root field by a statement of its own: the parts of its text, and its facts."""
    told: list[RootResult] = []
    for asked in ASKED:
        found = await readings.read(readings.compile([asked], EVERYONE))
        assert isinstance(found, Sequence)
        told.extend(found)
    return [(each.text._parts, each.accounts) for each in told]


async def version(engine: AsyncEngine) -> int:
    """The record's."""
    async with read_transaction(engine) as connection:
        return int(await connection.scalar(select(data_revision.c.revision)) or 0)


@pytest.mark.parametrize("seed", range(3))
async def test_a_reader_that_keeps_shows_what_one_that_keeps_nothing_shows(
    seed: int, store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """After whatever is written, by flights, the configuration, the operator or pruning, and also where nothing was."""
    random = Random(seed)
    keeping, forgetful = Queries(engine), Queries(engine, cache_bytes=0)

    async def list_machines() -> None:
        (told,) = _random_sweeps(random, 1)
        clock.advance(40)
        await sweep(store, clock, MACHINES, complete(*told))

    async def list_volumes() -> None:
        clock.advance(40)
        await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(random.randint(0, 3)))))

    async def prune() -> None:
        await store.prune(clock.now() - timedelta(seconds=100))

    async def configure() -> None:
        await store.configure(random.choice([[LAB], [LAB, OTHER]]))

    async def nothing() -> None:
        return

    await store.configure([LAB, OTHER])
    steps: list[Callable[[], Awaitable[None]]] = [list_machines, list_volumes, prune, configure, nothing]
    for _ in range(25):
        await random.choice(steps)()
        expected = await shown(forgetful)
        assert [expected] * 2 == [await shown(keeping), await shown(keeping)]
    await account_admin.rename(engine, "other", "another")
    assert await shown(forgetful) == await shown(keeping)


async def test_a_record_that_changes_between_any_two_statements_is_read(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """At once then, texts and facts of one version: as many are listed as the scope is said to hold."""
    await store.configure([LAB])
    connections, held = EngineReader(engine, 5), 0

    class Changing:
        seconds = 5.0

        async def row(self, sql: str, parameters: Sequence[Any]) -> Sequence[Any]:
            nonlocal held
            held += 1
            clock.advance(40)
            await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(held))))
            return await connections.row(sql, parameters)

        async def close(self) -> None:
            await connections.close()

    readings = Queries(engine, rows=Changing())
    asked = root("resources", "totalCount"), root("accounts", f("scopes", "kind resourceCount"))
    for _ in range(3):
        found = await readings.read(readings.compile(asked, EVERYONE))
        assert isinstance(found, Sequence)
        counted = {row.count for row in found[1].accounts.scopes.values()}
        assert ({0, held}, f'{{"totalCount":{held}}}'.encode()) == (counted, found[0].text.plain_text)


async def test_every_write_that_readers_can_see_gives_the_record_another_version(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """And drawing a number, which they cannot, gives none: it would cost every reader what is kept."""
    await store.configure([LAB])
    seen = [await version(engine)]
    await store.draw("lab")
    assert seen == [await version(engine)]
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    seen.append(await version(engine))
    await store.configure([LAB, OTHER])
    seen.append(await version(engine))
    await store.prune(clock.now())
    seen.append(await version(engine))
    await account_admin.rename(engine, "other", "another")
    seen.append(await version(engine))
    assert len(seen) == len(set(seen))


async def test_what_is_asked_a_third_time_is_not_written_again(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Only the version is asked then, until the record has another."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    readings, asked = Queries(engine), list[str]()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    told = [await shown(readings) for _ in range(2)]
    asked.clear()
    told.append(await shown(readings))
    assert [told[0]] * 3 == told
    assert len(ASKED) == len(asked)
    assert all(statement.endswith("FROM data_revision) AS anon_1") for statement in asked)
    clock.advance(40)
    await sweep(store, clock, VOLUMES, complete(volume("v-1"), volume("v-2")))
    assert told[0] != await shown(readings)
