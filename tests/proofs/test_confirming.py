"""The operator confirms what a suspect account shows, by the command as people run it, beside the gateway that serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import Operation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.gateways import Team, team
from tests.proofs.served import Served

KEYS = {"east": "key-of-east", "west": "key-of-west"}
ACCOUNTS = """\
[absence]
grace_seconds = 0

[[accounts]]
name = "lab"
vendor = "sandbox"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:LAB_KEY"
"""
READ = """query ($force: Boolean!) {
  resources(first: 100, filter: {includeDeleted: true}, freshness: {forceRefresh: $force, maxWaitSeconds: 20}) {
    nodes { vendorId status freshness { state } history { nodes { field after source } } }
  }
  accounts { state lastError scopes { kind state missingCount } }
}"""


@pytest.fixture
async def cloud() -> AsyncIterator[SandboxServer]:
    """Two tenants of six machines and three volumes each."""
    async with SandboxServer(World.default(ManualClock(), 7, KEYS, lively=False)) as running:
        yield running
        running.faults.switch_off_all()


def lab(folder: Path, cloud: SandboxServer, tenant: str = "east") -> Team:
    """A team whose key is this tenant's."""
    return team(folder, ACCOUNTS.format(endpoint=cloud.url), {"LAB_KEY": KEYS[tenant]})


async def read(gateway: Served, *, force: bool = False) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The resources by their vendor ids, and the account."""
    told = await gateway.data(READ, {"force": force})
    return {node["vendorId"]: node for node in told["resources"]["nodes"]}, told["accounts"][0]


async def test_what_was_terminated_elsewhere(tmp_path: Path, cloud: SandboxServer) -> None:
    """Most machines are gone at once and nothing bears it out: the operator's word deletes them, and is in their history."""
    owner = lab(tmp_path, cloud)
    async with owner.gateway(seconds_ago=3600) as gateway:
        await gateway.swept()
        gone = [machine.machine_id for machine in cloud.world.machines("east")][:4]
        cloud.faults.switch_on(FaultKind.NOT_FOUND, operation=Operation.GET_MACHINE)
        for machine_id in gone:
            cloud.world.vanish_machine("east", machine_id)
        gateway.clock.advance(600)
        doubted, suspect = await read(gateway, force=True)

        ended = await owner.run("accounts", "confirm", "lab")
        gateway.clock.advance(3000)
        believed, well = await read(gateway)
        gateway.clock.advance(60)
        after, still = await read(gateway, force=True)

    assert {"UNCONFIRMED"} == {doubted[one]["freshness"]["state"] for one in gone}
    assert ("SUSPECT", [4, 0]) == (suspect["state"], [scope["missingCount"] for scope in suspect["scopes"]])
    said = "Account 'lab': confirmed 1 suspect scope, deleted 4 resources."
    assert (0, said) == (ended.code, ended.output.strip())
    for nodes in (believed, after):
        assert set(gone) == {one for one, node in nodes.items() if node["status"] == "DELETED"}
    assert ("OK", "OK", None) == (well["state"], still["state"], well["lastError"])
    last = believed[gone[0]]["history"]["nodes"]
    assert {"field": "status", "after": "DELETED", "source": "OPERATOR"} in last


async def test_another_accounts_credentials(tmp_path: Path, cloud: SandboxServer) -> None:
    """Suspect until confirmed; then the new account is the account, and what it lacks is deleted."""
    first = lab(tmp_path, cloud)
    assert 0 == (await first.run("sync")).code
    changed = lab(tmp_path, cloud, "west")
    assert 0 == (await changed.run("sync")).code
    before = await changed.run("accounts")
    ended = await changed.run("accounts", "confirm", "lab")
    assert 0 == (await changed.run("sync")).code
    after = await changed.run("accounts")
    async with changed.gateway() as gateway:
        nodes, account = await read(gateway)

    assert "the credentials now show another account" in before.output
    assert "confirmed 2 suspect scopes, deleted 9 resources." in ended.output
    assert ("SUSPECT" in before.output, "SUSPECT" in after.output) == (True, False)
    assert ("OK", [0, 0]) == (account["state"], [scope["missingCount"] for scope in account["scopes"]])
    living = {one for one, node in nodes.items() if node["status"] != "DELETED"}
    west = cloud.world
    assert {
        *(one.machine_id for one in west.machines("west")),
        *(one.volume_id for one in west.volumes("west")),
    } == living


async def test_the_old_credentials_put_back(tmp_path: Path, cloud: SandboxServer) -> None:
    """Nothing was deleted meanwhile, and nothing has to be confirmed."""
    await lab(tmp_path, cloud).run("sync")
    await lab(tmp_path, cloud, "west").run("sync")
    owner = lab(tmp_path, cloud)
    await owner.run("sync")
    ended = await owner.run("accounts", "confirm", "lab")
    async with owner.gateway() as gateway:
        nodes, account = await read(gateway)

    assert "Account 'lab': nothing is suspect." == ended.output.strip()
    east = {machine.machine_id for machine in cloud.world.machines("east")}
    assert "DELETED" not in {nodes[one]["status"] for one in east}
    assert account["state"] != "SUSPECT"
