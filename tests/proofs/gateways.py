"""A team's gateway: a configuration file, the secrets in the environment, the command as people run it, a server over both."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from supplygraph.config.load import load
from tests.clock import ManualClock
from tests.proofs.served import Served, answering

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND_SECONDS = 60
_DATABASE = '[database]\nurl = "sqlite+aiosqlite:///{folder}/record.db"\n\n'


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code, what it told, and what it wrote beside: progress and logs."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True)
class Team:
    """What a team has of a gateway: its configuration file, and the secrets that the file names."""

    file: Path
    secrets: Mapping[str, str]

    async def sync(self) -> Ended:
        """`supplygraph sync`."""
        return await self.run("sync")

    async def run(self, *command: str) -> Ended:
        """A command as a process of its own, with nothing of ours in its environment but the secrets."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SUPPLYGRAPH_")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "supplygraph", *command),
            cwd=self.file.parent,
            env={
                **kept,
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
            output, errors = await asyncio.wait_for(process.communicate(), _COMMAND_SECONDS)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return Ended(process.returncode, output.decode(), errors.decode())

    @asynccontextmanager
    async def gateway(self, seconds_ago: float = 0) -> AsyncIterator[Served]:
        """A gateway over the record, loaded as `serve --config` loads it.

        Its clock stands at this moment: what the command has just recorded has an age that only the test makes grow. Or it
        stands so many seconds ago: then there is time to pass before the commands that follow.
        """
        settings = load(self.file, dict(self.secrets), self.file.parent).settings
        async with answering(settings, ManualClock(datetime.now(UTC) - timedelta(seconds=seconds_ago))) as gateway:
            yield gateway


def team(folder: Path, accounts: str, secrets: Mapping[str, str]) -> Team:
    """Write the configuration: these accounts, in TOML, and a record in the same folder."""
    file = folder / "supplygraph.toml"
    file.write_text(_DATABASE.format(folder=folder) + accounts, encoding="utf-8")
    return Team(file, secrets)
