"""Two processes on one database: neither sees uncommitted changes of the other, and writers wait for each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine import make_engine, read_transaction, write_transaction
from db.record import account_admin, apply, load
from db.record.store import Store
from db.tables import accounts, history, links, resources, scopes, tokens
from db.tokens import TokenNameTaken, TokenRecord, TokenRows
from domain.enums import Permission, ResourceKind
from domain.errors import ConfigurationError
from domain.records.history import SNAPSHOT, live_state, replay
from domain.records.model import FlightTicket, ScopeKey
from domain.records.observation import Observation
from domain.timestamps import to_text
from reconcile.rules.decision import decide_sweep
from reconcile.runner import named_keys
from tests.clock import ManualClock
from tests.databases import DatabaseBackend
from tests.db.sweeps import LAB, MACHINES, OTHER, VOLUMES, decision_context, random_listings, sweep
from tests.observations import attached, complete, machine, volume

_LOCK_WAIT_SECONDS = 30


@pytest.fixture
async def second_engine(url: str) -> AsyncIterator[AsyncEngine]:
    """Yield the engine of a second process on the same database."""
    engine = make_engine(url)
    yield engine
    await engine.dispose()


async def wait_for_lock_wait(engine: AsyncEngine) -> None:
    """Return once a transaction waits for a lock that another holds. Raises TimeoutError after 30 seconds."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(_LOCK_WAIT_SECONDS):
        while True:
            async with read_transaction(engine) as connection:
                if await connection.scalar(query):
                    return


async def apply_within(
    connection: AsyncConnection, ticket: FlightTicket, clock: ManualClock, *observations: Observation
) -> None:
    """Apply a sweep like `Store.apply`, in a transaction that the test controls."""
    result = complete(*observations)
    account = await load.lock_account(connection, MACHINES.account)
    state = await load.load(connection, account, MACHINES, named_keys(result.observations), whole=True)
    await apply.write(connection, account, state, decide_sweep(state, ticket, result, decision_context(clock)))


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> DatabaseBackend:
    """Return PostgreSQL, unless the test is marked to run on both databases."""
    param: DatabaseBackend = getattr(request, "param", DatabaseBackend.POSTGRESQL)
    return param


both = pytest.mark.parametrize("backend", list(DatabaseBackend), indirect=True, ids=lambda backend: backend.value)


@both
async def test_flight_numbers_are_unique(engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock) -> None:
    """Sixty draws of two processes return sixty numbers without a gap."""
    stores = [Store(engine, clock), Store(second_engine, clock)]
    await stores[0].configure([LAB])
    tickets = await asyncio.gather(*(store.draw("lab") for _ in range(30) for store in stores))
    assert list(range(1, 61)) == sorted(ticket.number for ticket in tickets)


