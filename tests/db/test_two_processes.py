"""Two processes on one database: whatever one has not committed yet, the other waits for or does not see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any
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
from domain.ports import AccountSetup
from domain.records.history import SNAPSHOT, live_state, replay
from domain.records.model import FlightTicket
from domain.timestamps import to_text
from reconcile.rules.decision import decide_sweep
from reconcile.runner import named_keys
from tests.clock import ManualClock
from tests.databases import DatabaseBackend
from tests.db.test_store import LAB, MACHINES, VOLUMES, _random_sweeps, ground, sweep
from tests.observations import attached, complete, machine, volume

_PATIENCE_SECONDS = 30
OTHER = AccountSetup("other", "lambda", 30, ((ResourceKind.MACHINES, None), (ResourceKind.VOLUMES, None)))


@pytest.fixture
async def another(url: str) -> AsyncIterator[AsyncEngine]:
    """What a second process has: an engine of its own on the same record."""
    made = make_engine(url)
    yield made
    await made.dispose()


async def waits(engine: AsyncEngine) -> None:
    """Return once some transaction waits for a lock that another holds. Raises TimeoutError where none ever does."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            async with read_transaction(engine) as connection:
                if await connection.scalar(query):
                    return


async def apply_within(connection: AsyncConnection, ticket: FlightTicket, clock: ManualClock, *told: Any) -> None:
    """What `Store.apply` does with a sweep, inside a transaction that the test commits when it likes."""
    result = complete(*told)
    account = await load.lock_account(connection, MACHINES.account)
    state = await load.load(connection, account, MACHINES, named_keys(result.observations), whole=True)
    await apply.write(connection, account, state, decide_sweep(state, ticket, result, ground(clock)))


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> DatabaseBackend:
    """Both databases, unless a test says that only one of them has what it is about."""
    told: DatabaseBackend = getattr(request, "param", DatabaseBackend.POSTGRESQL)
    return told


both = pytest.mark.parametrize("kept", list(DatabaseBackend), indirect=True, ids=lambda kept: kept.value)


@both
async def test_numbers_are_drawn_once(engine: AsyncEngine, another: AsyncEngine, clock: ManualClock) -> None:
    """Sixty flights of two processes have sixty numbers without a gap."""
    stores = [Store(engine, clock), Store(another, clock)]
    await stores[0].configure([LAB])
    tickets = await asyncio.gather(*(store.draw("lab") for _ in range(30) for store in stores))
    assert list(range(1, 61)) == sorted(ticket.number for ticket in tickets)


