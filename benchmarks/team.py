"""A team's gateway over a simulated cloud, each in a process of its own: a configuration file, a token, `supplygraph serve`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.cloud import key_of, names

ROOT: Final = Path(__file__).parents[1]
_ACCOUNT: Final = """
[[accounts]]
name = "{name}"
vendor = "sandbox"
endpoint = "{url}"
[accounts.credentials]
api_key = "env:{variable}"
"""


@dataclass(frozen=True, slots=True)
class Cloud:
    """The simulated cloud, by its control routes."""

    control: httpx.Client

    def sweeps(self) -> dict[str, int]:
        """How many listings the cloud saw begin, a scope."""
        calls = self.control.get("/calls").raise_for_status().json()["calls"]
        told: dict[str, int] = {}
        for call in calls:
            if call["operation"].startswith("list_") and call["page"] == 1:
                scope = f"{call['tenant']} {call['operation'].removeprefix('list_')}"
                told[scope] = told.get(scope, 0) + 1
        return told

    def calls(self) -> int:
        """How many calls the cloud saw, pages and probes included."""
        return int(self.control.get("/calls").raise_for_status().json()["total"])

    def forget(self) -> None:
        """Count anew."""
        self.control.delete("/calls").raise_for_status()

    def stall(self, seconds: float) -> str:
        """Answer every call so late, with the state of its arrival; answers the fault's id."""
        told = self.control.post("/faults", json={"kind": "slow", "seconds": seconds}).raise_for_status()
        return str(told.json()["id"])

    def go_on(self, fault_id: str) -> None:
        """Answer at once what is asked from now on."""
        self.control.delete(f"/faults/{fault_id}").raise_for_status()

    def machines(self, tenant: str) -> dict[str, str]:
        """The status of each machine."""
        told: dict[str, str] = self.control.get("/world").raise_for_status().json()["tenants"][tenant]["machines"]
        return told

    def change(self, tenant: str, machine_id: str, **change: Any) -> None:
        """Change a machine at once."""
        self.control.patch(f"/tenants/{tenant}/machines/{machine_id}", json=change).raise_for_status()


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that answers: its address, the header of a token, its process."""

    address: str
    headers: dict[str, str]
    process: int

    def client(self, connections: int) -> httpx.AsyncClient:
        """A client for so many readers at once."""
        # Idle connections end here before they do there, or a question could meet the other end's closing.
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=2)
        return httpx.AsyncClient(
            base_url=self.address, headers=self.headers, limits=limits, timeout=60, trust_env=False
        )


@contextmanager
def child(command: Sequence[str], ready: str, environment: Mapping[str, str]) -> Iterator[tuple[re.Match[str], int]]:
    """Run a module of ours until the block ends; gives what `ready` matched in its output, and its process."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if told := re.search(ready, line):
                yield told, process.pid
                break
        else:
            raise SystemExit(f"{command[0]} did not start")
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def cloud(tenants: int, machines: int, volumes: int) -> Iterator[Cloud]:
    """The simulated cloud with so many tenants, who share the machines and volumes."""
    sizes = {"tenants": tenants, "machines": machines, "volumes": volumes}
    arguments = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    with (
        child(["benchmarks.cloud", *arguments], r"serving at (\S+)", {}) as (told, _),
        httpx.Client(base_url=f"{told[1]}/_control", trust_env=False) as control,
    ):
        yield Cloud(control)


@contextmanager
def gateway(folder: Path, over: Cloud, tenants: int, freshness: Mapping[str, float]) -> Iterator[Gateway]:
    """`supplygraph serve` on a file that names the tenants as accounts."""
    secrets = {f"KEY_{number}": key_of(name) for number, name in enumerate(names(tenants))}
    url = str(over.control.base_url).removesuffix("/_control/")
    file = folder / "supplygraph.toml"
    told = [f'[database]\nurl = "sqlite+aiosqlite:///{folder}/record.db"\n', "[freshness]"]
    told += [f"{name} = {value}" for name, value in freshness.items()]
    told += [_ACCOUNT.format(name=name, url=url, variable=f"KEY_{n}") for n, name in enumerate(names(tenants))]
    file.write_text("\n".join(told), encoding="utf-8")
    token = subprocess.run(
        [sys.executable, "-m", "supplygraph", "token", "create", "bench", "--config", str(file)],
        cwd=ROOT,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    command = ["supplygraph", "serve", "--config", str(file), "--port", "0"]
    with child(command, r"(http://[^\s/]+)", secrets) as (ready, process):
        yield Gateway(ready[1], {"Authorization": f"Bearer {token}"}, process)


async def asked(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """What the graph answers. Raises RuntimeError where it is an error."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    told: dict[str, Any] = answer.json()
    if answer.status_code != httpx.codes.OK or "errors" in told:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")
    return told
