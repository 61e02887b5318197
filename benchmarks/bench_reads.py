"""Requests a second over real HTTP: a gateway in its own process on the sandbox, asked by 16 connections at once.

`python benchmarks/bench_reads.py [SECONDS]`. Every request is authenticated; the record is fresh, so no cloud is asked.
The asking side shares the machine and takes its part of it: compare runs on one machine, not figures across machines.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx

CONNECTIONS: Final = 16
ROOT: Final = Path(__file__).parents[1]
QUESTIONS: Final = {
    "one resource, three fields": '{{ resource(resourceId: "{id}") {{ name status vendor }} }}',
    "page of 18, three recorded fields": "{{ resources(first: 100) {{ nodes {{ resourceId vendor createdAt }} }} }}",
    "page of 18, live fields, links, ages": (
        "{{ resources(first: 100) {{ totalCount nodes {{ name status pricingTotalHourly access {{ sshCommand }} "
        "freshness {{ state ageSeconds }} linkedResources {{ name status linkType }} }} }} }}"
    ),
}


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway that answers."""

    address: str
    headers: dict[str, str]


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The sandbox's gateway on a free port. Its record stays fresh for an hour."""
    process = subprocess.Popen(
        [sys.executable, "-m", "supplygraph", "serve", "--port", "0"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "SUPPLYGRAPH_FRESHNESS__COOLDOWN_SECONDS": "3600"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        text = ""
        while "application/json' -d" not in text:
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the gateway did not start")
            text += line
        address, token = re.search(r"(http://\S+)/graphql", text), re.search(r"Token +(sg_\S+)", text)
        assert address
        assert token
        yield Served(address[1], {"Authorization": f"Bearer {token[1]}"})
    finally:
        process.terminate()
        process.wait()


async def rate(ask: Callable[[], Awaitable[httpx.Response]], seconds: float) -> tuple[float, float, float]:
    """Requests a second, and the median and 99th percentile of their milliseconds."""
    end = time.perf_counter() + seconds
    taken: list[float] = []

    async def one() -> None:
        while (begun := time.perf_counter()) < end:
            (await ask()).raise_for_status()
            taken.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return len(taken) / seconds, statistics.median(taken), statistics.quantiles(taken, n=100)[98]


async def measure(gateway: Served, seconds: float) -> None:
    """Print one line a question."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=gateway.address, headers=gateway.headers, limits=limits, timeout=60
    ) as client:
        first = await client.post("/graphql", json={"query": "{ resources { nodes { resourceId name } } }"})
        resource_id = first.json()["data"]["resources"]["nodes"][0]["resourceId"]
        asks: dict[str, Callable[[], Awaitable[httpx.Response]]] = {
            name: partial(client.post, "/graphql", json={"query": question.format(id=resource_id)})
            for name, question in QUESTIONS.items()
        }
        asks["REST, one resource"] = partial(client.get, f"/resources/{resource_id}")
        print(f"{'':40}{'requests/s':>12}{'median ms':>12}{'99 % ms':>12}")
        for name, ask in asks.items():
            await rate(ask, min(1, seconds))
            told = await rate(ask, seconds)
            print(f"{name:40}{told[0]:12.0f}{told[1]:12.1f}{told[2]:12.1f}")


def main() -> None:
    """Measure for so many seconds a question."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as gateway:
        asyncio.run(measure(gateway, seconds))


if __name__ == "__main__":
    main()
