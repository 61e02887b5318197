"""A team on Lambda Cloud, played by Prism from the vendor's own specification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles import prism
from tests.doubles.forwarder import Forwarding, forwarding
from tests.proofs.support.gateway_server import ServedGateway
from tests.proofs.support.team import Team, create_team
from tests.vendors.adapters.test_lambda import example

SPECIFICATION = "lambda-1.8.3.json"
REASON = prism.missing(SPECIFICATION)
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

KEY = "key-that-must-not-be-seen"
ACCOUNT = """\
[[accounts]]
name = "lab"
vendor = "lambda"
endpoint = "{endpoint}"
[accounts.credentials]
api_key = "env:LAB_KEY"
"""
REGION = "europe-central-1"
"""Prism answers the first of the enumerated regions, since no example of the specification has another valid one."""
CREATED = "2019-08-24T14:15:22.000000Z"
"""The instant that Prism answers for a time without an example."""
WHOLE = """{
  resources(orderBy: {field: NAME, direction: ASC}) {
    totalCount
    nodes {
      resourceId resourceType vendor vendorRegion vendorId name status vendorStatus statusMessage createdAt firstSeenAt
      account { name }
      access { externalIp internalIp sshCommand sshPort }
      spec { gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor }
      pricingTotalHourly currency pricingSource pricingAsOf validFrom validTo
      offerHistory { role offerType offer { contractType vendorSku priceHourly currency } }
      linkedResources { linkType name status resource { vendorId } }
    }
  }
}"""
RECORDED = """{
  resources(orderBy: {field: NAME, direction: ASC}) {
    totalCount
    nodes { resourceId vendorId name status lastSyncedAt freshness { state reason missingSince ageSeconds } }
    coverage { complete gaps { kind reason } }
  }
}"""
CHANGES = "{ changes { nodes { resource { vendorId } field } } }"
AGE = 3600.0


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    """Run Prism for the module; return its address."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(cloud: str) -> Iterator[Forwarding]:
    """Run a proxy between the gateway and Prism."""
    with forwarding(cloud) as rules:
        yield rules


@pytest.fixture
async def lab(between: Forwarding, tmp_path: Path) -> Team:
    """Return a team whose first sync succeeded."""
    owner = create_team(tmp_path, ACCOUNT.format(endpoint=between.address), {"LAB_KEY": KEY})
    command = await owner.sync()
    assert 0 == command.code, command.output + command.errors
    return owner


