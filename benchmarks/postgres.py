"""The PostgreSQL that every server reads from: the tests' own double, asked over its socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.doubles.postgresql import USER, PostgresServer, new_server, thrown_away


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that answers."""

    server: PostgresServer

    @property
    def process(self) -> int:
        """Its first process, whose children are its sessions."""
        return int((self.server.folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def environment(self, database: str) -> dict[str, str]:
        """What libpq and the drivers that follow it read."""
        where = {"PGHOST": str(self.server.folder), "PGPORT": str(self.server.port)}
        return {**where, "PGUSER": USER, "PGDATABASE": database}

    def url(self, database: str) -> str:
        """As `database.url` takes it."""
        return self.server.url(database, by_socket=True)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of its own, with a folder of its own, until the block ends."""
    server = new_server()
    try:
        yield Postgres(server)
    finally:
        thrown_away(server)