async def test_an_apply_sees_what_the_previous_one_wrote(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """Two sweeps with the same machine and attachment write one resource, one open link and one snapshot."""
    first, second = Store(engine, clock), Store(second_engine, clock)
    await first.configure([LAB])
    await sweep(first, clock, VOLUMES, complete(volume("v-1")))
    ticket = await first.draw("lab")
    observation = machine("m-1", links=(attached("v-1"),))
    async with write_transaction(engine) as connection:
        await apply_within(connection, ticket, clock, observation)
        # The second sweep waits for the lock on the account already when it draws its number.
        later = asyncio.create_task(sweep(second, clock, MACHINES, complete(observation)))
        await wait_for_lock_wait(engine)
    await later
    async with read_transaction(engine) as connection:
        machines = select(func.count()).select_from(resources).where(resources.c.kind == "MACHINES")
        opened = select(func.count()).select_from(links).where(links.c.linked_until.is_(None), links.c.owned)
        mine = select(func.count()).select_from(
            history.join(resources, history.c.resource_id == resources.c.resource_id)
        )
        snapshots = mine.where(resources.c.kind == "MACHINES", history.c.field == SNAPSHOT)
        assert [1, 1, 1] == [await connection.scalar(query) for query in (machines, opened, snapshots)]
        assert ticket.number + 1 == await connection.scalar(
            select(scopes.c.swept_no).where(scopes.c.kind == "MACHINES")
        )


async def test_an_older_flight_that_is_applied_later_changes_nothing(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """It waits for the commit of the newer flight and is compared with what that one wrote."""
    first, second = Store(engine, clock), Store(second_engine, clock)
    await first.configure([LAB])
    old, new = await first.draw("lab"), await second.draw("lab")
    result = complete(machine("m-1", name="old"))
    async with write_transaction(second_engine) as connection:
        await apply_within(connection, new, clock, machine("m-1", name="new"))
        later = asyncio.create_task(
            first.apply(
                MACHINES,
                named_keys(result.observations),
                whole=True,
                decide=lambda state: decide_sweep(state, old, result, decision_context(clock)),
            )
        )
        await wait_for_lock_wait(second_engine)
    await later
    async with read_transaction(engine) as connection:
        assert ["new"] == list(await connection.scalars(select(resources.c.name)))


async def test_a_reader_that_pages_by_history_numbers_misses_nothing(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """The numbers rise in the order of commits, also across accounts."""
    first, second = Store(engine, clock), Store(second_engine, clock)
    await first.configure([LAB, OTHER])
    ticket = await first.draw("lab")
    other_machines = ScopeKey("other", ResourceKind.MACHINES, None)

    async def numbers_after(last: int) -> list[int]:
        async with read_transaction(engine) as connection:
            return list(await connection.scalars(select(history.c.seq).where(history.c.seq > last).order_by("seq")))

    async with write_transaction(engine) as connection:
        await apply_within(connection, ticket, clock, machine("m-1"))
        first_number = max(await connection.scalars(select(history.c.seq)))
        later = asyncio.create_task(sweep(second, clock, other_machines, complete(machine("m-2"))))
        await wait_for_lock_wait(engine)
        visible = await numbers_after(0)
    await later
    assert [] == visible
    numbers = await numbers_after(0)
    assert [first_number] == [number for number in numbers if number <= first_number]
    assert 2 == len(numbers)


async def test_pruning_does_not_delete_a_resource_that_came_back(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """Pruning waits for the lock on the account, and the resource is then alive."""
    first, second = Store(engine, clock), Store(second_engine, clock)
    await first.configure([LAB])
    await sweep(first, clock, MACHINES, complete(machine("m-1")))
    long_ago = to_text(clock.now())
    async with write_transaction(engine) as connection:
        tombstone = {"status": "DELETED", "deleted_at": long_ago, "deleted_by": "ABSENCE"}
        await connection.execute(update(resources).values(**tombstone))
    clock.advance(1000)
    async with write_transaction(engine) as connection:
        await load.lock_account(connection, "lab")
        pruning = asyncio.create_task(second.prune(clock.now()))
        await wait_for_lock_wait(engine)
        await connection.execute(update(resources).values(status="RUNNING", deleted_at=None, deleted_by=None))
    await pruning
    async with read_transaction(engine) as connection:
        assert ["RUNNING"] == list(await connection.scalars(select(resources.c.status)))


@both
async def test_token_names_are_unique(engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock) -> None:
    """Of ten concurrent inserts with one name, one succeeds and nine raise TokenNameTaken."""
    rows = [TokenRows(engine), TokenRows(second_engine)]
    records = [
        TokenRecord("ci", str(number) * 64, frozenset({Permission.READ}), None, clock.now()) for number in range(10)
    ]
    inserts = (rows[number % 2].add(record) for number, record in enumerate(records))
    results = await asyncio.gather(*inserts, return_exceptions=True)
    assert 9 == sum(isinstance(result, TokenNameTaken) for result in results)
    assert 1 == sum(result is None for result in results)


@both
async def test_concurrent_configuration(engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock) -> None:
    """Every account and scope has one row and is configured."""
    stores = [Store(engine, clock), Store(second_engine, clock)] * 4
    await asyncio.gather(*(store.configure([LAB, OTHER]) for store in stores))
    assert [True] * 4 == [scope.configured for scope in await stores[0].scopes()]


@both
async def test_account_names_are_unique(engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock) -> None:
    """If two accounts are renamed to one name at once, one succeeds and the other raises ConfigurationError."""
    await Store(engine, clock).configure([LAB, OTHER])
    results = await asyncio.gather(
        account_admin.rename(engine, "lab", "main"),
        account_admin.rename(second_engine, "other", "main"),
        return_exceptions=True,
    )
    assert [ConfigurationError] == [type(result) for result in results if result is not None]
    async with read_transaction(engine) as connection:
        assert 1 == await connection.scalar(select(func.count()).where(accounts.c.name == "main"))


@both
async def test_tokens_follow_a_renamed_account(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """Renaming rewrites every token, while another process writes tokens."""
    await Store(engine, clock).configure([LAB])
    digests = [str(number) * 64 for number in range(8)]
    rows = TokenRows(second_engine)
    for number in range(4):
        await rows.add(
            TokenRecord(f"t{number}", digests[number], frozenset({Permission.READ}), frozenset({"lab"}), clock.now())
        )
    await asyncio.gather(
        account_admin.rename(engine, "lab", "main"), *(rows.revoke(f"t{n}", clock.now()) for n in range(4))
    )
    async with read_transaction(engine) as connection:
        stored = (await connection.execute(select(tokens.c.accounts, tokens.c.revoked_at))).all()
    assert [('["main"]', True)] * 4 == [(row.accounts, row.revoked_at is not None) for row in stored]


@both
async def test_a_read_transaction_sees_one_snapshot(
    engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """It does not see what is committed between two of its statements."""
    await Store(engine, clock).configure([LAB])
    query = select(func.count()).select_from(resources)
    async with read_transaction(engine) as connection:
        before = await connection.scalar(query)
        await sweep(Store(second_engine, clock), clock, MACHINES, complete(machine("m-1")))
        assert [0, 0] == [before, await connection.scalar(query)]
    async with read_transaction(engine) as connection:
        assert 1 == await connection.scalar(query)


@both
@pytest.mark.parametrize("seed", range(3))
async def test_random_sweeps_of_two_processes_are_consistent(
    seed: int, engine: AsyncEngine, second_engine: AsyncEngine, clock: ManualClock
) -> None:
    """In any order of applies, replaying the history gives the current state, and no link is open twice."""
    stores = [Store(engine, clock), Store(second_engine, clock)]
    await stores[0].configure([LAB])

    async def run_process(store: Store, random: Random) -> None:
        for observations in random_listings(random, 10):
            clock.advance(7)
            await sweep(store, clock, MACHINES, complete(*observations))
            if random.random() < 0.4:
                await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{n}") for n in range(3))))
            if random.random() < 0.2:
                await store.prune(clock.now() - timedelta(seconds=60))

    await asyncio.gather(*(run_process(store, Random(10 * seed + n)) for n, store in enumerate(stores)))
    async with read_transaction(engine) as connection:
        ids = list(await connection.scalars(select(resources.c.resource_id)))
        entries = (await connection.execute(select(history).order_by(history.c.seq))).all()
        ends = (links.c.link_type, links.c.from_vendor_id, links.c.to_vendor_id)
        opened = select(func.count()).where(links.c.linked_until.is_(None)).group_by(*ends)
        assert {1} >= set(await connection.scalars(opened))
    for record in await stores[1].resources(UUID(resource_id) for resource_id in ids):
        mine = [row for row in entries if row.resource_id == str(record.resource_id)]
        state = replay((row.field, json.loads(row.before), json.loads(row.after)) for row in mine)
        assert live_state(record.live) == {name: state[name] for name in live_state(record.live)}