def without(node: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a resource without these fields, which differ in every run."""
    return {name: value for name, value in node.items() if name not in names}


def expected_machine() -> dict[str, Any]:
    """Return the specification's example of an instance as GraphQL answers it."""
    instance = example("Instance")
    offered, mount = instance["instance_type"], instance["file_system_mounts"][0]
    terms = {
        "contractType": "ONDEMAND",
        "vendorSku": offered["name"],
        "priceHourly": offered["price_cents_per_hour"] / 100,
        "currency": "USD",
    }
    assert "booting" == instance["status"], "an instance that boots is not yet billed"
    return {
        "resourceType": "VM",
        "vendor": "lambda",
        "vendorRegion": REGION,
        "vendorId": instance["id"],
        "name": instance["name"],
        "status": "PROVISIONING",
        "vendorStatus": instance["status"],
        "statusMessage": None,
        "account": {"name": "lab"},
        "access": {
            "externalIp": instance["ip"],
            "internalIp": instance["private_ip"],
            "sshCommand": None,
            "sshPort": None,
        },
        "spec": expected_spec(instance),
        **dict.fromkeys(("pricingTotalHourly", "currency", "pricingAsOf", "validFrom", "validTo")),
        "pricingSource": "NONE",
        "offerHistory": [{"role": "OBSERVED", "offerType": "VM", "offer": terms}],
        "linkedResources": [
            {
                "linkType": "ATTACHED_STORAGE",
                "name": example("Filesystem")["name"],
                "status": "RUNNING",
                "resource": {"vendorId": mount["file_system_id"]},
            }
        ],
    }


def expected_spec(instance: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of the example instance."""
    specs = instance["instance_type"]["specs"]
    return {
        "gpuType": "nvidia-h100-sxm5-80gb",
        "gpuFamily": "H100",
        "gpuCount": specs["gpus"],
        "vcpuCount": specs["vcpus"],
        "memoryGb": specs["memory_gib"],
        "diskGb": specs["storage_gib"],
        "vendorSku": instance["instance_type"]["name"],
        "image": None,
        "vendor": {"hostname": instance["hostname"]},
    }


def expected_file_system() -> dict[str, Any]:
    """Return the specification's example of a file system as GraphQL answers it."""
    file_system, machine = example("Filesystem"), example("Instance")
    unknown = ("gpuType", "gpuFamily", "gpuCount", "vcpuCount", "memoryGb", "diskGb", "vendorSku", "image")
    return {
        "resourceType": "FILESYSTEM",
        "vendor": "lambda",
        "vendorRegion": REGION,
        "vendorId": file_system["id"],
        "name": file_system["name"],
        "status": "RUNNING",
        "vendorStatus": None,
        "statusMessage": None,
        "createdAt": CREATED,
        "account": {"name": "lab"},
        "access": None,
        "spec": {**dict.fromkeys(unknown), "vendor": {"mount_point": file_system["mount_point"]}},
        **dict.fromkeys(("pricingTotalHourly", "currency", "pricingAsOf", "validFrom", "validTo")),
        "pricingSource": "NONE",
        "offerHistory": [
            {
                "role": "OBSERVED",
                "offerType": "STORAGE",
                "offer": {"contractType": "ONDEMAND", **dict.fromkeys(("vendorSku", "priceHourly", "currency"))},
            }
        ],
        "linkedResources": [
            {
                "linkType": "ATTACHED_TO",
                "name": machine["name"],
                "status": "PROVISIONING",
                "resource": {"vendorId": machine["id"]},
            }
        ],
    }


async def test_the_examples_are_recorded(lab: Team) -> None:
    """Every value of the example machine and file system is recorded, and both links; nothing else, and no secret."""
    async with lab.gateway() as gateway:
        answer = await gateway.graph(WHOLE)

    assert 2 == answer["data"]["resources"]["totalCount"]
    machine, volume = answer["data"]["resources"]["nodes"]
    assert expected_machine() == without(machine, "resourceId", "createdAt", "firstSeenAt")
    assert machine["firstSeenAt"] == machine["createdAt"], "the vendor reports no time of creation"
    assert expected_file_system() == without(volume, "resourceId", "firstSeenAt")
    assert 0 == answer["extensions"]["freshness"]["vendorCalls"], "the listing of the command was fresh enough"
    database = (lab.file.parent / "record.db").read_bytes()
    instance = example("Instance")
    assert instance["ip"].encode() in database
    assert not [secret for secret in (instance["jupyter_token"], KEY) if secret.encode() in database]


async def assert_stale(gateway: ServedGateway, reason: str) -> None:
    """Check that both are answered an hour later with their true age and the reason, and that no recorded value has changed."""
    changes = await gateway.data(CHANGES)
    fresh = (await gateway.data(RECORDED))["resources"]["nodes"]
    gateway.clock.advance(AGE)

    answer = await gateway.graph(RECORDED)

    resources = answer["data"]["resources"]
    assert 2 == resources["totalCount"]
    assert [without(node, "freshness") for node in fresh] == [without(node, "freshness") for node in resources["nodes"]]
    ages = [node["freshness"] for node in resources["nodes"]]
    assert {("STALE", reason, None)} == {(age["state"], age["reason"], age["missingSince"]) for age in ages}
    assert {before["freshness"]["ageSeconds"] + AGE for before in fresh} == {age["ageSeconds"] for age in ages}
    gaps = [{"kind": kind, "reason": reason} for kind in ("MACHINES", "VOLUMES")]
    assert {"complete": False, "gaps": gaps} == resources["coverage"]
    assert changes == await gateway.data(CHANGES)


@pytest.mark.parametrize("status", [401, 403])
async def test_rejected_credentials(lab: Team, between: Forwarding, status: int) -> None:
    """The documented 401 and 403 read AUTH_REJECTED in GraphQL, REST and the account; recorded values stay."""
    between.headers["Prefer"] = f"code={status}"
    calls = len(between.passed)
    command = await lab.sync()
    assert calls + 2 == len(between.passed)
    async with lab.gateway() as gateway:
        await assert_stale(gateway, "AUTH_REJECTED")
        accounts = (await gateway.data("{ accounts { name state } }"))["accounts"]
        node = (await gateway.data(RECORDED))["resources"]["nodes"][0]
        rest = await gateway.client.get(f"/resources/{node['resourceId']}")
    # Two calls by the sweeps of the command and two by those of the readers an hour later, and no more.
    assert calls + 4 == len(between.passed)

    assert [{"name": "lab", "state": "AUTH_REJECTED"}] == accounts
    assert (200, "provisioning", node["lastSyncedAt"]) == (
        rest.status_code,
        rest.json()["status"],
        rest.json()["last_synced_at"],
    )
    assert "detail=AUTH_REJECTED" in rest.headers["Cache-Status"]
    assert (1, 2) == (command.code, command.output.count("AUTH_REJECTED"))
    assert KEY not in command.output + command.errors


async def test_a_404_on_a_list_is_not_an_empty_account(lab: Team, between: Forwarding) -> None:
    """Prism's own 404 is a malformed answer, however often it comes: nothing is deleted, and nothing is marked as missing."""
    between.prepend = "/moved"
    async with lab.gateway() as gateway:
        await assert_stale(gateway, "MALFORMED_ANSWER")
        for _ in range(3):
            # Longer than all that a verdict on a missing resource takes: grace, witnesses, agreeing listings.
            gateway.clock.advance(AGE)
            calls = len(between.passed)
            resources = (await gateway.data(RECORDED))["resources"]
            assert calls + 2 == len(between.passed)
            assert [("STALE", None)] * 2 == [
                (node["freshness"]["state"], node["freshness"]["missingSince"]) for node in resources["nodes"]
            ]
        between.prepend = ""
        gateway.clock.advance(AGE)
        back = (await gateway.data(RECORDED))["resources"]

    assert {"FRESH"} == {node["freshness"]["state"] for node in back["nodes"]}
    assert (2, True) == (back["totalCount"], back["coverage"]["complete"])
