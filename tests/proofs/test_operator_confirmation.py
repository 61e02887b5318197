"""The operator confirms a suspect account, by the command as people run it, while the gateway serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import FaultKind
from sandbox.http.server import SandboxServer
from sandbox.operations import ApiOperation
from sandbox.world import World
from tests.clock import ManualClock
from tests.proofs.support.gateway_server import ServedGateway
from tests.proofs.support.team import Team, create_team

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
  resources(first: 100, filter: {includeDeleted: true}, freshness: {forceRefresh: $force}) {
    nodes { vendorId status freshness { state } history { nodes { field after source } } }
  }
  accounts { state lastError scopes { kind state missingCount } }
}"""


@pytest.fixture
async def cloud() -> AsyncIterator[SandboxServer]:
    """Run a cloud of two tenants with six machines and three volumes each."""
    async with SandboxServer(World.default(ManualClock(), 7, KEYS, lively=False)) as running:
        yield running
        running.faults.switch_off_all()


def create_lab(folder: Path, cloud: SandboxServer, tenant: str = "east") -> Team:
    """Return a team with the key of this tenant."""
    return create_team(folder, ACCOUNTS.format(endpoint=cloud.url), {"LAB_KEY": KEYS[tenant]})


async def read(gateway: ServedGateway, *, force: bool = False) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return the resources by their vendor ids, and the account."""
    data = await gateway.data(READ, {"force": force})
    return {node["vendorId"]: node for node in data["resources"]["nodes"]}, data["accounts"][0]


async def test_machines_that_were_terminated_elsewhere(tmp_path: Path, cloud: SandboxServer) -> None:
    """Most machines are gone at once, which no probe confirms: the operator's command deletes them, and is in their history."""
    owner = create_lab(tmp_path, cloud)
    async with owner.gateway(seconds_ago=3600) as gateway:
        await gateway.sweep_all()
        gone = [machine.machine_id for machine in cloud.world.machines("east")][:4]
        cloud.faults.switch_on(FaultKind.NOT_FOUND, operation=ApiOperation.GET_MACHINE)
        for machine_id in gone:
            cloud.world.vanish_machine("east", machine_id)
        gateway.clock.advance(600)
        before, suspect = await read(gateway, force=True)

        command = await owner.run("accounts", "confirm", "lab")
        gateway.clock.advance(3000)
        confirmed, account = await read(gateway)
        gateway.clock.advance(60)
        after, same_account = await read(gateway, force=True)

    assert {"UNCONFIRMED"} == {before[machine_id]["freshness"]["state"] for machine_id in gone}
    assert ("SUSPECT", [4, 0]) == (suspect["state"], [scope["missingCount"] for scope in suspect["scopes"]])
    line = "Account 'lab': confirmed 1 suspect scope, deleted 4 resources."
    assert (0, line) == (command.code, command.output.strip())
    for nodes in (confirmed, after):
        assert set(gone) == {vendor_id for vendor_id, node in nodes.items() if node["status"] == "DELETED"}
    assert ("OK", "OK", None) == (account["state"], same_account["state"], account["lastError"])
    history = confirmed[gone[0]]["history"]["nodes"]
    assert {"field": "status", "after": "DELETED", "source": "OPERATOR"} in history


async def test_another_accounts_credentials(tmp_path: Path, cloud: SandboxServer) -> None:
    """The account is suspect until it is confirmed; then the new account counts, and what it lacks is deleted."""
    first = create_lab(tmp_path, cloud)
    assert 0 == (await first.run("sync")).code
    changed = create_lab(tmp_path, cloud, "west")
    assert 0 == (await changed.run("sync")).code
    before = await changed.run("accounts")
    command = await changed.run("accounts", "confirm", "lab")
    assert 0 == (await changed.run("sync")).code
    after = await changed.run("accounts")
    async with changed.gateway() as gateway:
        nodes, account = await read(gateway)

    assert "the credentials now show another account" in before.output
    assert "confirmed 2 suspect scopes, deleted 9 resources." in command.output
    assert ("SUSPECT" in before.output, "SUSPECT" in after.output) == (True, False)
    assert ("OK", [0, 0]) == (account["state"], [scope["missingCount"] for scope in account["scopes"]])
    living = {vendor_id for vendor_id, node in nodes.items() if node["status"] != "DELETED"}
    assert {
        *(machine.machine_id for machine in cloud.world.machines("west")),
        *(volume.volume_id for volume in cloud.world.volumes("west")),
    } == living


async def test_the_old_credentials_put_back(tmp_path: Path, cloud: SandboxServer) -> None:
    """Nothing was deleted in between, and nothing has to be confirmed."""
    await create_lab(tmp_path, cloud).run("sync")
    await create_lab(tmp_path, cloud, "west").run("sync")
    owner = create_lab(tmp_path, cloud)
    await owner.run("sync")
    command = await owner.run("accounts", "confirm", "lab")
    async with owner.gateway() as gateway:
        nodes, account = await read(gateway)

    assert "Account 'lab': nothing is suspect or missing." == command.output.strip()
    east = {machine.machine_id for machine in cloud.world.machines("east")}
    assert "DELETED" not in {nodes[machine_id]["status"] for machine_id in east}
    assert account["state"] != "SUSPECT"
