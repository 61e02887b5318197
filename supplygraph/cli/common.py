"""What the commands share: the `--config` option, errors told in one voice, and an opened record."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from db.database import Database
from domain.errors import SupplygraphError
from supplygraph.config.load import Configuration, load
from supplygraph.observability import logs

MISTAKE: Final = 2
"""The exit code of what cannot be done as asked."""
TROUBLE: Final = 1
"""The exit code of what was done and did not go well."""

_NO_WIDTH: Final = 10_000

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The configuration; else SUPPLYGRAPH_CONFIG, else supplygraph.toml here."
    ),
]
T = TypeVar("T")


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Tell our own errors by their text alone and end with exit code 2."""
    try:
        yield
    except SupplygraphError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(MISTAKE) from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work with its errors told."""
    logs.configure(quiet=True)
    with exit_on_error():
        return asyncio.run(work)


def configured(config: Path | None) -> Configuration:
    """The configuration, its mistakes told."""
    with exit_on_error():
        return load(config, os.environ, Path.cwd())


@asynccontextmanager
async def opened(configuration: Configuration) -> AsyncIterator[Database]:
    """The record, brought up to this version; beside a running gateway too."""
    settings = configuration.settings
    database = Database.open(settings.database.url.get_secret_value(), settings.connection_settings())
    try:
        await database.migrate()
        yield database
    finally:
        await database.close()


def console() -> Console:
    """Where tables go, as wide as the terminal; a pipe has no width, so that what reads it finds every word whole.

    Made at each use: tests and pipes replace standard output.
    """
    known = Console()
    return known if known.is_terminal or "COLUMNS" in os.environ else Console(width=_NO_WIDTH)


def table(*heads: str) -> Table:
    """A table of which no terminal cuts a word: it goes on in the next line."""
    return Table(*(Column(head, overflow="fold") for head in heads))
