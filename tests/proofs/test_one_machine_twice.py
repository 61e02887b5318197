"""One machine seen through two accounts: two records, joined, of which lists and sums show the direct one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from domain.enums import Permission
from supplygraph.auth.tokens import make
from supplygraph.config.settings import AccountSettings
from tests.doubles.fake import Dice, Fake, FakeResource
from tests.doubles.fakes.lambda_cloud import LambdaFake
from tests.doubles.fakes.shadeform import ShadeformFake
from tests.proofs.served import Served, served
from vendors import registry

LIST = """query ($filter: ResourceFilter, $force: Boolean!) {
  resources(filter: $filter, first: 100, freshness: {forceRefresh: $force, maxWaitSeconds: 20}) {
    totalCount
    nodes {
      resourceId vendorId vendor name account { name } pricingTotalHourly
      linkedResources { linkType linkedUntil resource { resourceId account { name } } }
    }
  }
  resourceTotals(filter: $filter) { count }
}"""


@dataclass
class Twice:
    """A team with an aggregator's account, and two keys of the same account at the cloud itself."""

    lambda_fake: LambdaFake
    shadeform_fake: ShadeformFake
    gateway: Served

    async def listed(self, **conditions: Any) -> list[dict[str, Any]]:
        """The machines as a reader of everything sees them; what is there is asked for anew."""
        self.gateway.clock.advance(600)
        told = await self.gateway.data(LIST, {"filter": {"resourceType": ["VM"], **conditions}, "force": False})
        assert told["resources"]["totalCount"] == len(told["resources"]["nodes"])
        nodes: list[dict[str, Any]] = told["resources"]["nodes"]
        return nodes


def same(node: dict[str, Any]) -> list[str]:
    """The accounts that show the same machine now."""
    return sorted(
        link["resource"]["account"]["name"]
        for link in node["linkedResources"]
        if link["linkType"] == "SAME_MACHINE" and link["linkedUntil"] is None
    )


def account(name: str, fake: Fake, address: str) -> AccountSettings:
    """An account at a fake."""
    own = registry.find(fake.vendor).settings_type.model_validate(fake.settings(f"key-of-{name}"))
    return AccountSettings(name=name, vendor=fake.vendor, endpoint=address, own=own)


def aggregate(thing: FakeResource, direct: FakeResource) -> None:
    """Let the aggregator say that its instance runs in the team's own account at the cloud."""
    thing.item |= {"cloud": "lambdalabs", "shade_cloud": False, "cloud_assigned_id": direct.vendor_id}


@asynccontextmanager
async def twice(folder: Path) -> AsyncIterator[Twice]:
    """Two machines at the cloud, of which the aggregator rented one; and one of its own."""
    direct, aggregator = LambdaFake(Dice(1), 2, 0), ShadeformFake(Dice(2), 2, 0)
    aggregate(next(iter(aggregator.machines.values())), next(iter(direct.machines.values())))
    list(aggregator.machines.values())[1].item |= {"shade_cloud": True}
    async with AsyncExitStack() as stack:
        at_cloud = await stack.enter_async_context(direct.serving())
        at_aggregator = await stack.enter_async_context(aggregator.serving())
        accounts = (
            account("broker", aggregator, f"{at_aggregator}"),
            account("first", direct, at_cloud),
            account("second", direct, at_cloud),
        )
        gateway = await stack.enter_async_context(served(folder, *accounts))
        yield Twice(direct, aggregator, gateway)


