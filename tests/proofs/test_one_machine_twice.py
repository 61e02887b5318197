"""One machine seen through two accounts: two linked resources, of which lists and totals show the direct one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.enums import Permission
from supplygraph.auth.tokens import make
from supplygraph.config.settings import AccountSettings
from tests.doubles.fake import Dice, Fake, FakeResource
from tests.doubles.fakes import fakes_by_vendor
from tests.doubles.fakes.lambda_cloud import LambdaFake
from tests.doubles.fakes.shadeform import ShadeformFake
from tests.proofs.support.gateway_server import PATIENCE_SECONDS, ServedGateway, serve_accounts
from vendors import registry

LIST = """query ($filter: ResourceFilter, $force: Boolean!) {
  resources(filter: $filter, first: 100, freshness: {forceRefresh: $force}) {
    totalCount
    nodes {
      resourceId vendorId vendor name account { name } pricingTotalHourly
      linkedResources { linkType linkedUntil resource { resourceId account { name } } }
    }
  }
  resourceTotals(filter: $filter) { count }
}"""

TOTALS = "{ resourceTotals { count gpuCount unpricedCount hourly { currency amount } } }"
COUNT = "{ resources(filter: {includeDuplicates: true}) { totalCount } }"


@dataclass
class AggregatedFleet:
    """A team with an account at an aggregator, and two keys of one account at the cloud itself."""

    lambda_fake: LambdaFake
    shadeform_fake: ShadeformFake
    gateway: ServedGateway

    async def list_machines(self, **conditions: Any) -> list[dict[str, Any]]:
        """Return the machines that a reader of all accounts sees, after a refresh."""
        self.gateway.clock.advance(600)
        data = await self.gateway.data(LIST, {"filter": {"resourceType": ["VM"], **conditions}, "force": False})
        nodes: list[dict[str, Any]] = data["resources"]["nodes"]
        assert data["resources"]["totalCount"] == len(nodes)
        return nodes


def linked_accounts(node: dict[str, Any]) -> list[str]:
    """Return the other accounts that show the same machine now."""
    return sorted(
        link["resource"]["account"]["name"]
        for link in node["linkedResources"]
        if link["linkType"] == "SAME_MACHINE" and link["linkedUntil"] is None
    )


def fake_account(name: str, fake: Fake, address: str) -> AccountSettings:
    """Return an account at a fake."""
    own = registry.find(fake.vendor).settings_type.model_validate(fake.settings(f"key-of-{name}"))
    return AccountSettings(name=name, vendor=fake.vendor, endpoint=address, own=own)


def aggregate(thing: FakeResource, direct: FakeResource) -> None:
    """Have the aggregator report that its instance runs in the team's own account at the cloud."""
    thing.item |= {"cloud": "lambdalabs", "shade_cloud": False, "cloud_assigned_id": direct.vendor_id}


@asynccontextmanager
async def serve_fleet(folder: Path) -> AsyncIterator[AggregatedFleet]:
    """Serve two machines at the cloud, of which the aggregator rented one, and a machine of the aggregator."""
    direct, aggregator = LambdaFake(Dice(1), 2, 0), ShadeformFake(Dice(2), 2, 0)
    aggregate(next(iter(aggregator.machines.values())), next(iter(direct.machines.values())))
    list(aggregator.machines.values())[1].item |= {"shade_cloud": True}
    async with AsyncExitStack() as stack:
        at_cloud = await stack.enter_async_context(direct.serving())
        at_aggregator = await stack.enter_async_context(aggregator.serving())
        accounts = (
            fake_account("broker", aggregator, at_aggregator),
            fake_account("first", direct, at_cloud),
            fake_account("second", direct, at_cloud),
        )
        gateway = await stack.enter_async_context(serve_accounts(folder, *accounts))
        yield AggregatedFleet(direct, aggregator, gateway)


async def test_lists_show_the_direct_one(tmp_path: Path) -> None:
    """Three resources are one machine, two another, one a third: lists show three, or all six on demand, linked to each other."""
    async with serve_fleet(tmp_path) as fleet:
        shown = await fleet.list_machines()
        everything = await fleet.list_machines(includeDuplicates=True)

    shared, alone = fleet.lambda_fake.machines
    own = list(fleet.shadeform_fake.machines)[1]
    assert {("first", shared), ("first", alone), ("broker", own)} == {
        (node["account"]["name"], node["vendorId"]) for node in shown
    }
    assert 6 == len(everything)
    links = {(node["account"]["name"], node["vendorId"]): linked_accounts(node) for node in everything}
    brokered = next(iter(fleet.shadeform_fake.machines))
    assert {
        ("first", shared): ["broker", "second"],
        ("second", shared): ["broker", "first"],
        ("broker", brokered): ["first", "second"],
        ("first", alone): ["second"],
        ("second", alone): ["first"],
        ("broker", own): [],
    } == links
    assert 6 == len({node["resourceId"] for node in everything}), "each resource has a UUID of its own"


