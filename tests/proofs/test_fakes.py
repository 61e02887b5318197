"""Every vendor, played by a stateful fake that the vendor's specification checks: the recorded values equal the fake's state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from supplygraph.config.settings import AccountSettings
from tests.doubles import prism
from tests.doubles.fake import MACHINES, NODE, VOLUMES, Dice, Fake, FakeResource, graph_time
from tests.doubles.fakes import fakes_by_vendor
from tests.doubles.forwarder import Forwarding, forwarding
from tests.matrix.player import ReceivedRequest
from tests.proofs.support.gateway_server import PATIENCE_SECONDS, ServedGateway, serve_accounts
from vendors import registry

MANY = 301
SEED = 20260131
KEY = "key-of-the-fake"
SECRET = "S3cret"
"""The text that the fakes put into fields which must not be stored."""
FIELDS = """resourceId vendorId createdAt firstSeenAt resourceType vendorRegion name status vendorStatus statusMessage
  access { externalIp internalIp sshCommand sshPort }
  spec { gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor }
  pricingTotalHourly currency pricingSource pricingAsOf freshness { state reason }
  validFrom validTo offerHistory { role offer { contractType } }
  linkedResources { linkType linkedUntil resource { vendorId } }"""
QUERY = f"""query ($force: Boolean!) {{
  resources(
    first: 1000, filter: {{includeDeleted: true, includeDuplicates: true}},
    freshness: {{forceRefresh: $force}}
  ) {{ nodes {{ {FIELDS} }} coverage {{ complete gaps {{ kind reason }} }} }}
}}"""


_JUDGED = "stoplight.io/prism/errors"
"""The text in every refusal of Prism itself; a 404 of the fake does not have it."""


@dataclass
class FakeProof:
    """A gateway over one fake, with the vendor's specification between them if there is one."""

    fake: Fake
    gateway: ServedGateway
    between: Forwarding | None

    async def read(self, *, force: bool = False) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """Return every resource by its vendor id, and the coverage of the list."""
        resources = (await self.gateway.data(QUERY, {"force": force}))["resources"]
        violations = [body for body in (self.between.refused if self.between else ()) if _JUDGED in body]
        assert [] == [*self.fake.violations, *violations][:2]
        nodes = {node["vendorId"]: node for node in resources["nodes"]}
        assert len(nodes) == len(resources["nodes"])
        return nodes, resources["coverage"]


def require_fake(name: str) -> type[Fake]:
    """Return the vendor's fake; skip the test if Prism, which checks it, is not installed."""
    fake = fakes_by_vendor()[name]
    if fake.specification is not None and (reason := prism.missing(fake.specification)):
        pytest.skip(reason)
    return fake


@asynccontextmanager
async def run_proof(fake: Fake, folder: Path) -> AsyncIterator[FakeProof]:
    """Run the fake, what checks it, and the gateway."""
    own = registry.find(fake.vendor).settings_type.model_validate(fake.settings(KEY))
    async with fake.serving() as upstream:
        if fake.specification is None:
            async with serve_accounts(folder, _account(fake, upstream, own)) as gateway:
                yield FakeProof(fake, gateway, None)
            return
        with prism.judging(fake.specification, upstream) as judge, forwarding(judge) as between:
            between.strip = fake.base_path
            async with serve_accounts(folder, _account(fake, between.address, own)) as gateway:
                yield FakeProof(fake, gateway, between)


def _account(fake: Fake, endpoint: str, own: Any) -> AccountSettings:
    return AccountSettings(
        name="lab",
        vendor=fake.vendor,
        endpoint=endpoint,
        own=own,
        cooldown_seconds=30,
        flight_seconds=PATIENCE_SECONDS,
        # Rate limits are tested elsewhere: at half of its documented rate a sweep of Vast takes half a minute.
        budget_share=1000,
    )


def expected(thing: FakeResource) -> dict[str, Any]:
    """Return what GraphQL must answer for it."""
    assert set(NODE) <= set(thing.node), f"the fake lacks {set(NODE) - set(thing.node)}"
    created = {"createdAt": graph_time(thing.created_at)} if thing.created_at else {}
    return {**thing.node, **created, "attached": sorted(thing.attached)}


def find_secrets(folder: Path) -> list[str]:
    """Return the secrets in any file of the database; every fake sends some next to what is needed."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if file.name.startswith("record.db") and file.stat().st_size > 0]
    texts = ((file, file.read_bytes()) for file in files)
    return [f"{file.name}: {secret}" for file, text in texts for secret in (SECRET, KEY) if secret.encode() in text]


def actual(node: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return what GraphQL answers for the same keys."""
    links = [link["resource"]["vendorId"] for link in node["linkedResources"] if link["linkedUntil"] is None]
    return {key: node[key] for key in keys if key != "attached"} | {"attached": sorted(links)}


