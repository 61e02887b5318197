"""Every vendor with a stateful fake that its own specification judges: the record equals the fake's state, page by page."""

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
from tests.proofs.served import Served, served
from vendors import registry

MANY = 301
SEED = 20260131
KEY = "key-of-the-fake"
SECRET = "S3cret"
"""What the fakes put into fields that nobody may keep."""
FIELDS = """resourceId vendorId createdAt firstSeenAt resourceType vendorRegion name status vendorStatus statusMessage
  access { externalIp internalIp sshCommand sshPort }
  spec { gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor }
  pricingTotalHourly currency pricingSource pricingAsOf freshness { state reason }
  validFrom validTo offerHistory { role offer { contractType } }
  linkedResources { linkType linkedUntil resource { vendorId } }"""
QUERY = f"""query ($force: Boolean!) {{
  resources(
    first: 1000, filter: {{includeDeleted: true, includeDuplicates: true}},
    freshness: {{forceRefresh: $force, maxWaitSeconds: 50}}
  ) {{ nodes {{ {FIELDS} }} coverage {{ complete gaps {{ kind reason }} }} }}
}}"""


_JUDGED = "stoplight.io/prism/errors"
"""What every refusal of Prism's own has in it; the fake's own 404 is none."""


@dataclass
class Proven:
    """A gateway over one fake, with the vendor's specification between them where there is one."""

    fake: Fake
    gateway: Served
    between: Forwarding | None

    async def read(self, *, force: bool = False) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        """Every resource by the vendor's id, and the list's coverage."""
        told = (await self.gateway.data(QUERY, {"force": force}))["resources"]
        violations = [body for body in (self.between.refused if self.between else ()) if _JUDGED in body]
        assert [] == [*self.fake.violations, *violations][:2]
        nodes = {node["vendorId"]: node for node in told["nodes"]}
        assert len(nodes) == len(told["nodes"])
        return nodes, told["coverage"]


def here(name: str) -> type[Fake]:
    """The vendor's fake; skips where what judges it is not here."""
    fake = fakes_by_vendor()[name]
    if fake.specification is not None and (reason := prism.missing(fake.specification)):
        pytest.skip(reason)
    return fake


@asynccontextmanager
async def proven(fake: Fake, folder: Path) -> AsyncIterator[Proven]:
    """Run them all."""
    own = registry.find(fake.vendor).settings_type.model_validate(fake.settings(KEY))
    async with fake.serving() as upstream:
        if fake.specification is None:
            async with served(folder, _account(fake, upstream, own), flight_seconds=60) as gateway:
                yield Proven(fake, gateway, None)
            return
        with prism.judging(fake.specification, upstream) as judge, forwarding(judge) as between:
            between.strip = fake.base_path
            async with served(folder, _account(fake, between.address, own), flight_seconds=60) as gateway:
                yield Proven(fake, gateway, between)


def _account(fake: Fake, endpoint: str, own: Any) -> AccountSettings:
    return AccountSettings(
        name="lab",
        vendor=fake.vendor,
        endpoint=endpoint,
        own=own,
        cooldown_seconds=30,
        deadline_seconds=50,
        # How fast is another question: at half of its documented pace Vast takes half a minute for each sweep.
        budget_share=1000,
    )


def expected(thing: FakeResource) -> dict[str, Any]:
    """What the graph must say of it."""
    assert set(NODE) <= set(thing.node), f"the fake leaves out {set(NODE) - set(thing.node)}"
    created = {"createdAt": graph_time(thing.created_at)} if thing.created_at else {}
    return {**thing.node, **created, "attached": sorted(thing.attached)}


