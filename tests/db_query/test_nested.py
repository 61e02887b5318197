"""What is nested in a resource: text of any kind, links, offers, history, accounts; whatever the depth and the aliases."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from db.query.sql.json_text import constant
from domain.selection import Selected
from domain.viewer import Viewer
from tests.db_query.queries import FieldChoice, answered, f, root
from tests.db_query.rows import World, ago, uuid_of
from tests.db_query.worlds import TRIED

_STORABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_AWKWARD = "\"\\/\x01\x1f\x7f\b\f\n\r\t\u2028\u2029é\U0001f600\ufeff<>&'"
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


def _everything(depth: int) -> list[FieldChoice | str]:
    """Every field of a resource, and of those it is linked to, so many deep."""
    beyond = [f("resource", *_everything(depth - 1))] if depth > 1 else [f("resource", "name", f("access", "sshPort"))]
    links = "resourceId resourceType name status linkType linkedSince linkedUntil"
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
        f("linkedResources", links, _FRESHNESS, *beyond, includeEnded=True),
        f("history", *_CHANGES, first=2, fields=["name", "status"], since=ago(9000)),
    ]


def _one(world: World, *fields: FieldChoice | str) -> Selected:
    return root("resource", *fields, resourceId=world.resources[0]["resource_id"])


async def _told(world: World, *fields: FieldChoice | str, viewer: Viewer | None = None) -> dict[str, Any]:
    async with world.recorded() as engine:
        told = await (
            answered(engine, _one(world, *fields), viewer) if viewer else answered(engine, _one(world, *fields))
        )
    assert isinstance(told, dict)
    return told


def _machine(**values: Any) -> World:
    world = World()
    world.resource(world.scope(world.account("lab")), **values)
    return world


class TestText:
    """What is recorded is what is told, character by character."""

    async def test_awkward_characters(self) -> None:
        """Quotes, backslashes, control characters, line separators and emoji come through."""
        world = _machine(name=_AWKWARD, image=_AWKWARD, spec_vendor=json.dumps({_AWKWARD: [_AWKWARD]}))
        told = await _told(world, "name", f("spec", "image vendor"))
        assert {"name": _AWKWARD, "spec": {"image": _AWKWARD, "vendor": {_AWKWARD: [_AWKWARD]}}} == told

    @given(name=_STORABLE)
    @TRIED
    async def test_any_text(self, name: str) -> None:
        """Any text without NUL and lone surrogates comes through, and is found by itself."""
        world = _machine(name=name)
        async with world.recorded() as engine:
            told = await answered(engine, root("resources", f("nodes", "name"), filter={"nameContains": name}))
        assert [{"name": name}] == told["nodes"]

    async def test_constants(self) -> None:
        """A constant of ours with an apostrophe stays one text."""
        async with World().recorded() as engine, engine.connect() as connection:
            assert await connection.scalar(select(constant("it's :so %s"))) == "it's :so %s"

    async def test_numbers(self) -> None:
        """Counts are whole, what may have a fraction is a float, unknown is null."""
        world = _machine(
            gpu_count=8, vcpu_count="192.0", memory_gb="0.1", price_text="1e-07", has_access=True, ssh_port=22
        )
        told = await _told(
            world, "pricingTotalHourly", f("spec", "gpuCount vcpuCount memoryGb diskGb"), f("access", "sshPort")
        )
        expected = {
            "pricingTotalHourly": 1e-07,
            "spec": {"gpuCount": 8, "vcpuCount": 192.0, "memoryGb": 0.1, "diskGb": None},
            "access": {"sshPort": 22},
        }
        assert expected == told
        assert isinstance(told["spec"]["vcpuCount"], float)

    async def test_no_access(self) -> None:
        """A machine without access has null, not an object of nulls."""
        assert {"access": None} == await _told(_machine(), f("access", "externalIp"))


class TestShape:
    """The answer has the shape of the selection."""

    async def test_aliases_of_one_field(self) -> None:
        """One field twice with other arguments, selections and keys: each its own."""
        world = _machine()
        machine, scope = world.resources[0], world.scopes[0]
        for number, until in ((1, None), (2, ago(5))):
            world.link(machine, world.resource(scope, number), "MEMBER_OF", linked_until=until)
        for value in range(3):
            world.change(machine, "name", value, value + 1)
        told = await _told(
            world,
            f("linkedResources", f("resourceId", key="other"), key="now"),
            f("linkedResources", "linkType linkedUntil", key="ever", includeEnded=True),
            f("history", f("nodes", "after"), key="short", first=1),
            f("history", f("nodes", "before"), f("nodes", "field", key="also"), key="long", first=3),
            f("name", key="again"),
        )
        assert [{"other": str(uuid_of(1))}] == told["now"]
        assert [
            {"linkType": "MEMBER_OF", "linkedUntil": None},
            {"linkType": "MEMBER_OF", "linkedUntil": ago(5)},
        ] == told["ever"]
        assert {"nodes": [{"after": 1}]} == told["short"]
        assert {"nodes": [{"before": each} for each in range(3)], "also": [{"field": "name"}] * 3} == told["long"]
        assert ["now", "ever", "short", "long", "again"] == list(told)

    async def test_everything_four_deep(self) -> None:
        """The longest walk that is allowed, with every field on the way, for a viewer who sees some accounts only."""
        world = _machine()
        account, scope = world.accounts[0], world.scopes[0]
        volumes = world.scope(account, "VOLUMES")
        world.link(world.resources[0], world.resource(volumes, 1))
        world.link(world.resources[1], world.resource(scope, 2), "MEMBER_OF")
        world.came_from(world.resources[0], 1)
        world.change(world.resources[0], "name", None, "x")
        asked = root("resources", f("nodes", *_everything(4)), f("edges", f("node", *_everything(1))), "totalCount")
        async with world.recorded() as engine:
            told = await answered(engine, asked, Viewer("lab", frozenset(), frozenset({"lab"})))
        node = next(each for each in told["nodes"] if each["resourceId"] == str(uuid_of(0)))
        ids = []
        for _ in range(4):
            ids.append(node["linkedResources"][0]["resourceId"])
            node = node["linkedResources"][0]["resource"]
        assert [str(uuid_of(number)) for number in (1, 0, 1, 0)] == ids
        assert {"name", "access"} == set(node)


class TestLinks:
    """Links and what a viewer sees of them."""

    async def test_an_end_that_the_viewer_may_not_see(self) -> None:
        """It does not exist: no link shows it, and no filter finds by it."""
        world = _machine()
        hidden = world.resource(world.scope(world.account("other")), 1)
        world.link(world.resources[0], hidden, "SAME_MACHINE", linked_since=ago(50))
        viewer = Viewer("lab", frozenset(), frozenset({"lab"}))
        assert {"linkedResources": []} == await _told(world, f("linkedResources", "resourceId"), viewer=viewer)
        found = root("resources", "totalCount", filter={"linkedTo": uuid_of(1), "includeDuplicates": True})
        async with world.recorded() as engine:
            assert {"totalCount": 0} == await answered(engine, found, viewer)
            assert {"totalCount": 1} == await answered(engine, found)

    async def test_open_ones_first(self) -> None:
        """Open links by their age, then those that ended, though they are older."""
        world = _machine()
        for number, since, until in ((1, 900, 5), (2, 100, None), (3, 200, None), (4, 800, 5)):
            times = {"linked_since": ago(since), "linked_until": None if until is None else ago(until)}
            world.link(world.resources[0], world.resource(world.scopes[0], number), "MEMBER_OF", **times)
        told = await _told(world, f("linkedResources", "resourceId", includeEnded=True))
        assert [str(uuid_of(number)) for number in (3, 2, 1, 4)] == [
            link["resourceId"] for link in told["linkedResources"]
        ]

    async def test_an_end_that_is_not_recorded(self) -> None:
        """A link whose other end is not recorded yet is not shown."""
        world = _machine()
        world.link(world.resources[0], {"kind": "VOLUMES", "vendor_id": "later", "resource_id": None})
        world.links.pop()
        assert {"linkedResources": []} == await _told(world, f("linkedResources", "resourceId", includeEnded=True))


class TestOffers:
    """Offer provenance."""

    async def test_in_the_order_of_time(self) -> None:
        """By time, then as it was recorded; the offer's terms beside it."""
        world = _machine()
        for number, created, role in ((1, ago(10), "RETERMED"), (2, ago(90), "OBSERVED"), (3, ago(10), "EXTENSION")):
            world.came_from(world.resources[0], number, created_at=created, role=role)
        told = await _told(world, f("offerHistory", "role", f("offer", "vendorSku priceHourly")))
        assert [("OBSERVED", "sku-2"), ("RETERMED", "sku-1"), ("EXTENSION", "sku-3")] == [
            (entry["role"], entry["offer"]["vendorSku"]) for entry in told["offerHistory"]
        ]
        assert told["offerHistory"][0]["offer"]["priceHourly"] == 1.5


