"""A team on Lambda Cloud, as Prism plays it from the vendor's own specification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles import prism
from tests.doubles.forwarder import Forwarding, forwarding
from tests.proofs.gateways import Team, team
from tests.proofs.served import Served
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
"""Prism gives the first of the enumerated regions, for the specification shows no other within its own rules."""
CREATED = "2019-08-24T14:15:22.000000Z"
"""The instant that Prism gives where a time has no example."""
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
KEPT = """{
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
    """Prism's address, for the module."""
    with prism.serving(SPECIFICATION) as address:
        yield address


@pytest.fixture
def between(cloud: str) -> Iterator[Forwarding]:
    """A double between the gateway and Prism."""
    with forwarding(cloud) as rules:
        yield rules


@pytest.fixture
async def lab(between: Forwarding, tmp_path: Path) -> Team:
    """A team whose first sync went well."""
    owner = team(tmp_path, ACCOUNT.format(endpoint=between.address), {"LAB_KEY": KEY})
    ended = await owner.sync()
    assert 0 == ended.code, ended.output + ended.errors
    return owner


def without(node: dict[str, Any], *names: str) -> dict[str, Any]:
    """A resource without what is ours and new each time."""
    return {name: value for name, value in node.items() if name not in names}


def the_machine() -> dict[str, Any]:
    """The specification's example of an instance, in the words of the graph."""
    told = example("Instance")
    offered, mount = told["instance_type"], told["file_system_mounts"][0]
    specs = offered["specs"]
    terms = {
        "contractType": "ONDEMAND",
        "vendorSku": offered["name"],
        "priceHourly": offered["price_cents_per_hour"] / 100,
        "currency": "USD",
    }
    assert "booting" == told["status"], "which is not yet billed"
    return {
        "resourceType": "VM",
        "vendor": "lambda",
        "vendorRegion": REGION,
        "vendorId": told["id"],
        "name": told["name"],
        "status": "PROVISIONING",
        "vendorStatus": told["status"],
        "statusMessage": None,
        "account": {"name": "lab"},
        "access": {
            "externalIp": told["ip"],
            "internalIp": told["private_ip"],
            "sshCommand": f"ssh ubuntu@{told['ip']}",
            "sshPort": 22,
        },
        "spec": {
            "gpuType": "nvidia-h100-sxm5-80gb",
            "gpuFamily": "H100",
            "gpuCount": specs["gpus"],
            "vcpuCount": specs["vcpus"],
            "memoryGb": specs["memory_gib"],
            "diskGb": specs["storage_gib"],
            "vendorSku": offered["name"],
            "image": None,
            "vendor": {"hostname": told["hostname"]},
        },
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


def the_file_system() -> dict[str, Any]:
    """The specification's example of a file system, in the words of the graph."""
    told, machine = example("Filesystem"), example("Instance")
    unknown = ("gpuType", "gpuFamily", "gpuCount", "vcpuCount", "memoryGb", "diskGb", "vendorSku", "image")
    return {
        "resourceType": "FILESYSTEM",
        "vendor": "lambda",
        "vendorRegion": REGION,
        "vendorId": told["id"],
        "name": told["name"],
        "status": "RUNNING",
        "vendorStatus": None,
        "statusMessage": None,
        "createdAt": CREATED,
        "account": {"name": "lab"},
        "access": None,
        "spec": {**dict.fromkeys(unknown), "vendor": {"mount_point": told["mount_point"]}},
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
    """Every value of the example machine and file system, linked both ways; nothing else, and none of their secrets."""
    async with lab.gateway() as gateway:
        answer = await gateway.graph(WHOLE)

    assert 2 == answer["data"]["resources"]["totalCount"]
    machine, volume = answer["data"]["resources"]["nodes"]
    assert the_machine() == without(machine, "resourceId", "createdAt", "firstSeenAt")
    assert machine["firstSeenAt"] == machine["createdAt"], "the vendor tells no time of creation"
    assert the_file_system() == without(volume, "resourceId", "firstSeenAt")
    assert 0 == answer["extensions"]["freshness"]["vendorCalls"], "the command's own listing was fresh enough"
    record = (lab.file.parent / "record.db").read_bytes()
    told = example("Instance")
    assert told["ip"].encode() in record
    assert not [secret for secret in (told["jupyter_token"], KEY) if secret.encode() in record]


async def failing(gateway: Served, reason: str) -> None:
    """An hour later both are answered from the record with their true age and the reason; nothing of it has changed."""
    known = await gateway.data(CHANGES)
    fresh = (await gateway.data(KEPT))["resources"]["nodes"]
    gateway.clock.advance(AGE)

    answer = await gateway.graph(KEPT)

    told = answer["data"]["resources"]
    assert 2 == told["totalCount"]
    assert [without(node, "freshness") for node in fresh] == [without(node, "freshness") for node in told["nodes"]]
    ages = [node["freshness"] for node in told["nodes"]]
    assert {("STALE", reason, None)} == {(age["state"], age["reason"], age["missingSince"]) for age in ages}
    assert {before["freshness"]["ageSeconds"] + AGE for before in fresh} == {age["ageSeconds"] for age in ages}
    gaps = [{"kind": kind, "reason": reason} for kind in ("MACHINES", "VOLUMES")]
    assert {"complete": False, "gaps": gaps} == told["coverage"]
    assert known == await gateway.data(CHANGES)


@pytest.mark.parametrize("status", [401, 403])
async def test_rejected_credentials(lab: Team, between: Forwarding, status: int) -> None:
    """The documented 401 and 403 read AUTH_REJECTED on the graph, on REST and on the account; the record is kept."""
    between.headers["Prefer"] = f"code={status}"
    asked = len(between.passed)
    ended = await lab.sync()
    assert asked + 2 == len(between.passed)
    async with lab.gateway() as gateway:
        await failing(gateway, "AUTH_REJECTED")
        accounts = (await gateway.data("{ accounts { name state } }"))["accounts"]
        node = (await gateway.data(KEPT))["resources"]["nodes"][0]
        rest = await gateway.client.get(f"/resources/{node['resourceId']}")
    # Twice by the command's two sweeps, twice by the readers', an hour later and at no more calls than that.
    assert asked + 4 == len(between.passed)

    assert [{"name": "lab", "state": "AUTH_REJECTED"}] == accounts
    assert (200, "provisioning", node["lastSyncedAt"]) == (
        rest.status_code,
        rest.json()["status"],
        rest.json()["last_synced_at"],
    )
    assert "detail=AUTH_REJECTED" in rest.headers["Cache-Status"]
    assert (1, 2) == (ended.code, ended.output.count("AUTH_REJECTED"))
    assert KEY not in ended.output + ended.errors


async def test_a_404_on_a_list_is_no_empty_account(lab: Team, between: Forwarding) -> None:
    """Prism's own 404 is a malformed answer, however often it comes: nothing is deleted, nothing is even marked."""
    between.prepend = "/moved"
    async with lab.gateway() as gateway:
        await failing(gateway, "MALFORMED_ANSWER")
        for _ in range(3):
            # Beyond all that a verdict on what is missing takes: grace, witnesses, agreeing listings.
            gateway.clock.advance(AGE)
            asked = len(between.passed)
            told = (await gateway.data(KEPT))["resources"]
            assert asked + 2 == len(between.passed)
            assert [("STALE", None)] * 2 == [
                (node["freshness"]["state"], node["freshness"]["missingSince"]) for node in told["nodes"]
            ]
        between.prepend = ""
        gateway.clock.advance(AGE)
        back = (await gateway.data(KEPT))["resources"]

    assert {"FRESH"} == {node["freshness"]["state"] for node in back["nodes"]}
    assert (2, True) == (back["totalCount"], back["coverage"]["complete"])
