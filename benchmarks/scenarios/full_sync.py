"""`supplygraph sync` over all eight clouds at once, each played by a fake that takes 100 ms to answer.

`python -m benchmarks.scenarios.full_sync`. Each account holds 20 machines and 5 volumes, so that Vast, which allows a page every
two seconds, needs one page. The command runs as people run it, with a new database and the start of Python included. Exits with 1
if the command fails or takes 10 s.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import tomli_w

from tests.doubles.fake import Dice
from tests.doubles.fakes import fakes_by_vendor

LATENCY_SECONDS: Final = 0.1
ALLOWED_SECONDS: Final = 10.0
_SEED: Final = 7


@dataclass(frozen=True, slots=True)
class SyncRun:
    """A finished command: its duration, exit code and output, and the number of calls to all fakes."""

    seconds: float
    code: int
    output: str
    calls: int


def _account(name: str, endpoint: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return an account's table of the configuration; its credentials come from the environment."""
    credentials = dict.fromkeys(settings["credentials"], "env:PROOF_KEY")
    return {**settings, "name": name, "vendor": name, "endpoint": endpoint, "credentials": credentials}


async def run_sync(folder: Path) -> SyncRun:
    """Start the fakes and run the command over them."""
    async with AsyncExitStack() as stack:
        accounts = []
        fakes = [fake(Dice(_SEED), 20, 5) for fake in fakes_by_vendor().values()]
        for fake in fakes:
            fake.latency_seconds = LATENCY_SECONDS
            address = await stack.enter_async_context(fake.serving())
            accounts.append(_account(fake.vendor, address, fake.settings("secret")))
        database = {"url": f"sqlite+aiosqlite:///{folder}/record.db"}
        (folder / "supplygraph.toml").write_text(
            tomli_w.dumps({"database": database, "accounts": accounts}), encoding="utf-8"
        )
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "supplygraph", "sync", "--config", str(folder / "supplygraph.toml")),
            env={**os.environ, "PROOF_KEY": "key-of-the-proof", "COLUMNS": "120"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        seconds = time.monotonic() - began
        output = stderr.decode()[-2000:] + stdout.decode()
        return SyncRun(seconds, process.returncode or 0, output, sum(len(fake.asked) for fake in fakes))


def main() -> int:
    """Run the scenario; the exit code is 0 if the command succeeded in time."""
    with TemporaryDirectory() as folder:
        run = asyncio.run(run_sync(Path(folder)))
    sys.stdout.write(run.output)
    vendors = len(fakes_by_vendor())
    sys.stdout.write(f"{vendors} vendors, {run.calls} calls, {run.seconds:.1f} s, exit code {run.code}\n")
    return 0 if run.code == 0 and run.seconds < ALLOWED_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
