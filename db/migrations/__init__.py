"""The steps by which a record made by any earlier version becomes one of this version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import writing

_HERE: Final = Path(__file__).parent


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's settings for this folder; the connection, where given, is the one it works on."""
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Bring the record up to this version. Safe to run twice, and beside another process that does the same.

    The transaction takes the right to write before it looks: the second of two finds nothing left to do.
    """
    async with writing(engine) as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "head"))
