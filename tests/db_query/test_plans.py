"""How the databases go about a page: by the order's index from the cursor's place, never through what lies before it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.query.cursors import encode
from domain.selection import Selected
from domain.viewer import Viewer
from tests.databases import DatabaseBackend
from tests.db_query.queries import EVERYONE, Queries, f, root
from tests.db_query.rows import World, ago, uuid_of
from tests.db_query.worlds import ORDERS

_RESOURCES = 4_000
_PLACES: dict[str, tuple[Any, ...]] = {
    "CREATED_AT": (ago(2_000),),
    "NAME": ("name-7", None),
    "STATUS": (1,),
    "PRICING_TOTAL_HOURLY": (1.5, None),
}
_INDEX = {"CREATED_AT": "created_at", "NAME": "name", "STATUS": "status", "PRICING_TOTAL_HOURLY": "price"}
_SOME = Viewer("somebody", frozenset(), frozenset({"account-1", "account-2"}))


@pytest.fixture(scope="module")
def many() -> World:
    """Many resources in ten accounts, a quarter of them deleted."""
    world = World()
    scopes = [world.scope(world.account(f"account-{number}")) for number in range(10)]
    for number in range(_RESOURCES):
        world.resource(
            scopes[number % 10],
            number,
            name=None if number % 7 == 0 else f"name-{number % 90}",
            status=("RUNNING", "STOPPED", "DELETED", "PENDING")[number % 4],
            price_text=None if number % 5 == 0 else str(number % 40 / 8),
            created_at=ago(number),
        )
    return world


@pytest.fixture
async def engine(many: World, kept: DatabaseBackend) -> AsyncIterator[AsyncEngine]:
    """Them, recorded; PostgreSQL knows how many there are, SQLite never asks."""
    async with many.recorded() as made:
        if kept is DatabaseBackend.POSTGRESQL:
            async with made.begin() as connection:
                await connection.execute(text("ANALYZE"))
        yield made


async def explained(engine: AsyncEngine, asked: Selected, viewer: Viewer) -> tuple[str, str]:
    """The statement of a root field, and how the database goes about it."""
    plan = Queries(engine).compile([asked], viewer)
    explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    parameters = plan.bound
    async with engine.connect() as connection:
        rows = (await connection.exec_driver_sql(explain + plan.statement.sql, parameters)).all()
    return plan.statement.sql, "\n".join(str(row[-1]) for row in rows)


def page(field: str, direction: str, *, deleted: bool, after: str | None) -> Selected:
    """A page, without anything that is counted."""
    return root(
        "resources",
        f("nodes", "resourceId name"),
        orderBy={"field": field, "direction": direction},
        filter={"includeDeleted": deleted},
        first=20,
        after=after,
    )


@pytest.mark.parametrize("field", ORDERS)
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_every_order_is_read_off_its_index(
    engine: AsyncEngine, kept: DatabaseBackend, field: str, direction: str
) -> None:
    """From the first page and from a cursor, null's too; for everyone and for a token of few accounts; tombstones or not."""
    for viewer, deleted, value in product((EVERYONE, _SOME), (True, False), ("first", *_PLACES[field])):
        after = None if value == "first" else encode(f"{field}:{direction}", value, str(uuid_of(_RESOURCES // 2)))
        _, plan = await explained(engine, page(field, direction, deleted=deleted, after=after), viewer)
        index = f"ix_resources_{'' if deleted else 'living_'}{_INDEX[field]}"
        assert re.search(rf"\b{index}\b", plan), plan
        if kept is DatabaseBackend.POSTGRESQL:
            seek = r"Index Cond: \(ROW\(" + ("" if after else "NEVER")
            assert (after is not None) is bool(re.search(seek, plan)), plan
            assert not re.search(r"Sort Key: resources|Seq Scan on resources resources_1\b", plan), plan
        else:
            assert (after is not None) is bool(re.search(rf"SEARCH .*{index} \(\(\w+,resource_id\)[<>]", plan)), plan
            assert "TEMP B-TREE FOR ORDER BY" not in plan, plan


async def test_nothing_is_counted_that_is_not_selected(engine: AsyncEngine) -> None:
    """Neither the total nor which scopes hold something."""
    plain, _ = await explained(engine, page("NAME", "ASC", deleted=False, after=None), EVERYONE)
    total, _ = await explained(engine, root("resources", "totalCount"), EVERYONE)
    assert ("count(" in plain, "count(" in total) == (False, True)
