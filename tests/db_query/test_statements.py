"""How statements are made, kept and run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from db.query.shape import VIEWER, build_shapes
from db.query.sql.statement import StatementCompiler
from domain.errors import LimitExceeded
from domain.records.identity import node_id
from domain.selection import Selected
from domain.viewer import Viewer
from tests.db_query.queries import EVERYONE, Queries, answered, f, read, rendered, root
from tests.db_query.rows import World, uuid_of

_DEEP = (
    "name",
    f("account", "state", f("scopes", "resourceCount")),
    f("linkedResources", "name", f("resource", f("offerHistory", "role"), f("history", f("nodes", "field")))),
)
_ROOTS = (
    root("resource", *_DEEP, resourceId=uuid_of(0)),
    root("node", *_DEEP, id=node_id(uuid_of(0))),
    root("resources", f("nodes", *_DEEP), "totalCount", f("coverage", "complete", f("gaps", f("account", "name")))),
    root("resourceTotals", "count", f("hourly", "amount"), f("coverage", "complete"), groupBy=["STATUS"]),
    root("changes", f("nodes", f("resource", *_DEEP))),
    root("accounts", "name", f("scopes", "resourceCount")),
)


def _world(resources: int = 5) -> World:
    world = World()
    scope = world.scope(world.account("lab"))
    for number in range(resources):
        world.resource(scope, number)
        if number:
            world.link(world.resources[number], world.resources[number - 1], "MEMBER_OF")
        world.change(world.resources[number], "name", None, "x")
    return world


def _counting(engine: AsyncEngine) -> list[str]:
    statements: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def before(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    return statements


class TestStatements:
    """One an operation."""

    async def test_one_an_operation(self) -> None:
        """However many root fields it has, whatever is nested in them, and however many rows there are.

        Facts are read once a version of the record, whoever needs the same.
        """
        async with _world().recorded() as engine:
            readings, statements = Queries(engine), _counting(engine)
            alone = [rendered(reading) for asked in _ROOTS for reading in await read(readings, asked)]
            facts = len(statements) - len(_ROOTS)
            assert 1 <= facts < len(_ROOTS)
            assert alone == [rendered(reading) for asked in _ROOTS for reading in await read(readings, asked)]
            assert 2 * len(_ROOTS) + facts == len(statements)
            assert all(alone)
            together = [rendered(reading) for reading in await read(readings, *_ROOTS)]
            assert 2 * len(_ROOTS) + facts + 1 == len(statements)
            assert alone == together

    async def test_only_what_is_asked_for(self) -> None:
        """Columns that are not selected are not read."""
        async with _world().recorded() as engine:
            statements = _counting(engine)
            await answered(engine, root("resources", f("nodes", "vendorId")))
        assert "vendor_id" in statements[0]
        for column in ("spec_vendor", "ssh_command", "price", "seen_at", "offer_id", "history"):
            assert column not in statements[0]

    @pytest.mark.parametrize("asked", _ROOTS, ids=lambda asked: asked.name)
    def test_for_postgresql(self, asked: Selected) -> None:
        """Compiled for the other database it uses none of SQLite's functions, and binds by position."""
        shapes, values = build_shapes([asked])
        dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]  # theirs
        statement = StatementCompiler(dialect).compile(shapes, restricted=True)
        every = [statement, statement.combined, *statement.accounts]
        for word in ("json_quote", "group_concat", "json_each", "instr"):
            assert not any(word in each.sql for each in every)
        assert {VIEWER, *values} <= {name for each in every for name in each.params}

    async def test_values_of_one_reader_are_not_another_s(self) -> None:
        """Two readers with one statement get each their own."""
        async with _world().recorded() as engine:
            readings = Queries(engine)
            plans = [
                readings.compile([root("resource", "resourceId", resourceId=uuid_of(number))], EVERYONE)
                for number in (3, 1)
            ]
            found = [await readings.read(plan) for plan in plans]
            told = [rendered(reading) for each in found if isinstance(each, list) for reading in each]
        assert [{"resourceId": str(uuid_of(3))}, {"resourceId": str(uuid_of(1))}] == told

    async def test_a_statement_that_takes_too_long(self) -> None:
        """It is interrupted and refused; others are answered on the same connection."""
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x), 1 FROM n"
        async with _world().recorded() as engine:
            readings = Queries(engine, seconds=0.5)
            good = readings.compile([root("resources", "totalCount")], EVERYONE)
            slow = replace(good, statement=replace(good.statement, sql=endless, params=()))
            assert isinstance(await readings.read(slow), LimitExceeded)
            (answer,) = await read(readings, root("resources", "totalCount"))
        assert {"totalCount": 5} == rendered(answer)


class TestSingle:
    """One resource, and one node."""

    async def test_tombstones_are_shown(self) -> None:
        """Who has its id sees what became of it."""
        world = World()
        world.resource(world.scope(world.account("lab")), 0, status="DELETED")
        async with world.recorded() as engine:
            assert {"status": "DELETED"} == await answered(engine, root("resource", "status", resourceId=uuid_of(0)))
            assert {"status": "DELETED"} == await answered(engine, root("node", "status", id=node_id(uuid_of(0))))

    async def test_unknown_and_invisible_are_alike(self) -> None:
        """No such resource, no such node, no node id at all, another's resource: null."""
        viewer = Viewer("x", frozenset(), frozenset({"other"}))
        async with _world().recorded() as engine:
            for asked, who in (
                (root("resource", "status", resourceId=uuid_of(99)), EVERYONE),
                (root("node", "id", id=node_id(uuid_of(99))), EVERYONE),
                (root("node", "id", id="Offer:1"), EVERYONE),
                (root("resource", "status", resourceId=uuid_of(0)), viewer),
                (root("node", "id", id=node_id(uuid_of(0))), viewer),
            ):
                assert await answered(engine, asked, who) is None