async def test_totals_count_it_once(tmp_path: Path) -> None:
    """They count what lists show."""
    async with serve_fleet(tmp_path) as fleet:
        await fleet.list_machines()
        data = await fleet.gateway.data(LIST, {"filter": {"resourceType": ["VM"]}, "force": False})

    assert 3 == sum(row["count"] for row in data["resourceTotals"])


async def test_a_viewer_of_one_account_sees_that_one(tmp_path: Path) -> None:
    """A viewer who may not see the direct resource sees the other one, and no link to what is not visible."""
    async with serve_fleet(tmp_path) as fleet:
        await fleet.list_machines()
        for name in ("broker", "second", "first"):
            token = make(f"only-{name}", [Permission.READ], [name], fleet.gateway.clock.now())
            await fleet.gateway.gateway.tokens.add(token.record, replace=True)
            async with httpx.AsyncClient(
                base_url=fleet.gateway.client.base_url,
                headers={"Authorization": f"Bearer {token.text}"},
                timeout=PATIENCE_SECONDS,
                trust_env=False,
            ) as client:
                answer = await client.post(
                    "/graphql", json={"query": LIST, "variables": {"filter": {"resourceType": ["VM"]}, "force": False}}
                )
            nodes = answer.json()["data"]["resources"]["nodes"]
            assert [[], []] == [linked_accounts(node) for node in nodes]


async def test_the_link_ends_with_the_direct_resource(tmp_path: Path) -> None:
    """Lists show the other one again; the link is reported as ended, at both ends."""
    async with serve_fleet(tmp_path) as fleet:
        before = {
            (node["account"]["name"], node["vendorId"]): node
            for node in await fleet.list_machines(includeDuplicates=True)
        }
        shared = next(iter(fleet.lambda_fake.machines))
        fleet.lambda_fake.machines[shared].item["status"] = "terminated"
        after = await fleet.list_machines()
        ended = await fleet.gateway.data(
            "query ($filter: ResourceFilter) { resources(filter: $filter, first: 100) { nodes { "
            "account { name } history(first: 50) { nodes { field } } linkedResources(includeEnded: true) "
            "{ linkType linkedUntil } } } }",
            {"filter": {"vendorId": [shared], "includeDeleted": True, "includeDuplicates": True}},
        )

    brokered = next(iter(fleet.shadeform_fake.machines))
    shown = {(node["account"]["name"], node["vendorId"]): node for node in after}
    assert shown["broker", brokered]["resourceId"] == before["broker", brokered]["resourceId"]
    assert [] == linked_accounts(shown["broker", brokered])
    for node in ended["resources"]["nodes"]:
        assert 2 == sum(link["linkedUntil"] is not None for link in node["linkedResources"])
        assert 4 <= sum(entry["field"] == "linkedResources" for entry in node["history"]["nodes"])


async def test_an_account_that_is_no_longer_configured_hides_nothing(tmp_path: Path) -> None:
    """Its resource is left out and the other one is shown; after it is configured again, they are linked again."""
    async with serve_fleet(tmp_path) as fleet:
        await fleet.list_machines()
        store, setups = fleet.gateway.gateway.store, fleet.gateway.gateway.setups
        await store.configure([setup for setup in setups if setup.name != "first"])
        without = await fleet.list_machines()
        await store.configure(list(setups))
        again = await fleet.list_machines()

    shared = next(iter(fleet.lambda_fake.machines))
    assert [["broker"]] == [
        linked_accounts(node) for node in without if (node["account"]["name"], node["vendorId"]) == ("second", shared)
    ]
    assert [["broker", "second"]] == [linked_accounts(node) for node in again if node["vendorId"] == shared]


async def read_totals(folder: Path, fake: Fake, names: Sequence[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the totals, and how many resources are recorded, of a gateway with these accounts."""
    async with fake.serving() as address:
        accounts = (fake_account(name, fake, address) for name in names)
        async with serve_accounts(folder, *accounts) as gateway:
            await gateway.sweep_all()
            totals = await gateway.data(TOTALS)
            everything = await gateway.data(COUNT)
    return totals["resourceTotals"], everything["resources"]["totalCount"]


@pytest.mark.parametrize("vendor", sorted(fakes_by_vendor()))
async def test_totals_count_each_resource_once(vendor: str, tmp_path: Path) -> None:
    """Machines, GPUs, volumes and money are as with one key, and each key has resources of its own."""
    fake = fakes_by_vendor()[vendor](Dice(7), 3, 2)
    folders = [tmp_path / "single", tmp_path / "double"]
    for folder in folders:
        folder.mkdir()
    single, recorded = await read_totals(folders[0], fake, ["people"])
    double, recorded_twice = await read_totals(folders[1], fake, ["people", "ci"])
    assert single[0]["count"] == recorded > 0
    assert (single, 2 * recorded) == (double, recorded_twice)