class TestHistory:
    """The history of one resource."""

    def _world(self) -> World:
        world = _machine()
        other = world.resource(world.scopes[0], 1)
        for number in range(5):
            world.change(other, "name", None, "not mine")
            world.change(
                world.resources[0],
                "status" if number % 2 else "name",
                number,
                {"n": number},
                observed_at=ago(50 - number),
            )
        return world

    async def test_pages(self) -> None:
        """Its own changes alone, oldest first, page by page."""
        world, after, walked = self._world(), None, []
        for _ in range(3):
            told = await _told(
                world,
                f("history", f("nodes", "before after"), f("pageInfo", "hasNextPage endCursor"), first=2, after=after),
            )
            walked.extend(told["history"]["nodes"])
            after = told["history"]["pageInfo"]["endCursor"]
            more = told["history"]["pageInfo"]["hasNextPage"]
        assert [{"before": number, "after": {"n": number}} for number in range(5)] == walked
        assert more is False

    async def test_fields_and_since(self) -> None:
        """Only the fields named, only what was observed since."""
        told = await _told(self._world(), f("history", f("nodes", "before"), fields=["name"], since=ago(49)))
        assert [{"before": 2}, {"before": 4}] == told["history"]["nodes"]

    async def test_no_fields(self) -> None:
        """An empty list of fields matches nothing."""
        told = await _told(self._world(), f("history", f("nodes", "before"), fields=[]))
        assert {"nodes": []} == told["history"]


