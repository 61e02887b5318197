"""What PostgreSQL alone has: a server that is reached, refuses, goes away and comes back; collations; its own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import DatabaseClock, synchronize
from db.database import Database
from db.engine import ConnectionSettings, make_engine, read_transaction, write_transaction
from db.record.store import Store
from domain.errors import ConfigurationError, DatabaseUnavailable
from domain.timestamps import SystemClock
from tests.clock import ManualClock
from tests.db.test_store import LAB
from tests.doubles.postgresql import PASSWORD, PostgresServer, new_server, the_server, thrown_away

_HARD = "not%25here"


@pytest.fixture
async def engine() -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated record of PostgreSQL's."""
    async with the_server().record() as url:
        made = make_engine(
            url, ConnectionSettings(pool_size=2, pool_wait_seconds=0.2, statement_seconds=3, write_seconds=4)
        )
        yield made
        await made.dispose()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that the test may stop."""
    made = new_server()
    yield made
    thrown_away(made)


async def test_by_a_folder_of_sockets() -> None:
    """A URL without a host names the folder."""
    async with the_server().record(by_socket=True) as url:
        assert "host=/" in url
        database = Database.open(url)
        assert await database.answers()
        assert database.file is None
        await database.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+asyncpg://u:{password}@127.0.0.1:1/x", "Connect call failed"),
        ("postgresql+asyncpg://u:{password}@/x?host=/no/such/folder", "No such file or directory"),
        ("postgresql+asyncpg://u:{password}@no-such-host.invalid/x", "not known"),
        ("postgresql+asyncpg://keeper:{password}@127.0.0.1:{port}/x", "password authentication failed"),
        ("postgresql+asyncpg://u:{password}@127.0.0.1:{port}/", "does not name a database"),
        ("postgresql+asyncpg://u:{password}@127.0.0.1:port/x", "is not a valid database URL"),
        ("postgresql://u:{password}@127.0.0.1/x", "names the driver 'postgresql'"),
        ("postgresql+psycopg://u:{password}@127.0.0.1/x", "names the driver 'postgresql+psycopg'"),
        ("postgresql+asyncpg://u:{password}@127.0.0.1/x?sslmode={password}", "sslmode"),
    ],
)
async def test_what_cannot_be_reached_is_told_without_the_password(url: str, said: str) -> None:
    """One line with the driver's own word, which names neither the URL nor what is secret in it."""
    with pytest.raises(ConfigurationError) as told:
        await Database.open(url.format(password=_HARD, port=the_server().port)).migrate()
    assert str(told.value).startswith("database.url")
    assert said in str(told.value)
    for secret in (_HARD, "not%here"):
        assert secret not in str(told.value)
    assert 1 == len(str(told.value).splitlines())


async def test_no_engine_shows_the_password() -> None:
    """Neither itself nor its URL, which logs and tracebacks print."""
    server = the_server()
    engine = make_engine(server.url("x"))
    assert PASSWORD not in f"{engine!r}{engine.url!r}{engine.url}"
    await engine.dispose()


async def test_every_text_sorts_by_code_point(engine: AsyncEngine) -> None:
    """Whatever the database's own collation is: each column of text says so itself."""
    query = text(
        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_collation l ON l.oid = a.attcollation "
        "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'alembic_version' AND l.collname <> 'C'"
    )
    async with read_transaction(engine) as connection:
        assert [] == list(await connection.scalars(query))


async def test_how_transactions_begin(engine: AsyncEngine) -> None:
    """Readings see one state and may not write; both are bounded by the settings; nothing is compiled to machine code."""
    names = ("transaction_isolation", "transaction_read_only", "statement_timeout", "jit")
    query = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
    async with read_transaction(engine) as connection:
        assert ("repeatable read", "on", "3s", "off") == tuple((await connection.execute(query)).one())
    async with write_transaction(engine) as connection:
        assert ("read committed", "off", "4s", "off") == tuple((await connection.execute(query)).one())