def spoken(folder: Path) -> list[str]:
    """What of the secrets is in any file of the record; every fake tells some beside what is asked for."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if file.name.startswith("record.db") and file.stat().st_size > 0]
    texts = ((file, file.read_bytes()) for file in files)
    return [f"{file.name}: {secret}" for file, text in texts for secret in (SECRET, KEY) if secret.encode() in text]


def told(node: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """What it says of the same."""
    links = [one["resource"]["vendorId"] for one in node["linkedResources"] if one["linkedUntil"] is None]
    return {key: node[key] for key in keys if key != "attached"} | {"attached": sorted(links)}


def differing(fake: Fake, nodes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Where the record differs from the fake's state."""
    things = {**fake.machines, **fake.volumes}
    found = [f"lacks {key}" for key in things.keys() - nodes.keys()]
    found += [f"has {key}" for key in nodes.keys() - things.keys()]
    for key in things.keys() & nodes.keys():
        wanted = expected(things[key])
        came = told(nodes[key], wanted)
        found += [f"{key} {name}: {wanted[name]} came as {came[name]}" for name in wanted if wanted[name] != came[name]]
    return found


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_the_record_equals_the_fakes_state(name: str, tmp_path: Path) -> None:
    """301 machines of random values over all their pages, and 40 volumes: every value, every link, the exact calls."""
    fake = here(name)(Dice(SEED), MANY, 40)
    pages = 1 if fake.page_size is None else -(-MANY // fake.page_size)
    async with proven(fake, tmp_path) as proof:
        nodes, coverage = await proof.read()

    assert {"complete": True, "gaps": []} == coverage
    assert [] == differing(fake, nodes)[:10]
    assert {"FRESH"} == {node["freshness"]["state"] for node in nodes.values()}
    assert sum(fake.calls.values()) + pages - 1 + fake.price_list_calls == len(fake.requests)
    assert [] == spoken(tmp_path)
    times = {node["pricingAsOf"] for node in nodes.values() if node["pricingTotalHourly"] is None}
    assert times <= {None}


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_an_empty_account(name: str, tmp_path: Path) -> None:
    """Nothing, told by the least number of calls."""
    fake = here(name)(Dice(SEED), 0, 0)
    async with proven(fake, tmp_path) as proof:
        nodes, coverage = await proof.read()

    assert ({}, True, sum(fake.calls.values())) == (nodes, coverage["complete"], len(fake.requests))


@pytest.mark.parametrize("name", fakes_by_vendor())
async def test_what_is_there_survives_one_vanishing_while_paging(name: str, tmp_path: Path) -> None:
    """A machine goes once the first page was told: no other is ever lost, marked or doubled, whatever page it moves to."""
    fake = here(name)(Dice(SEED + 1), MANY if here(name).page_size else 3, 0)
    async with proven(fake, tmp_path) as proof:
        await proof.read()
        gone = next(iter(fake.machines))
        fake.vanishing = gone
        proof.gateway.clock.advance(600)
        between, _ = await proof.read()
        assert fake.machines.keys() | {gone} == between.keys()
        assert {"FRESH", "STALE"} >= {between[key]["freshness"]["state"] for key in fake.machines}
        for _ in range(2):
            # A sweep that was cut is not repeated at once.
            proof.gateway.clock.advance(600)
            after, coverage = await proof.read()

    assert coverage["complete"]
    assert {"FRESH"} == {after[key]["freshness"]["state"] for key in fake.machines}
    lost = after.pop(gone)
    assert "DELETED" == lost["status"] or "UNCONFIRMED" == lost["freshness"]["state"]
    assert [] == differing(fake, after)[:10]


@pytest.mark.parametrize(
    ("name", "asked", "wrong"),
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
def test_what_judges_a_fake_without_prism_is_no_rubber_stamp(
    name: str, asked: ReceivedRequest, wrong: dict[str, Any]
) -> None:
    """A name, a word and a kind of value that the vendor's own library does not have are each told."""
    fake = fakes_by_vendor()[name](Dice(SEED), 1, 0)
    (machine,) = fake.machines.values()
    fake.reply(asked)
    assert [] == fake.violations
    machine.item |= wrong

    fake.reply(asked)

    assert 3 == len(fake.violations)


async def test_every_fake_has_both_kinds() -> None:
    """A fake that holds nothing would prove nothing."""
    for fake in fakes_by_vendor().values():
        held = fake(Dice(SEED), 2, 2)
        things = {**held.machines, **held.volumes}.values()
        assert SECRET in repr([one.item for one in things]), f"{fake.vendor} tells no secret"
        assert {MACHINES, VOLUMES} == set(held.calls)
        assert (2, 2) == (len(held.machines), len(held.volumes))
