"""Behavior specific to PostgreSQL: connection errors, server restarts, collations and the server's clock."""

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
from tests.db.sweeps import LAB
from tests.doubles.postgresql import PASSWORD, PostgresServer, new_server, the_server, thrown_away

_ENCODED_PASSWORD = "not%25here"


@pytest.fixture
async def engine() -> AsyncIterator[AsyncEngine]:
    """Yield an engine on a PostgreSQL database with the current schema."""
    async with the_server().record() as url:
        engine = make_engine(
            url, ConnectionSettings(pool_size=2, pool_wait_seconds=0.2, statement_seconds=3, write_seconds=4)
        )
        yield engine
        await engine.dispose()


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Yield a server that the test may stop."""
    server = new_server()
    yield server
    thrown_away(server)


async def test_connecting_through_a_unix_socket() -> None:
    """A URL without a host names the folder of the socket."""
    async with the_server().record(by_socket=True) as url:
        assert "host=/" in url
        database = Database.open(url)
        assert await database.answers()
        assert database.file is None
        await database.close()


@pytest.mark.parametrize(
    ("url", "message"),
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
async def test_connection_errors_do_not_show_the_password(url: str, message: str) -> None:
    """The error is one line with the driver's message, and contains neither the URL nor the password."""
    with pytest.raises(ConfigurationError) as raised:
        await Database.open(url.format(password=_ENCODED_PASSWORD, port=the_server().port)).migrate()
    assert str(raised.value).startswith("database.url")
    assert message in str(raised.value)
    for secret in (_ENCODED_PASSWORD, "not%here"):
        assert secret not in str(raised.value)
    assert 1 == len(str(raised.value).splitlines())


async def test_an_engine_does_not_show_the_password() -> None:
    """Logs and tracebacks print the engine and its URL."""
    server = the_server()
    engine = make_engine(server.url("x"))
    assert PASSWORD not in f"{engine!r}{engine.url!r}{engine.url}"
    await engine.dispose()


async def test_every_text_sorts_by_code_point(engine: AsyncEngine) -> None:
    """Every text column declares the collation, whatever the default of the database is."""
    query = text(
        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_collation l ON l.oid = a.attcollation "
        "WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname <> 'alembic_version' AND l.collname <> 'C'"
    )
    async with read_transaction(engine) as connection:
        assert [] == list(await connection.scalars(query))


async def test_settings_of_transactions(engine: AsyncEngine) -> None:
    """Read transactions use a snapshot and cannot write. Both kinds have the configured timeout and no JIT compilation."""
    names = ("transaction_isolation", "transaction_read_only", "statement_timeout", "jit")
    query = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
    async with read_transaction(engine) as connection:
        assert ("repeatable read", "on", "3s", "off") == tuple((await connection.execute(query)).one())
    async with write_transaction(engine) as connection:
        assert ("read committed", "off", "4s", "off") == tuple((await connection.execute(query)).one())


async def test_no_connection_free_in_time(engine: AsyncEngine) -> None:
    """The wait ends with DatabaseUnavailable, and later transactions succeed."""
    async with read_transaction(engine), read_transaction(engine):
        with pytest.raises(DatabaseUnavailable) as raised:
            async with read_transaction(engine):
                pass
    assert "no connection became free in time" == raised.value.cause
    assert await Database(engine, engine.url).answers()


async def test_a_faulty_statement_is_not_an_outage(engine: AsyncEngine) -> None:
    """The original error is raised, and it does not show the parameters."""
    with pytest.raises(Exception, match="division by zero") as raised:
        async with write_transaction(engine) as connection:
            await connection.execute(text("SELECT 1 / (:a - 4711)"), {"a": 4711})
    assert not isinstance(raised.value, DatabaseUnavailable)
    assert "4711}" not in str(raised.value)


async def test_a_restarted_server_is_used_again(server: PostgresServer) -> None:
    """While it is down, every use raises DatabaseUnavailable. After the restart, every connection of the pool works."""
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


async def test_a_transaction_interrupted_by_a_server_stop(server: PostgresServer) -> None:
    """It raises DatabaseUnavailable, and nothing of it is committed."""
    name = await server.fresh()
    database = Database.open(server.url(name))
    store = Store(database.engine, ManualClock())
    await store.configure([LAB])

    async def interrupted() -> None:
        async with write_transaction(database.engine) as connection:
            await connection.execute(text("UPDATE accounts SET flight_no = 77"))
            await asyncio.to_thread(server.stop)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable):
        await interrupted()
    await asyncio.to_thread(server.start)
    assert 1 == (await store.draw("lab")).number
    await database.close()


class TestDatabaseClock:
    """The local clock with the offset of the database's clock."""

    async def test_it_shows_the_time_of_the_database(self, engine: AsyncEngine) -> None:
        """A local clock that is far behind is corrected."""
        local = ManualClock()
        clock = DatabaseClock(local)
        async with read_transaction(engine) as connection:
            await synchronize(connection, clock)
        assert abs(clock.now() - SystemClock().now()) < timedelta(minutes=1)
        local.advance(5)
        assert clock.now() - local.now() > timedelta(days=1)

    async def test_other_clocks_are_not_changed(self, engine: AsyncEngine) -> None:
        """A clock that a test controls stays as it is."""
        local = ManualClock()
        async with read_transaction(engine) as connection:
            await synchronize(connection, local)
        assert ManualClock().now() == local.now()

    def test_small_differences_are_ignored(self) -> None:
        """A difference below 50 ms, or below the duration of the call, does not change the offset."""
        local = ManualClock()
        clock = DatabaseClock(local)
        for ahead, duration in ((0.049, 0.0), (-0.049, 0.0), (0.9, 2.0)):
            clock.adjust(local.now() + timedelta(seconds=ahead - duration / 2), 0.0, duration)
            assert local.now() == clock.now()
        clock.adjust(local.now() - timedelta(seconds=3), 0.0, 0.0)
        assert local.now() - timedelta(seconds=3) == clock.now()

    async def test_flights_have_the_time_of_the_database(self, engine: AsyncEngine) -> None:
        """Drawing a flight number synchronizes the clock."""
        store = Store(engine, DatabaseClock(ManualClock()))
        await store.configure([LAB])
        assert abs((await store.draw("lab")).sent_at - SystemClock().now()) < timedelta(minutes=1)
