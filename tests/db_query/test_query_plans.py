"""Query plans of pages: a page is read from the index of its order, beginning at the cursor."""

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
from tests.db_query.support.queries import EVERYONE, Queries, f, root
from tests.db_query.support.rows import RowWorld, ago, uuid_of
from tests.db_query.support.strategies import ORDERS

_RESOURCES = 4_000
_CURSOR_VALUES: dict[str, tuple[Any, ...]] = {
    "CREATED_AT": (ago(2_000),),
    "NAME": ("name-7", None),
    "STATUS": (1,),
    "PRICING_TOTAL_HOURLY": (1.5, None),
}
_INDEX_NAMES = {"CREATED_AT": "created_at", "NAME": "name", "STATUS": "status", "PRICING_TOTAL_HOURLY": "price"}
_RESTRICTED = Viewer("somebody", frozenset(), frozenset({"account-1", "account-2"}))


@pytest.fixture(scope="module")
def large_world() -> RowWorld:
    """Many resources in ten accounts, a quarter of them deleted."""
    world = RowWorld()
    scopes = [world.add_scope(world.add_account(f"account-{number}")) for number in range(10)]
    for number in range(_RESOURCES):
        world.add_resource(
            scopes[number % 10],
            number,
            name=None if number % 7 == 0 else f"name-{number % 90}",
            status=("RUNNING", "STOPPED", "DELETED", "PENDING")[number % 4],
            price_text=None if number % 5 == 0 else str(number % 40 / 8),
            created_at=ago(number),
        )
    return world


@pytest.fixture
async def engine(large_world: RowWorld, backend: DatabaseBackend) -> AsyncIterator[AsyncEngine]:
    """The large world in a database. PostgreSQL gets statistics; SQLite plans without them."""
    async with large_world.database() as engine:
        if backend is DatabaseBackend.POSTGRESQL:
            async with engine.begin() as connection:
                await connection.execute(text("ANALYZE"))
        yield engine


async def _explain(engine: AsyncEngine, field: Selected, viewer: Viewer) -> tuple[str, str]:
    """Return the statement of a root field and its query plan."""
    query = Queries(engine).compile([field], viewer)
    explain = "EXPLAIN " if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    params = query.statement.bind(query.params)
    async with engine.connect() as connection:
        rows = (await connection.exec_driver_sql(explain + query.statement.sql, params)).all()
    return query.statement.sql, "\n".join(str(row[-1]) for row in rows)


def _page(field: str, direction: str, *, deleted: bool, after: str | None) -> Selected:
    """Return a page without any counts."""
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
async def test_every_order_is_read_from_its_index(
    engine: AsyncEngine, backend: DatabaseBackend, field: str, direction: str
) -> None:
    """This holds for first and later pages, null cursors, restricted viewers, and with or without tombstones."""
    for viewer, deleted, value in product((EVERYONE, _RESTRICTED), (True, False), ("first", *_CURSOR_VALUES[field])):
        after = None if value == "first" else encode(f"{field}:{direction}", value, str(uuid_of(_RESOURCES // 2)))
        _, plan = await _explain(engine, _page(field, direction, deleted=deleted, after=after), viewer)
        index = f"ix_resources_{'' if deleted else 'living_'}{_INDEX_NAMES[field]}"
        assert re.search(rf"\b{index}\b", plan), plan
        if backend is DatabaseBackend.POSTGRESQL:
            seek = r"Index Cond: \(ROW\(" + ("" if after else "NEVER")
            assert (after is not None) is bool(re.search(seek, plan)), plan
            assert not re.search(r"Sort Key: resources|Seq Scan on resources resources_1\b", plan), plan
        else:
            assert (after is not None) is bool(re.search(rf"SEARCH .*{index} \(\(\w+,resource_id\)[<>]", plan)), plan
            assert "TEMP B-TREE FOR ORDER BY" not in plan, plan


async def test_counts_are_computed_only_if_selected(engine: AsyncEngine) -> None:
    """A page without `totalCount` has no count in its statement."""
    plain, _ = await _explain(engine, _page("NAME", "ASC", deleted=False, after=None), EVERYONE)
    total, _ = await _explain(engine, root("resources", "totalCount"), EVERYONE)
    assert ("count(" in plain, "count(" in total) == (False, True)