def find_differences(fake: Fake, nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return where the recorded values differ from the fake's state."""
    things = {**fake.machines, **fake.volumes}
    differences = [f"lacks {key}" for key in things.keys() - nodes.keys()]
    differences += [f"has {key}" for key in nodes.keys() - things.keys()]
    for key in things.keys() & nodes.keys():
        values = expected(things[key])
        answer = actual(nodes[key], values)
        differences += [
            f"{key} {name}: {value} came as {answer[name]}" for name, value in values.items() if value != answer[name]
        ]
    return differences


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_recorded_values_equal_the_fakes_state(name: str, tmp_path: Path) -> None:
    """301 machines with random values on all their pages, and 40 volumes: every value, every link, the exact calls."""
    fake = require_fake(name)(Dice(SEED), MANY, 40)
    pages = 1 if fake.page_size is None else -(-MANY // fake.page_size)
    async with run_proof(fake, tmp_path) as proof:
        nodes, coverage = await proof.read()

    assert {"complete": True, "gaps": []} == coverage
    assert [] == find_differences(fake, nodes)[:10]
    assert {"FRESH"} == {node["freshness"]["state"] for node in nodes.values()}
    assert sum(fake.calls.values()) + pages - 1 + fake.price_list_calls == len(fake.requests)
    assert [] == find_secrets(tmp_path)
    times = {node["pricingAsOf"] for node in nodes.values() if node["pricingTotalHourly"] is None}
    assert times <= {None}


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_an_empty_account(name: str, tmp_path: Path) -> None:
    """Nothing is recorded, and the number of calls is the least."""
    fake = require_fake(name)(Dice(SEED), 0, 0)
    async with run_proof(fake, tmp_path) as proof:
        nodes, coverage = await proof.read()

    assert ({}, True, sum(fake.calls.values())) == (nodes, coverage["complete"], len(fake.requests))


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_a_machine_that_vanishes_between_pages(name: str, tmp_path: Path) -> None:
    """A machine vanishes after the first page: no other is lost, marked as missing or doubled, whatever page it moves to."""
    fake = require_fake(name)(Dice(SEED + 1), MANY if require_fake(name).page_size else 3, 0)
    async with run_proof(fake, tmp_path) as proof:
        await proof.read()
        gone = next(iter(fake.machines))
        fake.vanishing = gone
        proof.gateway.clock.advance(600)
        between, _ = await proof.read()
        assert fake.machines.keys() | {gone} == between.keys()
        assert {"FRESH", "STALE"} >= {between[key]["freshness"]["state"] for key in fake.machines}
        for _ in range(2):
            # A partial sweep is not repeated at once.
            proof.gateway.clock.advance(600)
            after, coverage = await proof.read()

    assert coverage["complete"]
    assert {"FRESH"} == {after[key]["freshness"]["state"] for key in fake.machines}
    lost = after.pop(gone)
    assert "DELETED" == lost["status"] or "UNCONFIRMED" == lost["freshness"]["state"]
    assert [] == find_differences(fake, after)[:10]


@pytest.mark.parametrize(
    ("name", "call", "wrong"),
    [
        (
            "aws",
            ReceivedRequest("/", {}, {"Action": "DescribeInstances"}, {}),
            {"colour": "red", "architecture": "z80", "ebsOptimized": "perhaps"},
        ),
        (
            "scaleway",
            ReceivedRequest("/instance/v1/zones/fr-par-2/servers", {"page": "1", "per_page": "100"}, {}, {}),
            {"colour": "red", "arch": "z80", "protected": 1},
        ),
    ],
)
def test_a_fake_without_prism_is_really_checked(name: str, call: ReceivedRequest, wrong: dict[str, Any]) -> None:
    """A name, an enum value and a type that the vendor's own library does not have are each reported."""
    fake = fakes_by_vendor()[name](Dice(SEED), 1, 0)
    (machine,) = fake.machines.values()
    fake.reply(call)
    assert [] == fake.violations
    machine.item |= wrong

    fake.reply(call)

    assert 3 == len(fake.violations)


async def test_every_fake_has_both_kinds() -> None:
    """A fake without machines or volumes would prove nothing."""
    for fake in fakes_by_vendor().values():
        small = fake(Dice(SEED), 2, 2)
        things = {**small.machines, **small.volumes}.values()
        assert SECRET in repr([thing.item for thing in things]), f"{fake.vendor} sends no secret"
        assert {MACHINES, VOLUMES} == set(small.calls)
        assert (2, 2) == (len(small.machines), len(small.volumes))
