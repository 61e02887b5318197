"""The rows that every server answers from."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.population import populate
from benchmarks.seed import seed_postgres, seed_sqlite
from tests.doubles.postgresql import the_server

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_every_resource_has_a_link_and_two_offers() -> None:
    """Machines and volumes come in pairs."""
    tables = populate(40, NOW).tables
    ids = {row["resource_id"] for row in tables["resources"]}
    assert 40 == len(ids)
    assert dict.fromkeys(ids, 1) == Counter(row["from_id"] for row in tables["links"])
    assert dict.fromkeys(ids, 2) == Counter(row["resource_id"] for row in tables["provenance"])
    assert {row["offer_id"] for row in tables["provenance"]} <= {row["offer_id"] for row in tables["offers"]}


def test_the_rows_are_the_same_in_every_run() -> None:
    """Runs can be compared."""
    assert populate(40, NOW).tables == populate(40, NOW).tables


def test_all_resources_were_seen_by_the_last_sweep() -> None:
    """They are fresh as long as the max age."""
    tables = populate(40, NOW).tables
    text = "2026-03-01T12:00:00.123456Z"
    assert {text} == {row["seen_at"] for row in tables["resources"]} == {row["swept_at"] for row in tables["scopes"]}
    assert {5} == {row["seen_no"] for row in tables["resources"]} == {row["swept_no"] for row in tables["scopes"]}


async def test_sqlite_accepts_the_rows(tmp_path: Path) -> None:
    """No foreign key is violated."""
    await seed_sqlite(tmp_path / "record.db", populate(40, NOW))
    with closing(sqlite3.connect(tmp_path / "record.db")) as connection:
        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
        assert (80,) == connection.execute("SELECT count(*) FROM provenance").fetchone()


async def test_postgresql_accepts_the_rows_and_the_peers_see_them() -> None:
    """The peers read views."""
    server = the_server()
    await seed_postgres(server, "benched", populate(40, NOW))
    try:
        count = "SELECT (SELECT count(*) FROM peers.{}) AS number"
        names = ("resources", "linked_resources", "offer_history")
        numbers = [(await server.run(count.format(name), database="benched"))[0]["number"] for name in names]
    finally:
        await server.drop("benched")
    assert [40, 40, 80] == numbers
