"""A team's gateway over a simulated cloud, each in a process of its own: a configuration file, a token, `supplygraph serve`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.processes import ROOT, run_process
from benchmarks.scenarios.cloud import tenant_key, tenant_names

_ACCOUNT: Final = """
[[accounts]]
name = "{name}"
vendor = "sandbox"
endpoint = "{url}"
[accounts.credentials]
api_key = "env:{variable}"
"""


@dataclass(frozen=True, slots=True)
class CloudControl:
    """The control routes of the simulated cloud."""

    client: httpx.Client

    def count_sweeps(self) -> dict[str, int]:
        """Return how many listings began in each scope, by tenant and kind."""
        sweeps: dict[str, int] = {}
        for call in self.client.get("/calls").raise_for_status().json()["calls"]:
            if call["operation"].startswith("list_") and call["page"] == 1:
                scope = f"{call['tenant']} {call['operation'].removeprefix('list_')}"
                sweeps[scope] = sweeps.get(scope, 0) + 1
        return sweeps

    def count_calls(self) -> int:
        """Return how many calls the cloud received, pages and probes included."""
        return int(self.client.get("/calls").raise_for_status().json()["total"])

    def reset_calls(self) -> None:
        """Start counting from zero."""
        self.client.delete("/calls").raise_for_status()

    def stall(self, seconds: float) -> str:
        """Answer every call this late, with the state at its arrival; return the id of the fault."""
        response = self.client.post("/faults", json={"kind": "slow", "seconds": seconds}).raise_for_status()
        return str(response.json()["id"])

    def remove_fault(self, fault_id: str) -> None:
        """Answer calls at once from now on."""
        self.client.delete(f"/faults/{fault_id}").raise_for_status()

    def machine_statuses(self, tenant: str) -> dict[str, str]:
        """Return the status of each machine of a tenant."""
        world = self.client.get("/world").raise_for_status().json()
        statuses: dict[str, str] = world["tenants"][tenant]["machines"]
        return statuses

    def change_machine(self, tenant: str, machine_id: str, **change: Any) -> None:
        """Change a machine at once."""
        self.client.patch(f"/tenants/{tenant}/machines/{machine_id}", json=change).raise_for_status()


@dataclass(frozen=True, slots=True)
class TeamGateway:
    """A running gateway: its address, and the headers of a token."""

    address: str
    headers: dict[str, str]

    def client(self, connections: int) -> httpx.AsyncClient:
        """Return a client with this many connections."""
        # Idle connections must end on this side first: the server might close one while a request is on its way.
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=2)
        return httpx.AsyncClient(
            base_url=self.address, headers=self.headers, limits=limits, timeout=60, trust_env=False
        )


@contextmanager
def run_cloud(tenants: int, machines: int, volumes: int) -> Iterator[CloudControl]:
    """Run the simulated cloud. The tenants share the machines and volumes."""
    sizes = {"tenants": tenants, "machines": machines, "volumes": volumes}
    arguments = [part for name, size in sizes.items() for part in (f"--{name}", str(size))]
    command = [sys.executable, "-m", "benchmarks.scenarios.cloud", *arguments]
    with (
        run_process(command, r"serving at (\S+)", {}) as (address, _),
        httpx.Client(base_url=f"{address}/_control", trust_env=False) as client,
    ):
        yield CloudControl(client)


@contextmanager
def run_team_gateway(
    folder: Path, cloud: CloudControl, tenants: int, freshness: Mapping[str, float]
) -> Iterator[TeamGateway]:
    """Run `supplygraph serve` with one account for each tenant. `freshness` are settings of that table."""
    names = tenant_names(tenants)
    secrets = {f"KEY_{number}": tenant_key(name) for number, name in enumerate(names)}
    url = str(cloud.client.base_url).removesuffix("/_control/")
    file = folder / "supplygraph.toml"
    parts = [f'[database]\nurl = "sqlite+aiosqlite:///{folder}/record.db"\n', "[freshness]"]
    parts += [f"{name} = {value}" for name, value in freshness.items()]
    parts += [_ACCOUNT.format(name=name, url=url, variable=f"KEY_{number}") for number, name in enumerate(names)]
    file.write_text("\n".join(parts), encoding="utf-8")
    command = [sys.executable, "-m", "supplygraph"]
    token = subprocess.run(
        [*command, "token", "create", "bench", "--config", str(file)],
        cwd=ROOT,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[-1]
    serve = [*command, "serve", "--config", str(file), "--port", "0"]
    with run_process(serve, r"(http://[^\s/]+)", secrets) as (address, _):
        yield TeamGateway(address, {"Authorization": f"Bearer {token}"})


async def query_graph(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """Return the answer to a GraphQL operation. Raises RuntimeError if it has errors."""
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    answer: dict[str, Any] = response.json()
    if response.status_code != httpx.codes.OK or "errors" in answer:
        raise RuntimeError(f"{response.status_code}: {response.text[:500]}")
    return answer
