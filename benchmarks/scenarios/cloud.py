"""The simulated cloud in a process of its own: `python -m benchmarks.scenarios.cloud --tenants 5 --machines 500 --volumes 500`.

Prints its address and serves until it is stopped. All its data is invented. A tenant's key is derived from its name.
"""

from __future__ import annotations

import argparse
import asyncio
import signal

from domain.timestamps import SystemClock
from sandbox.http.server import SandboxServer
from sandbox.world import World

_SEED = 7


def tenant_names(count: int) -> list[str]:
    """Return the names of the tenants."""
    return [f"team-{number}" for number in range(1, count + 1)]


def tenant_key(name: str) -> str:
    """Return the API key of a tenant."""
    return f"key-of-{name}"


async def serve_cloud(tenants: int, machines: int, volumes: int) -> None:
    """Serve until SIGTERM or SIGINT. Machines and volumes do not change on their own."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    keys = {name: tenant_key(name) for name in tenant_names(tenants)}
    world = World.default(SystemClock(), _SEED, keys, machines=machines, volumes=volumes, lively=False)
    async with SandboxServer(world) as server:
        print(f"serving at {server.url}", flush=True)
        await stopping.wait()


def main() -> None:
    """Serve the cloud that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios.cloud", description=__doc__)
    for name, default in (("tenants", 5), ("machines", 500), ("volumes", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    asyncio.run(serve_cloud(options.tenants, options.machines, options.volumes))


if __name__ == "__main__":
    main()
