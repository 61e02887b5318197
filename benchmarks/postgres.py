"""The PostgreSQL that all servers of a benchmark read: the one that the tests start, connected to by its socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.doubles.postgresql import USER, PostgresServer, new_server, thrown_away


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server."""

    server: PostgresServer

    @property
    def process(self) -> int:
        """The id of its first process, whose children are the sessions."""
        return int((self.server.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def environment(self, database: str) -> dict[str, str]:
        """Return the environment variables that libpq and similar drivers read."""
        address = {"PGHOST": str(self.server.folder), "PGPORT": str(self.server.port)}
        return {**address, "PGUSER": USER, "PGDATABASE": database}

    def url(self, database: str) -> str:
        """Return the URL of a database for the setting `database.url`."""
        return self.server.url(database, by_socket=True)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a separate PostgreSQL server, with its own data folder, until the block ends."""
    server = new_server()
    try:
        yield Postgres(server)
    finally:
        thrown_away(server)