async def test_who_waits_for_an_account_sees_what_the_other_wrote(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """Two sweeps that tell the same machine and attachment make one resource, one open link, one snapshot."""
    first, second = Store(engine, clock), Store(another, clock)
    await first.configure([LAB])
    await sweep(first, clock, VOLUMES, complete(volume("v-1")))
    ticket = await first.draw("lab")
    told = machine("m-1", links=(attached("v-1"),))
    async with write_transaction(engine) as connection:
        await apply_within(connection, ticket, clock, told)
        later = asyncio.create_task(_apply(second, clock, told))
        await waits(engine)
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


async def _apply(store: Store, clock: ManualClock, *told: Any) -> None:
    # Its number is drawn behind the lock that the test holds, as every flight's is.
    await sweep(store, clock, MACHINES, complete(*told))


async def test_an_older_flight_that_comes_second_changes_nothing(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """It waited for the newer one's commit, and is judged by what that wrote."""
    first, second = Store(engine, clock), Store(another, clock)
    await first.configure([LAB])
    old, new = await first.draw("lab"), await second.draw("lab")
    result = complete(machine("m-1", name="old"))
    async with write_transaction(another) as connection:
        await apply_within(connection, new, clock, machine("m-1", name="new"))
        later = asyncio.create_task(
            first.apply(
                MACHINES,
                named_keys(result.observations),
                whole=True,
                decide=lambda state: decide_sweep(state, old, result, ground(clock)),
            )
        )
        await waits(another)
    await later
    async with read_transaction(engine) as connection:
        assert ["new"] == list(await connection.scalars(select(resources.c.name)))


async def test_no_reader_of_changes_misses_one(engine: AsyncEngine, another: AsyncEngine, clock: ManualClock) -> None:
    """Numbers of the history rise in the order of commits, also across accounts: who pages by them gets all."""
    first, second = Store(engine, clock), Store(another, clock)
    await first.configure([LAB, OTHER])
    ticket = await first.draw("lab")
    upstream = type(MACHINES)("other", ResourceKind.MACHINES, None)

    async def behind(last: int) -> list[int]:
        async with read_transaction(engine) as connection:
            return list(await connection.scalars(select(history.c.seq).where(history.c.seq > last).order_by("seq")))

    async with write_transaction(engine) as connection:
        await apply_within(connection, ticket, clock, machine("m-1"))
        mine = max(await connection.scalars(select(history.c.seq)))
        later = asyncio.create_task(sweep(second, clock, upstream, complete(machine("m-2"))))
        await waits(engine)
        seen = await behind(0)
    await later
    assert [] == seen
    told = await behind(0)
    assert [mine] == [seq for seq in told if seq <= mine]
    assert 2 == len(told)


async def test_what_comes_back_while_it_is_to_be_forgotten_stays(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """Pruning waits for the account, and then finds it alive."""
    first, second = Store(engine, clock), Store(another, clock)
    await first.configure([LAB])
    await sweep(first, clock, MACHINES, complete(machine("m-1")))
    long_ago = to_text(clock.now())
    async with write_transaction(engine) as connection:
        dead = {"status": "DELETED", "deleted_at": long_ago, "deleted_by": "ABSENCE"}
        await connection.execute(update(resources).values(**dead))
    clock.advance(1000)
    async with write_transaction(engine) as connection:
        await load.lock_account(connection, "lab")
        pruned = asyncio.create_task(second.prune(clock.now()))
        await waits(engine)
        await connection.execute(update(resources).values(status="RUNNING", deleted_at=None, deleted_by=None))
    await pruned
    async with read_transaction(engine) as connection:
        assert ["RUNNING"] == list(await connection.scalars(select(resources.c.status)))


@both
async def test_a_token_s_name_is_given_once(engine: AsyncEngine, another: AsyncEngine, clock: ManualClock) -> None:
    """Of ten that ask at once one gets it, and nine are told so."""
    rows = [TokenRows(engine), TokenRows(another)]
    records = [
        TokenRecord("ci", str(number) * 64, frozenset({Permission.READ}), None, clock.now()) for number in range(10)
    ]
    tries = (rows[number % 2].add(record) for number, record in enumerate(records))
    told = await asyncio.gather(*tries, return_exceptions=True)
    assert 9 == sum(isinstance(one, TokenNameTaken) for one in told)
    assert 1 == sum(one is None for one in told)


@both
async def test_processes_that_start_at_once_configure_once(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """Every account and scope is there once, and configured."""
    stores = [Store(engine, clock), Store(another, clock)] * 4
    await asyncio.gather(*(store.configure([LAB, OTHER]) for store in stores))
    assert [True] * 4 == [scope.configured for scope in await stores[0].scopes()]


@both
async def test_a_name_is_taken_once(engine: AsyncEngine, another: AsyncEngine, clock: ManualClock) -> None:
    """Two accounts that are renamed to one name at once: one is, the other is told that the name is taken."""
    await Store(engine, clock).configure([LAB, OTHER])
    told = await asyncio.gather(
        account_admin.rename(engine, "lab", "main"),
        account_admin.rename(another, "other", "main"),
        return_exceptions=True,
    )
    assert [ConfigurationError] == [type(one) for one in told if one is not None]
    async with read_transaction(engine) as connection:
        assert 1 == await connection.scalar(select(func.count()).where(accounts.c.name == "main"))


@both
async def test_renamed_accounts_are_still_seen_by_tokens_made_meanwhile(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """A renaming rewrites every token of before, whoever else writes tokens."""
    await Store(engine, clock).configure([LAB])
    digests = [str(number) * 64 for number in range(8)]
    rows = TokenRows(another)
    for number in range(4):
        await rows.add(
            TokenRecord(f"t{number}", digests[number], frozenset({Permission.READ}), frozenset({"lab"}), clock.now())
        )
    await asyncio.gather(
        account_admin.rename(engine, "lab", "main"), *(rows.revoke(f"t{n}", clock.now()) for n in range(4))
    )
    async with read_transaction(engine) as connection:
        told = (await connection.execute(select(tokens.c.accounts, tokens.c.revoked_at))).all()
    assert [('["main"]', True)] * 4 == [(row.accounts, row.revoked_at is not None) for row in told]


@both
async def test_a_reading_of_several_statements_sees_one_state(
    engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """What is committed between two of its statements is not in it."""
    await Store(engine, clock).configure([LAB])
    query = select(func.count()).select_from(resources)
    async with read_transaction(engine) as connection:
        before = await connection.scalar(query)
        await sweep(Store(another, clock), clock, MACHINES, complete(machine("m-1")))
        assert [0, 0] == [before, await connection.scalar(query)]
    async with read_transaction(engine) as connection:
        assert 1 == await connection.scalar(query)


@contextmanager
def ticking(clock: ManualClock) -> Iterator[None]:
    """Let some time pass, whatever happens."""
    clock.advance(7)
    yield


@both
@pytest.mark.parametrize("seed", range(3))
async def test_random_sweeps_of_two_processes_keep_the_record_whole(
    seed: int, engine: AsyncEngine, another: AsyncEngine, clock: ManualClock
) -> None:
    """Whatever order their applies come in, the history replayed gives the present and no link is open twice."""
    stores = [Store(engine, clock), Store(another, clock)]
    await stores[0].configure([LAB])

    async def life(store: Store, random: Random) -> None:
        for told in _random_sweeps(random, 10):
            with ticking(clock):
                await sweep(store, clock, MACHINES, complete(*told))
            if random.random() < 0.4:
                await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{n}") for n in range(3))))
            if random.random() < 0.2:
                await store.prune(clock.now() - timedelta(seconds=60))

    await asyncio.gather(*(life(store, Random(10 * seed + n)) for n, store in enumerate(stores)))
    async with read_transaction(engine) as connection:
        ids = list(await connection.scalars(select(resources.c.resource_id)))
        entries = (await connection.execute(select(history).order_by(history.c.seq))).all()
        ends = (links.c.link_type, links.c.from_vendor_id, links.c.to_vendor_id)
        opened = select(func.count()).where(links.c.linked_until.is_(None)).group_by(*ends)
        assert {1} >= set(await connection.scalars(opened))
    for record in await stores[1].resources(UUID(one) for one in ids):
        mine = [row for row in entries if row.resource_id == str(record.resource_id)]
        state = replay((row.field, json.loads(row.before), json.loads(row.after)) for row in mine)
        assert live_state(record.live) == {name: state[name] for name in live_state(record.live)}
