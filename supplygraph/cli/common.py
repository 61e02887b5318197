"""Helpers shared by the commands: the `--config` option, error reporting, the database connection and tables."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from db.database import Database
from domain.errors import ConfigurationError, SupplygraphError
from supplygraph.config.load import Configuration, load
from supplygraph.observability import logs

EXIT_USAGE: Final = 2
"""Exit code if the command could not run, for example because of a configuration error."""
EXIT_FAILURE: Final = 1
"""Exit code if the command ran but some of its work failed."""

_PIPE_WIDTH: Final = 10_000

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=(
            "Configuration file. Default: the file that SUPPLYGRAPH_CONFIG names, "
            "otherwise supplygraph.toml in the current folder."
        ),
    ),
]
T = TypeVar("T")


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Print errors of ours without a traceback and exit with code 2."""
    try:
        yield
    except SupplygraphError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_USAGE) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine of a command and report its errors."""
    logs.configure(quiet=True)
    with exit_on_error():
        return asyncio.run(work)


def load_configuration(config: Path | None) -> Configuration:
    """Load the configuration and report its errors."""
    with exit_on_error():
        return load(config, os.environ, Path.cwd())


@asynccontextmanager
async def open_database(configuration: Configuration) -> AsyncIterator[Database]:
    """Open the database and migrate it to the current version. A gateway may be running at the same time.

    Raises ConfigurationError if there is no such file yet: a command that reads must not create one in the wrong folder.
    """
    settings = configuration.settings
    database = Database.open(settings.database.url.get_secret_value(), settings.connection_settings())
    if database.file is not None and not database.file.exists():
        raise ConfigurationError(
            f"database.url: there is no database {database.file} yet; run supplygraph serve or supplygraph sync first, "
            "or name the right configuration with --config"
        )
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


def console() -> Console:
    """Return a console for tables, as wide as the terminal. Output to a pipe is not wrapped. Texts are printed as they are.

    Each call creates a new console, because tests replace standard output.
    """
    return Console(markup=False, emoji=False, highlight=False, width=None if _has_width() else _PIPE_WIDTH)


def _has_width() -> bool:
    return Console().is_terminal or "COLUMNS" in os.environ


def make_table(*headings: str) -> Table:
    """Return an empty table. Cells that are too long for the terminal are wrapped and never truncated.

    A pipe gets no lines between the cells, which would disturb the program that reads it.
    """
    columns = [Column(heading, overflow="fold") for heading in headings]
    return Table(*columns) if _has_width() else Table(*columns, box=None)


def replace_unknown_letters() -> None:
    """Let standard output and standard error replace letters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
