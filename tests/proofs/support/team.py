"""A team's gateway: a configuration file, secrets in the environment, the command as people run it, and a server over both."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from supplygraph.config.load import load
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import PATIENCE_SECONDS, PATIENT_FRESHNESS, ServedGateway, serve_settings

_ROOT: Final = Path(__file__).resolve().parents[3]
_PATIENCE: Final = "\n".join(f"{name} = {seconds:g}" for name, seconds in PATIENT_FRESHNESS.items())
_TABLES: Final = f"""\
[database]
url = "sqlite+aiosqlite:///{{folder}}/record.db"
pool_wait_seconds = {PATIENCE_SECONDS:g}

[freshness]
{_PATIENCE}

"""


@dataclass(frozen=True)
class FinishedCommand:
    """A command that has ended: its exit code, its output, and its progress and logs."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Team:
    """A configuration file, and the secrets that it names."""

    file: Path
    secrets: Mapping[str, str]

    async def sync(self) -> FinishedCommand:
        """Run `supplygraph sync`."""
        return await self.run("sync")

    async def run(self, *command: str) -> FinishedCommand:
        """Run a command in a process of its own, with none of our variables in its environment but the secrets."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("SUPPLYGRAPH_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "supplygraph", *command),
            cwd=self.file.parent,
            env={
                **foreign,
                "PYTHONPATH": str(_ROOT),
                "PYTHONWARNINGS": "error",
                "COLUMNS": "260",
                "SUPPLYGRAPH_CONFIG": str(self.file),
                **self.secrets,
            },
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return FinishedCommand(process.returncode, output.decode(), errors.decode())

    @asynccontextmanager
    async def gateway(self, seconds_ago: float = 0) -> AsyncIterator[ServedGateway]:
        """Run a gateway over the same database, with the configuration as `serve --config` loads it.

        Its clock stands at this moment, so that what the command has just recorded gets older only when the test moves the clock.
        With `seconds_ago` it stands earlier: then there is time to pass before the commands that follow.
        """
        settings = load(self.file, dict(self.secrets), self.file.parent).settings
        async with serve_settings(settings, ManualClock(datetime.now(UTC) - timedelta(seconds=seconds_ago))) as gateway:
            yield gateway


def create_team(folder: Path, accounts: str, secrets: Mapping[str, str]) -> Team:
    """Write the configuration: these accounts, in TOML, and a database in the same folder."""
    file = folder / "supplygraph.toml"
    file.write_text(_TABLES.format(folder=folder) + accounts, encoding="utf-8")
    return Team(file, secrets)