async def test_no_connection_free_in_time(engine: AsyncEngine) -> None:
    """Who waits for longer than is set is told so, and the next one is served."""
    async with read_transaction(engine), read_transaction(engine):
        with pytest.raises(DatabaseUnavailable) as told:
            async with read_transaction(engine):
                pass
    assert "no connection became free in time" == told.value.cause
    assert await Database(engine, engine.url).answers()


async def test_what_a_statement_of_ours_is_wrong_with_is_no_outage(engine: AsyncEngine) -> None:
    """A mistake stays what it is, and its values are not told."""
    with pytest.raises(Exception, match="division by zero") as told:
        async with write_transaction(engine) as connection:
            await connection.execute(text("SELECT 1 / (:a - 4711)"), {"a": 4711})
    assert not isinstance(told.value, DatabaseUnavailable)
    assert "4711}" not in str(told.value)


async def test_a_server_that_comes_back_is_used_again(server: PostgresServer) -> None:
    """While it is away each use says so; afterwards every connection of the pool works, without a failure between."""
    name = await server.fresh()
    database = Database.open(server.url(name), ConnectionSettings(pool_size=3))
    store = Store(database.engine, ManualClock())
    await store.configure([LAB])
    await asyncio.gather(*(store.draw("lab") for _ in range(3)))
    for number in (4, 5):
        await asyncio.to_thread(server.stop)
        assert not await database.answers()
        with pytest.raises(DatabaseUnavailable):
            await store.draw("lab")
        await asyncio.to_thread(server.start)
        assert number == (await store.draw("lab")).number
        assert [True] * 6 == list(await asyncio.gather(*(database.answers() for _ in range(6))))
    await database.close()


async def test_a_transaction_that_the_server_ended_is_told_as_its_absence(server: PostgresServer) -> None:
    """And nothing of it was kept."""
    name = await server.fresh()
    database = Database.open(server.url(name))
    store = Store(database.engine, ManualClock())
    await store.configure([LAB])

    async def cut_short() -> None:
        async with write_transaction(database.engine) as connection:
            await connection.execute(text("UPDATE accounts SET flight_no = 77"))
            await asyncio.to_thread(server.stop)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await cut_short()
    await asyncio.to_thread(server.start)
    assert 1 == (await store.draw("lab")).number
    await database.close()


class TestTheClock:
    """Of the database, kept on this machine."""

    async def test_it_is_set_by_the_database(self, engine: AsyncEngine) -> None:
        """A machine whose clock is a year behind tells the database's time."""
        own = ManualClock()
        clock = DatabaseClock(own)
        async with read_transaction(engine) as connection:
            await synchronize(connection, clock)
        assert abs(clock.now() - SystemClock().now()) < timedelta(minutes=1)
        own.advance(5)
        assert clock.now() - own.now() > timedelta(days=1)

    async def test_another_clock_is_left_alone(self, engine: AsyncEngine) -> None:
        """What a test hands in stays what it is."""
        own = ManualClock()
        async with read_transaction(engine) as connection:
            await synchronize(connection, own)
        assert ManualClock().now() == own.now()

    def test_it_does_not_follow_every_measurement(self) -> None:
        """Off by less than 50 ms, or by less than the call took, it stays: else it might run backwards."""
        own = ManualClock()
        clock = DatabaseClock(own)
        for ahead, took in ((0.049, 0.0), (-0.049, 0.0), (0.9, 2.0)):
            clock.adjust(own.now() + timedelta(seconds=ahead - took / 2), 0.0, took)
            assert own.now() == clock.now()
        clock.adjust(own.now() - timedelta(seconds=3), 0.0, 0.0)
        assert own.now() - timedelta(seconds=3) == clock.now()

    async def test_a_flight_s_time_is_the_record_s(self, engine: AsyncEngine) -> None:
        """Drawing a number compares the clocks."""
        store = Store(engine, DatabaseClock(ManualClock()))
        await store.configure([LAB])
        assert abs((await store.draw("lab")).sent_at - SystemClock().now()) < timedelta(minutes=1)
