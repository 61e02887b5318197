"""How statements are compiled, reused and run."""

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
from tests.db_query.support.queries import EVERYONE, Queries, f, fetch, read, render, root
from tests.db_query.support.rows import RowWorld, uuid_of

_NESTED_FIELDS = (
    "name",
    f("account", "state", f("scopes", "resourceCount")),
    f("linkedResources", "name", f("resource", f("offerHistory", "role"), f("history", f("nodes", "field")))),
)
_ROOTS = (
    root("resource", *_NESTED_FIELDS, resourceId=uuid_of(0)),
    root("node", *_NESTED_FIELDS, id=node_id(uuid_of(0))),
    root(
        "resources",
        f("nodes", *_NESTED_FIELDS),
        "totalCount",
        f("coverage", "complete", f("gaps", f("account", "name"))),
    ),
    root("resourceTotals", "count", f("hourly", "amount"), f("coverage", "complete"), groupBy=["STATUS"]),
    root("changes", f("nodes", f("resource", *_NESTED_FIELDS))),
    root("accounts", "name", f("scopes", "resourceCount")),
)


def _world(resources: int = 5) -> RowWorld:
    world = RowWorld()
    scope = world.add_scope(world.add_account("lab"))
    for number in range(resources):
        world.add_resource(scope, number)
        if number:
            world.add_link(world.resources[number], world.resources[number - 1], "MEMBER_OF")
        world.add_change(world.resources[number], "name", None, "x")
    return world


def _record_statements(engine: AsyncEngine) -> list[str]:
    statements: list[str] = []

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE")):
            statements.append(statement)

    return statements


class TestStatements:
    """The number of statements of an operation, and their contents."""

    async def test_an_operation_has_one_statement(self) -> None:
        """The number of root fields, nested fields and rows does not matter.

        Accounts are read once for each data revision and shared by all root fields that need the same data.
        """
        async with _world().database() as engine:
            queries, statements = Queries(engine), _record_statements(engine)
            single = [render(result) for field in _ROOTS for result in await read(queries, field)]
            account_statements = len(statements) - len(_ROOTS)
            assert 1 <= account_statements < len(_ROOTS)
            assert single == [render(result) for field in _ROOTS for result in await read(queries, field)]
            assert 2 * len(_ROOTS) + account_statements == len(statements)
            assert all(single)
            combined = [render(result) for result in await read(queries, *_ROOTS)]
            assert 2 * len(_ROOTS) + account_statements + 1 == len(statements)
            assert single == combined

    async def test_only_selected_columns_are_read(self) -> None:
        """Other columns and tables do not occur in the statement."""
        async with _world().database() as engine:
            statements = _record_statements(engine)
            await fetch(engine, root("resources", f("nodes", "vendorId")))
        assert "vendor_id" in statements[0]
        for column in ("spec_vendor", "ssh_command", "price", "seen_at", "offer_id", "history"):
            assert column not in statements[0]

    @pytest.mark.parametrize("field", _ROOTS, ids=lambda field: field.name)
    def test_statements_for_postgresql(self, field: Selected) -> None:
        """They contain no function of SQLite, and their values are bound by position."""
        shapes, values = build_shapes([field])
        dialect = asyncpg.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy does not annotate it
        operation = StatementCompiler(dialect).compile(shapes, restricted=True)
        statements = [operation, operation.combined, *operation.accounts]
        for function in ("json_quote", "group_concat", "json_each", "instr"):
            assert not any(function in statement.sql for statement in statements)
        assert {VIEWER, *values} <= {name for statement in statements for name in statement.params}

    async def test_readers_of_one_statement_bind_their_own_values(self) -> None:
        """Two readers who share a statement get different resources."""
        async with _world().database() as engine:
            queries = Queries(engine)
            compiled = [
                queries.compile([root("resource", "resourceId", resourceId=uuid_of(number))], EVERYONE)
                for number in (3, 1)
            ]
            batches = [await queries.read(query) for query in compiled]
            answers = [render(result) for batch in batches if isinstance(batch, list) for result in batch]
        assert [{"resourceId": str(uuid_of(3))}, {"resourceId": str(uuid_of(1))}] == answers

    async def test_a_statement_that_takes_too_long(self) -> None:
        """It is interrupted and refused. Other statements are answered on the same connection."""
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x), 1 FROM n"
        async with _world().database() as engine:
            queries = Queries(engine, seconds=0.5)
            good = queries.compile([root("resources", "totalCount")], EVERYONE)
            slow = replace(good, statement=replace(good.statement, sql=endless, params=()))
            assert isinstance(await queries.read(slow), LimitExceeded)
            (result,) = await read(queries, root("resources", "totalCount"))
        assert {"totalCount": 5} == render(result)


class TestSingleResource:
    """The root fields `resource` and `node`."""

    async def test_tombstones_are_shown(self) -> None:
        """A deleted resource is still found by its id."""
        world = RowWorld()
        world.add_resource(world.add_scope(world.add_account("lab")), 0, status="DELETED")
        async with world.database() as engine:
            assert {"status": "DELETED"} == await fetch(engine, root("resource", "status", resourceId=uuid_of(0)))
            assert {"status": "DELETED"} == await fetch(engine, root("node", "status", id=node_id(uuid_of(0))))

    async def test_unknown_and_invisible_resources_are_null(self) -> None:
        """A client cannot tell apart an unknown resource, an invalid node id and a resource that it may not see."""
        stranger = Viewer("x", frozenset(), frozenset({"other"}))
        async with _world().database() as engine:
            for field, field_viewer in (
                (root("resource", "status", resourceId=uuid_of(99)), EVERYONE),
                (root("node", "id", id=node_id(uuid_of(99))), EVERYONE),
                (root("node", "id", id="Offer:1"), EVERYONE),
                (root("resource", "status", resourceId=uuid_of(0)), stranger),
                (root("node", "id", id=node_id(uuid_of(0))), stranger),
            ):
                assert await fetch(engine, field, field_viewer) is None