class TestAges:
    """What is as old as the sighting."""

    async def test_synced_is_observed(self) -> None:
        """`lastSyncedAt` and `freshness.observedAt` are one instant, of the scope's sweep; so is a price that it told."""
        world = _machine(pricing_source="VENDOR", price_text="1.0")
        told = await _told(world, "lastSyncedAt pricingAsOf", _FRESHNESS)
        assert ago(10) == told["lastSyncedAt"] == told["pricingAsOf"] == told["freshness"]["observedAt"]
        assert ("FRESH", 10.0, "SWEEP") == tuple(told["freshness"][key] for key in ("state", "ageSeconds", "source"))

    async def test_marked_missing(self) -> None:
        """One that the last listing lacks keeps the age of its own sighting."""
        told = await _told(_machine(missing_since=ago(10), absent_no=5), "lastSyncedAt", _FRESHNESS)
        assert ago(1000) == told["lastSyncedAt"]
        assert ("UNCONFIRMED", "ABSENT", ago(10)) == tuple(
            told["freshness"][key] for key in ("state", "reason", "missingSince")
        )

    async def test_other_prices(self) -> None:
        """A catalogue's price has its own time, and where there is no price there is none."""
        world = _machine(pricing_source="CATALOGUE", price_text="1.0", pricing_as_of=ago(7777))
        assert {"pricingAsOf": ago(7777)} == await _told(world, "pricingAsOf")
        assert {"pricingAsOf": None} == await _told(_machine(), "pricingAsOf")

    async def test_of_a_link(self) -> None:
        """A linked resource tells its own age, by its own scope."""
        world = _machine()
        volumes = world.scope(world.accounts[0], "VOLUMES", swept_at=ago(400), swept_no=2)
        world.link(world.resources[0], world.resource(volumes, 1, seen_no=1))
        told = await _told(world, f("linkedResources", f("freshness", "state observedAt reason")))
        expected = {"state": "STALE", "observedAt": ago(400), "reason": "NOT_DEMANDED"}
        assert [{"freshness": expected}] == told["linkedResources"]
