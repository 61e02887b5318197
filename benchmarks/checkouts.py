"""`supplygraph serve` of other checkouts of this repository, measured in the same run as this one.

A checkout has its own tables and its own configuration keys. Its own `benchmarks` package therefore seeds a database of its own
with the same population, and writes its configuration. Its Python is this one: the dependencies of both must agree.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from benchmarks.postgres import Postgres
from benchmarks.servers import BenchServer, run_gateway

_PREPARE: Final = """
import asyncio, inspect, json, sys
from datetime import datetime
from pathlib import Path
from benchmarks.population import populate
from benchmarks.servers import configuration
from tests.doubles.postgresql import PostgresServer
try:
    from benchmarks.seed import seed_postgres
except ModuleNotFoundError:
    from benchmarks.seeding import seed_postgres

folder, port, database, resources, now, url = sys.argv[1:]
server = PostgresServer(Path(folder), Path(), int(port))
asyncio.run(seed_postgres(server, database, populate(int(resources), datetime.fromisoformat(now))))
parameters = inspect.signature(configuration).parameters.values()
(cached,) = (one.name for one in parameters if one.kind is one.KEYWORD_ONLY)
print(json.dumps([configuration(url), configuration(url, **{cached: False})]))
"""
"""Runs in the checkout. The flag for the result cache is the only keyword-only parameter, whatever its name is there."""


class CheckoutFailed(Exception):
    """A checkout could not be prepared; the message ends with its output."""


def prepare(checkout: Path, server: Postgres, database: str, resources: int, now: datetime) -> tuple[str, str]:
    """Create and fill the checkout's database; return its configuration with and without the result cache.

    Raises CheckoutFailed.
    """
    address = [str(server.server.folder), str(server.server.port)]
    arguments = [*address, database, str(resources), now.isoformat(), server.url(database)]
    completed = subprocess.run(
        [sys.executable, "-c", _PREPARE, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode != 0:
        raise CheckoutFailed(f"{checkout}: its database was not prepared: {completed.stderr.strip()[-1000:]}")
    cached, uncached = json.loads(completed.stdout.splitlines()[-1])
    return cached, uncached


def server_names(checkout: Path) -> tuple[str, str]:
    """Return the names of a checkout's two servers: with the result cache, and without it."""
    return f"supplygraph ({checkout.name})", f"supplygraph ({checkout.name}), no result cache"


@contextmanager
def run_checkout(
    folder: Path, checkout: Path, server: Postgres, resources: int, now: datetime
) -> Iterator[list[BenchServer]]:
    """Run the gateway of a checkout twice, with and without its result cache. Raises CheckoutFailed."""
    database = re.sub(r"\W+", "_", f"checkout_{checkout.name}".lower())
    texts = prepare(checkout, server, database, resources, now)
    with ExitStack() as stack:
        yield [
            stack.enter_context(run_gateway(folder, text, server.process, name, checkout))
            for name, text in zip(server_names(checkout), texts, strict=True)
        ]
