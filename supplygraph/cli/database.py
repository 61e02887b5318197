"""`supplygraph database`: copy the recorded data to another database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from db.database import Database
from db.transfer import copy_rows
from domain.errors import ConfigurationError
from supplygraph.cli.common import ConfigOption, console, load_configuration, make_table, open_database, run
from supplygraph.config.load import Configuration
from supplygraph.config.secrets import BadSecret, parse_reference, resolve
from supplygraph.serve_lock import serve_lock

app = typer.Typer(no_args_is_help=True, help="Copy the recorded data to another database.")


@app.callback()
def database() -> None:
    """Keep `copy` a command of its own, although it is the only one."""


@app.command()
def copy(
    to: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The new database, which must be empty: a URL as in database.url, or env:NAME or file:PATH that contains it.",
        ),
    ],
    config: ConfigOption = None,
) -> None:
    """Copy everything that is recorded to an empty database, with history and tokens. Stop `supplygraph serve` first."""
    counts = run(_copy(load_configuration(config), to))
    table = make_table("table", "rows")
    for name, count in counts.items():
        table.add_row(name, str(count))
    console().print(table)
    typer.echo("Everything is copied. Set database.url to the new database before you start serve again.")


async def _copy(configuration: Configuration, to: str) -> Mapping[str, int]:
    settings = configuration.settings.connection_settings()
    target = Database.open(_target_url(to), settings)
    try:
        async with open_database(configuration) as source:
            if source.url == target.url:
                raise ConfigurationError("--to: this is the database that the configuration uses; name another one")
            with serve_lock(source.file):
                await target.migrate()
                return await copy_rows(source.engine, target.engine)
    finally:
        await target.close()


def _target_url(to: str) -> str:
    if not to.startswith(("env:", "file:")):
        return to
    try:
        return resolve(parse_reference(to), os.environ, Path.cwd())
    except BadSecret as error:
        raise ConfigurationError(f"--to: {error}") from None
