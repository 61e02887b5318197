"""The simulated cloud as a process of its own: `python -m benchmarks.cloud --tenants 5 --machines 500 --volumes 500`.

Prints its address and serves until it is ended. It holds nothing but inventions; the tenants' keys are made from their names.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from domain.timestamps import SystemClock
from sandbox.http.server import SandboxServer
from sandbox.world import World

_SEED = 7


def names(count: int) -> list[str]:
    """The tenants' names."""
    return [f"team-{number}" for number in range(1, count + 1)]


def key_of(name: str) -> str:
    """A tenant's key."""
    return f"key-of-{name}"


async def serve(tenants: int, machines: int, volumes: int) -> None:
    """Serve until SIGTERM or SIGINT; nothing in this cloud changes by itself."""
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    keys = {name: key_of(name) for name in names(tenants)}
    world = World.default(SystemClock(), _SEED, keys, machines=machines, volumes=volumes, lively=False)
    async with SandboxServer(world) as server:
        print(f"serving at {server.url}", flush=True)
        await ending.wait()


def main() -> None:
    """Serve what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cloud", description=__doc__)
    for name, default in (("tenants", 5), ("machines", 500), ("volumes", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    asyncio.run(serve(asked.tenants, asked.machines, asked.volumes))


if __name__ == "__main__":
    main()
