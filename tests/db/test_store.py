"""The store writes what was decided, exactly once and in order, with concurrent writers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine, read_transaction
from db.migrations import migrate
from db.record.store import Store
from db.tables import history, links, metadata, resources
from domain.errors import ConfigurationError
from domain.ports import AccountSetup
from domain.records.history import live_state, replay
from domain.records.model import Changes, LockedState
from domain.records.observation import NOT_REPORTED
from domain.timestamps import to_text
from reconcile.rules.decision import decide_sweep
from tests.clock import ManualClock
from tests.databases import DatabaseBackend
from tests.db.sweeps import LAB, MACHINES, VOLUMES, decision_context, random_listings, sweep
from tests.observations import attached, complete, machine, volume


async def count(engine: AsyncEngine, table: str) -> int:
    """Return the number of rows of a table."""
    async with read_transaction(engine) as connection:
        return int(await connection.scalar(select(func.count()).select_from(metadata.tables[table])) or 0)


async def test_concurrent_and_repeated_migrations(backend: DatabaseBackend) -> None:
    """Five processes that migrate one empty database at once leave one complete schema."""
    async with backend.empty() as url:
        engines = [make_engine(url) for _ in range(5)]
        await asyncio.gather(*(migrate(engine) for engine in engines))
        await migrate(engines[0])
        async with engines[0].connect() as connection:
            names = await connection.run_sync(lambda sync: set(sync.dialect.get_table_names(sync)))
        assert set(metadata.tables) | {"alembic_version"} == names
        for engine in engines:
            await engine.dispose()


async def test_scopes_that_are_no_longer_configured_keep_their_rows(store: Store) -> None:
    """A scope that is configured again uses its previous row."""
    await store.configure([LAB])
    first = await store.scopes()
    await store.configure([])
    assert {False} == {scope.configured for scope in await store.scopes()}
    await store.configure([LAB])
    assert first == await store.scopes()


async def test_an_account_cannot_change_its_vendor(store: Store) -> None:
    """The error names the account and both vendors, and nothing is changed."""
    await store.configure([LAB])
    with pytest.raises(ConfigurationError, match=r"'lab' was recorded with the vendor 'lambda'.*'aws'"):
        await store.configure([AccountSetup("lab", "aws", 30, ())])
    assert {True} == {scope.configured for scope in await store.scopes()}


async def test_concurrent_draws_have_consecutive_numbers(store: Store) -> None:
    """Fifty concurrent draws return fifty numbers without a gap."""
    await store.configure([LAB])
    tickets = await asyncio.gather(*(store.draw("lab") for _ in range(50)))
    assert list(range(1, 51)) == sorted(ticket.number for ticket in tickets)


async def test_a_first_sweep_writes_every_observation(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """Resources are read as they were decided. Each has a snapshot in the history and an observed offer."""
    await store.configure([LAB])
    changes = await sweep(store, clock, MACHINES, complete(machine("m-1"), machine("m-2", name=None)))
    ids = [record.resource_id for record in changes.resources]
    stored = {record.vendor_id: record for record in await store.resources(ids)}
    assert {record.vendor_id: record for record in changes.resources} == stored
    counts = [await count(engine, table) for table in ("resources", "history", "provenance", "offers")]
    assert [2, 2, 2, 1] == counts


async def test_an_unchanged_listing_writes_only_its_scope(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Repeating a listing writes no row of a resource, whatever their number."""
    await store.configure([LAB])
    listing = complete(*(machine(f"m-{number}") for number in range(300)))
    await sweep(store, clock, MACHINES, listing)
    clock.advance(30)
    changes = await sweep(store, clock, MACHINES, listing)
    assert ((), (), (), ()) == (changes.resources, changes.history, changes.opened, changes.provenance)
    assert changes.scope is not None
    assert clock.now() == changes.scope.swept_at
    assert 300 == await count(engine, "history")


async def test_a_link_gets_both_ends_once_both_are_recorded(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """An attachment that was reported before its volume keeps its first instant."""
    await store.configure([LAB])
    await sweep(store, clock, MACHINES, complete(machine("m-1", links=(attached("v-1"),))))
    since = clock.now()
    clock.advance(60)
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    async with read_transaction(engine) as connection:
        rows = (await connection.execute(select(links).order_by(links.c.link_type))).all()
    assert ["ATTACHED_STORAGE", "ATTACHED_TO"] == [row.link_type for row in rows]
    assert [True, True] == [row.from_id is not None and row.to_id is not None for row in rows]
    assert {to_text(since)} == {row.linked_since for row in rows}


async def test_reattaching_a_volume_opens_a_second_link(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """Detaching closes the link in both directions, and attaching again opens a second pair of rows."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    for attachments in ((attached("v-1"),), (), (attached("v-1"),)):
        clock.advance(60)
        await sweep(store, clock, MACHINES, complete(machine("m-1", links=attachments)))
    async with read_transaction(engine) as connection:
        ends = list(await connection.scalars(select(links.c.linked_until).where(links.c.owned)))
    assert [False, True] == sorted(end is None for end in ends)
    assert 4 == await count(engine, "links")


async def test_a_listing_without_attachments_closes_no_link(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Attachments that are not reported differ from an empty list of attachments."""
    await store.configure([LAB])
    await sweep(store, clock, MACHINES, complete(machine("m-1", links=(attached("v-1"),))))
    await sweep(store, clock, MACHINES, complete(replace(machine("m-1"), links=NOT_REPORTED)))
    async with read_transaction(engine) as connection:
        assert [None, None] == list(await connection.scalars(select(links.c.linked_until)))


async def test_a_failed_apply_writes_nothing(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """An apply is one transaction."""
    await store.configure([LAB])
    ticket = await store.draw("lab")
    result = complete(machine("m-1"), machine("m-1-twin"))

    def insert_twice(state: LockedState) -> Changes:
        changes = decide_sweep(state, ticket, result, decision_context(clock))
        return Changes(changes.scope, (*changes.resources, changes.resources[0]), changes.history)

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.apply(MACHINES, [], whole=True, decide=insert_twice)
    assert [0, 0] == [await count(engine, "resources"), await count(engine, "history")]
    assert [None] == [scope.swept_at for scope in await store.scopes() if scope.key == MACHINES]


@pytest.mark.parametrize("seed", range(5))
async def test_replaying_the_history_gives_the_current_state(
    seed: int, store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Snapshot and changes add up to the resource, before and after old entries are pruned."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(3))))
    for observations in random_listings(Random(seed), 12):
        clock.advance(40)
        await sweep(store, clock, MACHINES, complete(*observations))

    async def check_history() -> int:
        async with read_transaction(engine) as connection:
            ids = list(await connection.scalars(select(resources.c.resource_id)))
            rows = (await connection.execute(select(history).order_by(history.c.seq))).all()
        for record in await store.resources(UUID(resource_id) for resource_id in ids):
            mine = [row for row in rows if row.resource_id == str(record.resource_id)]
            state = replay((row.field, json.loads(row.before), json.loads(row.after)) for row in mine)
            assert live_state(record.live) == {name: state[name] for name in live_state(record.live)}
            assert (None if record.missing_since is None else to_text(record.missing_since)) == state["missingSince"]
        return len(rows)

    before = await check_history()
    removed = await store.prune(clock.now() - timedelta(seconds=200))
    assert before - removed == await check_history()
    assert removed > 0
