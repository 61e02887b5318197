"""Copying a database: every row arrives, numbers continue, and a target that is not empty is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.tables import history, metadata
from db.transfer import copy_rows
from domain.errors import ConfigurationError
from tests.app.harness import run_gateway
from tests.databases import DatabaseBackend

_ALL = "{ resources(first: 100) { nodes { resourceId status linkedResources { name } offerHistory { role } } } }"


async def rows_of(engine: AsyncEngine) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table but the revision, which is new on purpose."""
    async with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name != "data_revision"
        }


@pytest.mark.parametrize("backend", DatabaseBackend)
async def test_everything_is_copied(tmp_path: Path, backend: DatabaseBackend) -> None:
    """Rows are equal, a reader's token still works, and the next sweep continues with the numbers."""
    async with run_gateway(tmp_path) as up, backend.engine() as target:
        headers = await up.token()
        before = await up.graph(_ALL, headers)
        for scope in await up.gateway.store.scopes():
            await up.gateway.reconciler.sweep(scope.key)
        source = up.gateway.database.engine
        counts = await copy_rows(source, target)
        expected = await rows_of(source)
        assert await rows_of(target) == expected
        assert counts == {name: len(rows) for name, rows in expected.items()}
        assert min(counts["resources"], counts["history"]) > 0
        assert counts["tokens"] == 1
        assert before["data"]["resources"]["nodes"]
        with pytest.raises(ConfigurationError, match="not empty, its table accounts has rows"):
            await copy_rows(source, target)
        async with target.begin() as connection:
            highest = await connection.scalar(select(func.max(history.c.seq)))
            first = (await connection.execute(select(history).limit(1))).mappings().one()
            number = await connection.scalar(
                insert(history)
                .values({key: value for key, value in first.items() if key != "seq"})
                .returning(history.c.seq)
            )
            assert number == highest + 1
