"""The commands in odd surroundings: odd names, odd folders, odd databases. Each gets a clear answer and no traceback."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

import schema
from domain.timestamps import SystemClock
from sandbox.http.server import SandboxServer, SandboxThread
from sandbox.world import World
from tests.app.harness import KEYS

_ACCOUNT: Final = """[[accounts]]
name = "{name}"
vendor = "sandbox"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:EAST_KEY"
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run a simulated cloud in its own thread."""
    cloud = SandboxServer(World.default(SystemClock(), 7, KEYS, lively=False))
    with SandboxThread(cloud):
        yield cloud.url


def write_configuration(folder: Path, endpoint: str, name: str = "east", database: str | None = None) -> Path:
    """Write a configuration with one account and return its file."""
    head = "" if database is None else f'[database]\nurl = "{database}"\n'
    file = folder / "supplygraph.toml"
    file.write_text(head + _ACCOUNT.format(name=name, endpoint=endpoint), encoding="utf-8")
    return file


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, as a script or cron does: without a terminal."""
    surroundings = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    completed = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "supplygraph", *arguments],
        cwd=folder,
        env={
            **surroundings,
            "EAST_KEY": KEYS["east"],
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **environ,
        },
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in completed.stdout + completed.stderr, completed.stderr
    return completed


@pytest.mark.parametrize("name", ["research [prod]", "team [/x]", "[bold]", ":smile:"])
def test_names_are_shown_as_they_are(tmp_path: Path, endpoint: str, name: str) -> None:
    """Nothing in a name is markup, and a pipe gets neither a progress bar nor lines between the cells."""
    write_configuration(tmp_path, endpoint, name)
    sync = run(tmp_path, "sync")
    assert (sync.returncode, sync.stderr) == (0, "")
    assert sync.stdout.count(name) == len(("machines", "volumes"))
    assert not set(sync.stdout) & set("│┃━─+|")
    assert name in run(tmp_path, "accounts").stdout


def test_letters_that_the_output_cannot_show_are_replaced(tmp_path: Path, endpoint: str) -> None:
    """Everything is recorded, so the exit code is 0."""
    write_configuration(tmp_path, endpoint, "labör")
    sync = run(tmp_path, "sync", PYTHONIOENCODING="ascii")
    assert sync.returncode == 0
    assert "lab?r" in sync.stdout


def test_a_relative_database_is_next_to_its_configuration(tmp_path: Path, endpoint: str) -> None:
    """From whichever folder a command runs, it uses the same database. A variable means the current folder."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    write_configuration(home, endpoint)
    assert run(elsewhere, "sync", "--config", "../home/supplygraph.toml").returncode == 0
    assert (home / "supplygraph.db").is_file()
    assert not list(elsewhere.iterdir())
    url = "sqlite+aiosqlite:///own.db"
    variable = run(elsewhere, "sync", "--config", "../home/supplygraph.toml", SUPPLYGRAPH_DATABASE__URL=url)
    assert variable.returncode == 0
    assert (elsewhere / "own.db").is_file()


def _make_folder(file: Path) -> None:
    file.mkdir()


def _make_text(file: Path) -> None:
    file.write_text("this is not a database, and it is longer than a header of one\n" * 100, encoding="utf-8")


def _make_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")


_UNUSABLE: Final = {
    "folder": (_make_folder, "is a folder; name a file"),
    "text": (_make_text, "file is not a database"),
    "newer": (_make_newer, "was written by a newer version of supplygraph; install that version"),
}
_COMMANDS: Final = (("sync",), ("accounts",), ("token", "list"), ("token", "create", "x"), ("serve", "--port", "0"))


@pytest.mark.parametrize("kind", _UNUSABLE)
@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_a_database_that_cannot_be_opened(tmp_path: Path, endpoint: str, kind: str, command: tuple[str, ...]) -> None:
    """One line says what to do, and the exit code is 2."""
    write_configuration(tmp_path, endpoint)
    make, message = _UNUSABLE[kind]
    make(tmp_path / "supplygraph.db")
    refused = run(tmp_path, *command)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("database.url: ")
    assert message in line


def test_an_empty_configuration_means_the_same_to_all_commands(tmp_path: Path) -> None:
    """A file without accounts is a choice: `serve` serves no account, and `check` says so."""
    (tmp_path / "supplygraph.toml").write_text("", encoding="utf-8")
    assert "serve would show no resources" in run(tmp_path, "check").stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    """Bug reports need it."""
    assert run(tmp_path, "--version").stdout.startswith("supplygraph ")


def test_the_schema_is_printed(tmp_path: Path) -> None:
    """It is the committed one, so that a client can generate code without a gateway."""
    assert run(tmp_path, "schema").stdout == (Path(schema.__file__).parent / "schema.graphql").read_text(
        encoding="utf-8"
    )
