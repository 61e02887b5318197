"""The fields of a resource: texts, numbers, links, offers, history and ages, at any depth and with aliases."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from db.query.sql.json_text import constant
from domain.selection import Selected
from domain.viewer import Viewer
from tests.db_query.support.queries import FieldChoice, f, fetch, root
from tests.db_query.support.rows import RowWorld, ago, uuid_of
from tests.db_query.support.strategies import FEW_EXAMPLES

_STORABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_SPECIAL = "\"\\/\x01\x1f\x7f\b\f\n\r\t\u2028\u2029é\U0001f600\ufeff<>&'"
_RESOURCE_LEAVES = (
    "id resourceId resourceType vendor vendorRegion vendorId name status vendorStatus statusMessage pricingTotalHourly "
    "currency pricingSource pricingAsOf validFrom validTo lastSyncedAt createdAt firstSeenAt"
)
_FRESHNESS = f("freshness", "state observedAt ageSeconds source reason missingSince")
_CHANGES = (
    f("nodes", "field before after observedAt source", f("resource", "name", f("access", "sshPort"))),
    f("edges", "cursor", f("node", "field")),
    f("pageInfo", "hasNextPage hasPreviousPage startCursor endCursor"),
)


def _all_fields(depth: int) -> list[FieldChoice | str]:
    """Return every field of a resource, and of the resources up to `depth` links away."""
    linked = [f("resource", *_all_fields(depth - 1))] if depth > 1 else [f("resource", "name", f("access", "sshPort"))]
    link_leaves = "resourceId resourceType name status linkType linkedSince linkedUntil"
    return [
        _RESOURCE_LEAVES,
        _FRESHNESS,
        f(
            "account",
            "name vendor state lastError",
            f("scopes", "kind region sweptAt resourceCount state reason nextAllowedAt"),
        ),
        f("access", "externalIp internalIp sshCommand sshPort"),
        f("spec", "gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor"),
        f(
            "offerHistory",
            "offerId offerType role createdAt",
            f("offer", "contractType vendorSku priceHourly currency"),
        ),
        f("linkedResources", link_leaves, _FRESHNESS, *linked, includeEnded=True),
        f("history", *_CHANGES, first=2, fields=["name", "status"], since=ago(9000)),
    ]


def _first_resource(world: RowWorld, *fields: FieldChoice | str) -> Selected:
    return root("resource", *fields, resourceId=world.resources[0]["resource_id"])


async def _fetch_resource(world: RowWorld, *fields: FieldChoice | str, viewer: Viewer | None = None) -> dict[str, Any]:
    """Return the first resource of a world."""
    field = _first_resource(world, *fields)
    async with world.database() as engine:
        resource = await (fetch(engine, field, viewer) if viewer else fetch(engine, field))
    assert isinstance(resource, dict)
    return resource


def _machine(**values: Any) -> RowWorld:
    world = RowWorld()
    world.add_resource(world.add_scope(world.add_account("lab")), **values)
    return world


class TestScalarFields:
    """Answers contain the recorded texts and numbers unchanged."""

    async def test_special_characters(self) -> None:
        """Quotes, backslashes, control characters, line separators and emoji are returned unchanged."""
        world = _machine(name=_SPECIAL, image=_SPECIAL, spec_vendor=json.dumps({_SPECIAL: [_SPECIAL]}))
        resource = await _fetch_resource(world, "name", f("spec", "image vendor"))
        assert {"name": _SPECIAL, "spec": {"image": _SPECIAL, "vendor": {_SPECIAL: [_SPECIAL]}}} == resource

    @given(name=_STORABLE)
    @FEW_EXAMPLES
    async def test_any_text(self, name: str) -> None:
        """Any text without NUL and lone surrogates is returned unchanged, and the filter finds it."""
        world = _machine(name=name)
        async with world.database() as engine:
            page = await fetch(engine, root("resources", f("nodes", "name"), filter={"nameContains": name}))
        assert [{"name": name}] == page["nodes"]

    async def test_constants(self) -> None:
        """Apostrophes and placeholders in a constant are not interpreted."""
        async with RowWorld().database() as engine, engine.connect() as connection:
            assert await connection.scalar(select(constant("it's :so %s"))) == "it's :so %s"

    async def test_numbers(self) -> None:
        """Counts are integers, numbers that may have a fraction are floats, and unknown numbers are null."""
        world = _machine(
            gpu_count=8, vcpu_count="192.0", memory_gb="0.1", price_text="1e-07", has_access=True, ssh_port=22
        )
        resource = await _fetch_resource(
            world, "pricingTotalHourly", f("spec", "gpuCount vcpuCount memoryGb diskGb"), f("access", "sshPort")
        )
        expected = {
            "pricingTotalHourly": 1e-07,
            "spec": {"gpuCount": 8, "vcpuCount": 192.0, "memoryGb": 0.1, "diskGb": None},
            "access": {"sshPort": 22},
        }
        assert expected == resource
        assert isinstance(resource["spec"]["vcpuCount"], float)

    async def test_no_access(self) -> None:
        """`access` of a machine without access is null, not an object of nulls."""
        assert {"access": None} == await _fetch_resource(_machine(), f("access", "externalIp"))


class TestSelectionShape:
    """The answer has the shape of the selection."""

    async def test_aliases_of_one_field(self) -> None:
        """A field that is selected twice, with different arguments and keys, has two answers."""
        world = _machine()
        machine, scope = world.resources[0], world.scopes[0]
        for number, until in ((1, None), (2, ago(5))):
            world.add_link(machine, world.add_resource(scope, number), "MEMBER_OF", linked_until=until)
        for value in range(3):
            world.add_change(machine, "name", value, value + 1)
        resource = await _fetch_resource(
            world,
            f("linkedResources", f("resourceId", key="other"), key="now"),
            f("linkedResources", "linkType linkedUntil", key="ever", includeEnded=True),
            f("history", f("nodes", "after"), key="short", first=1),
            f("history", f("nodes", "before"), f("nodes", "field", key="also"), key="long", first=3),
            f("name", key="again"),
        )
        assert [{"other": str(uuid_of(1))}] == resource["now"]
        assert [
            {"linkType": "MEMBER_OF", "linkedUntil": None},
            {"linkType": "MEMBER_OF", "linkedUntil": ago(5)},
        ] == resource["ever"]
        assert {"nodes": [{"after": 1}]} == resource["short"]
        assert {"nodes": [{"before": value} for value in range(3)], "also": [{"field": "name"}] * 3} == resource["long"]
        assert ["now", "ever", "short", "long", "again"] == list(resource)

    async def test_all_fields_of_four_linked_resources(self) -> None:
        """The longest path of links that is allowed, with every field on the way, for a restricted viewer."""
        world = _machine()
        account, scope = world.accounts[0], world.scopes[0]
        volumes = world.add_scope(account, "VOLUMES")
        world.add_link(world.resources[0], world.add_resource(volumes, 1))
        world.add_link(world.resources[1], world.add_resource(scope, 2), "MEMBER_OF")
        world.add_provenance(world.resources[0], 1)
        world.add_change(world.resources[0], "name", None, "x")
        field = root("resources", f("nodes", *_all_fields(4)), f("edges", f("node", *_all_fields(1))), "totalCount")
        async with world.database() as engine:
            page = await fetch(engine, field, Viewer("lab", frozenset(), frozenset({"lab"})))
        node = next(node for node in page["nodes"] if node["resourceId"] == str(uuid_of(0)))
        ids = []
        for _ in range(4):
            ids.append(node["linkedResources"][0]["resourceId"])
            node = node["linkedResources"][0]["resource"]
        assert [str(uuid_of(number)) for number in (1, 0, 1, 0)] == ids
        assert {"name", "access"} == set(node)


class TestLinkedResources:
    """Links, and which of them a viewer sees."""

    async def test_links_to_invisible_resources_are_left_out(self) -> None:
        """Neither the list of links nor the filter `linkedTo` reveals a resource that the viewer may not see."""
        world = _machine()
        hidden = world.add_resource(world.add_scope(world.add_account("other")), 1)
        world.add_link(world.resources[0], hidden, "SAME_MACHINE", linked_since=ago(50))
        viewer = Viewer("lab", frozenset(), frozenset({"lab"}))
        assert {"linkedResources": []} == await _fetch_resource(
            world, f("linkedResources", "resourceId"), viewer=viewer
        )
        field = root("resources", "totalCount", filter={"linkedTo": uuid_of(1), "includeDuplicates": True})
        async with world.database() as engine:
            assert {"totalCount": 0} == await fetch(engine, field, viewer)
            assert {"totalCount": 1} == await fetch(engine, field)

    async def test_open_links_come_first(self) -> None:
        """Open links are ordered by age. Ended links follow, even if they are older."""
        world = _machine()
        for number, since, until in ((1, 900, 5), (2, 100, None), (3, 200, None), (4, 800, 5)):
            times = {"linked_since": ago(since), "linked_until": None if until is None else ago(until)}
            world.add_link(world.resources[0], world.add_resource(world.scopes[0], number), "MEMBER_OF", **times)
        resource = await _fetch_resource(world, f("linkedResources", "resourceId", includeEnded=True))
        assert [str(uuid_of(number)) for number in (3, 2, 1, 4)] == [
            link["resourceId"] for link in resource["linkedResources"]
        ]

    async def test_links_to_unrecorded_resources_are_left_out(self) -> None:
        """A link is shown only when the resource at its other end is recorded."""
        world = _machine()
        world.add_link(world.resources[0], {"kind": "VOLUMES", "vendor_id": "later", "resource_id": None})
        world.links.pop()
        assert {"linkedResources": []} == await _fetch_resource(
            world, f("linkedResources", "resourceId", includeEnded=True)
        )


class TestOfferHistory:
    """The offers from which a resource came."""

    async def test_offers_are_ordered_by_time(self) -> None:
        """Equal times are ordered as they were recorded. The terms of the offer are included."""
        world = _machine()
        for number, created, role in ((1, ago(10), "RETERMED"), (2, ago(90), "OBSERVED"), (3, ago(10), "EXTENSION")):
            world.add_provenance(world.resources[0], number, created_at=created, role=role)
        resource = await _fetch_resource(world, f("offerHistory", "role", f("offer", "vendorSku priceHourly")))
        assert [("OBSERVED", "sku-2"), ("RETERMED", "sku-1"), ("EXTENSION", "sku-3")] == [
            (entry["role"], entry["offer"]["vendorSku"]) for entry in resource["offerHistory"]
        ]
        assert resource["offerHistory"][0]["offer"]["priceHourly"] == 1.5


class TestResourceHistory:
    """The history of one resource."""

    def _world(self) -> RowWorld:
        world = _machine()
        other = world.add_resource(world.scopes[0], 1)
        for number in range(5):
            world.add_change(other, "name", None, "not mine")
            world.add_change(
                world.resources[0],
                "status" if number % 2 else "name",
                number,
                {"n": number},
                observed_at=ago(50 - number),
            )
        return world

    async def test_pages(self) -> None:
        """The pages contain the changes of this resource only, oldest first."""
        world, after, nodes = self._world(), None, []
        for _ in range(3):
            resource = await _fetch_resource(
                world,
                f("history", f("nodes", "before after"), f("pageInfo", "hasNextPage endCursor"), first=2, after=after),
            )
            nodes.extend(resource["history"]["nodes"])
            after = resource["history"]["pageInfo"]["endCursor"]
            has_next = resource["history"]["pageInfo"]["hasNextPage"]
        assert [{"before": number, "after": {"n": number}} for number in range(5)] == nodes
        assert has_next is False

    async def test_fields_and_since(self) -> None:
        """Both arguments restrict the history."""
        resource = await _fetch_resource(
            self._world(), f("history", f("nodes", "before"), fields=["name"], since=ago(49))
        )
        assert [{"before": 2}, {"before": 4}] == resource["history"]["nodes"]

    async def test_no_fields(self) -> None:
        """An empty list of fields matches nothing."""
        resource = await _fetch_resource(self._world(), f("history", f("nodes", "before"), fields=[]))
        assert {"nodes": []} == resource["history"]


class TestAges:
    """Fields that say when a value was observed."""

    async def test_last_synced_at_is_observed_at(self) -> None:
        """`lastSyncedAt`, `freshness.observedAt` and the time of a reported price are that of the scope's sweep."""
        world = _machine(pricing_source="VENDOR", price_text="1.0")
        resource = await _fetch_resource(world, "lastSyncedAt pricingAsOf", _FRESHNESS)
        freshness = resource["freshness"]
        assert ago(10) == resource["lastSyncedAt"] == resource["pricingAsOf"] == freshness["observedAt"]
        assert ("FRESH", 10.0, "SWEEP") == tuple(freshness[key] for key in ("state", "ageSeconds", "source"))

    async def test_missing_resource(self) -> None:
        """A resource that is not in the last listing has the age of its own sighting."""
        resource = await _fetch_resource(_machine(missing_since=ago(10), absent_no=5), "lastSyncedAt", _FRESHNESS)
        assert ago(1000) == resource["lastSyncedAt"]
        assert ("UNCONFIRMED", "ABSENT", ago(10)) == tuple(
            resource["freshness"][key] for key in ("state", "reason", "missingSince")
        )

    async def test_each_resource_of_a_list_has_its_own_age(self) -> None:
        """The listing saw the first resource but not the second one."""
        world = _machine()
        world.add_resource(world.scopes[0], 1, missing_since=ago(10), created_at=ago(9000))
        async with world.database() as engine:
            page = await fetch(engine, root("resources", f("nodes", "lastSyncedAt")))
        assert [{"lastSyncedAt": ago(10)}, {"lastSyncedAt": ago(1000)}] == page["nodes"]

    async def test_prices_of_other_sources(self) -> None:
        """A price from a price list has the time of that list. Without a price there is no time."""
        world = _machine(pricing_source="CATALOGUE", price_text="1.0", pricing_as_of=ago(7777))
        assert {"pricingAsOf": ago(7777)} == await _fetch_resource(world, "pricingAsOf")
        assert {"pricingAsOf": None} == await _fetch_resource(_machine(), "pricingAsOf")

    async def test_linked_resource(self) -> None:
        """The age of a linked resource depends on its own scope."""
        world = _machine()
        volumes = world.add_scope(world.accounts[0], "VOLUMES", swept_at=ago(400), swept_no=2)
        world.add_link(world.resources[0], world.add_resource(volumes, 1, seen_no=1))
        resource = await _fetch_resource(world, f("linkedResources", f("freshness", "state observedAt reason")))
        expected = {"state": "STALE", "observedAt": ago(400), "reason": "NOT_DEMANDED"}
        assert [{"freshness": expected}] == resource["linkedResources"]
