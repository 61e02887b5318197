"""`supplygraph sync` over all eight clouds at once, each at a double that takes 100 ms to answer. `python -m benchmarks.eight`.

Each account holds 20 machines and 5 volumes: so few that Vast, which is asked for a page every two seconds, needs one.
It is the command as people run it, a new record and the start of Python included. Fails where it is not whole, or takes 10 s.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import tomli_w

from tests.doubles.fake import Dice
from tests.doubles.fakes import fakes_by_vendor

LATENCY_SECONDS: Final = 0.1
ALLOWED_SECONDS: Final = 10.0
_SEED: Final = 7


def _account(name: str, endpoint: str, settings: dict[str, Any]) -> dict[str, Any]:
    """As TOML has it: the credentials come from the environment."""
    credentials = dict.fromkeys(settings["credentials"], "env:PROOF_KEY")
    return {**settings, "name": name, "vendor": name, "endpoint": endpoint, "credentials": credentials}


async def _run(folder: Path) -> tuple[float, int, str, int]:
    """Seconds, exit code, the table, calls."""
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
        output, errors = await process.communicate()
        seconds = time.monotonic() - began
        text = errors.decode()[-2000:] + output.decode()
        return seconds, process.returncode or 0, text, sum(len(fake.requests) for fake in fakes)


def main() -> int:
    """The exit code: 0 where all is whole and in time."""
    with TemporaryDirectory() as folder:
        seconds, code, text, calls = asyncio.run(_run(Path(folder)))
    sys.stdout.write(text)
    vendors = len(fakes_by_vendor())
    sys.stdout.write(f"{vendors} vendors, {calls} calls, {seconds:.1f} s, exit code {code}\n")
    return 0 if code == 0 and seconds < ALLOWED_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