async def test_lists_show_the_direct_one(tmp_path: Path) -> None:
    """Three records of one machine, two of another, one of a third: three are shown, all six on demand, joined to each other."""
    async with twice(tmp_path) as team:
        shown = await team.listed()
        everything = await team.listed(includeDuplicates=True)

    shared, alone = team.lambda_fake.machines
    own = list(team.shadeform_fake.machines)[1]
    assert {("first", shared), ("first", alone), ("broker", own)} == {
        (node["account"]["name"], node["vendorId"]) for node in shown
    }
    assert 6 == len(everything)
    links = {(node["account"]["name"], node["vendorId"]): same(node) for node in everything}
    brokered = next(iter(team.shadeform_fake.machines))
    assert {
        ("first", shared): ["broker", "second"],
        ("second", shared): ["broker", "first"],
        ("broker", brokered): ["first", "second"],
        ("first", alone): ["second"],
        ("second", alone): ["first"],
        ("broker", own): [],
    } == links
    assert 6 == len({node["resourceId"] for node in everything}), "each record keeps a UUID of its own"


async def test_sums_count_it_once(tmp_path: Path) -> None:
    """Totals are of what lists show."""
    async with twice(tmp_path) as team:
        await team.listed()
        told = await team.gateway.data(LIST, {"filter": {"resourceType": ["VM"]}, "force": False})

    assert 3 == sum(one["count"] for one in told["resourceTotals"])


async def test_a_viewer_of_one_account_sees_that_one(tmp_path: Path) -> None:
    """Whoever may not see the direct record sees the other, and no link to what is not visible."""
    async with twice(tmp_path) as team:
        await team.listed()
        for name, seen in (("broker", 2), ("second", 2), ("first", 2)):
            token = make(f"only-{name}", [Permission.READ], [name], team.gateway.clock.now())
            await team.gateway.gateway.tokens.add(token.record, replace=True)
            async with httpx.AsyncClient(
                base_url=team.gateway.client.base_url,
                headers={"Authorization": f"Bearer {token.text}"},
                trust_env=False,
            ) as client:
                answer = await client.post(
                    "/graphql", json={"query": LIST, "variables": {"filter": {"resourceType": ["VM"]}, "force": False}}
                )
            nodes = answer.json()["data"]["resources"]["nodes"]
            assert (seen, [[]] * seen) == (len(nodes), [same(node) for node in nodes])


async def test_they_part_when_one_goes(tmp_path: Path) -> None:
    """The direct record's end shows the other one again; its link is told as ended, at both ends."""
    async with twice(tmp_path) as team:
        before = {
            (node["account"]["name"], node["vendorId"]): node for node in await team.listed(includeDuplicates=True)
        }
        shared = next(iter(team.lambda_fake.machines))
        team.lambda_fake.machines[shared].item["status"] = "terminated"
        after = await team.listed()
        ended = await team.gateway.data(
            "query ($filter: ResourceFilter) { resources(filter: $filter, first: 100) { nodes { "
            "account { name } history(first: 50) { nodes { field } } linkedResources(includeEnded: true) "
            "{ linkType linkedUntil } } } }",
            {"filter": {"vendorId": [shared], "includeDeleted": True, "includeDuplicates": True}},
        )

    brokered = next(iter(team.shadeform_fake.machines))
    shown = {(node["account"]["name"], node["vendorId"]): node for node in after}
    assert shown["broker", brokered]["resourceId"] == before["broker", brokered]["resourceId"]
    assert [] == same(shown["broker", brokered])
    for node in ended["resources"]["nodes"]:
        assert 2 == sum(link["linkedUntil"] is not None for link in node["linkedResources"])
        assert 4 <= sum(entry["field"] == "linkedResources" for entry in node["history"]["nodes"])


async def test_an_account_that_is_no_longer_configured_hides_nothing(tmp_path: Path) -> None:
    """Its record is left out, and the other one is shown; configured again, they are joined again."""
    async with twice(tmp_path) as team:
        await team.listed()
        store, setups = team.gateway.gateway.store, team.gateway.gateway.setups
        await store.configure([setup for setup in setups if setup.name != "first"])
        without = await team.listed()
        await store.configure(list(setups))
        again = await team.listed()

    shared = next(iter(team.lambda_fake.machines))
    assert [["broker"]] == [
        same(node) for node in without if (node["account"]["name"], node["vendorId"]) == ("second", shared)
    ]
    assert [["broker", "second"]] == [same(node) for node in again if node["vendorId"] == shared]
