"""The contract that holds for every vendor when its correct responses are changed.

The players of the fault matrix supply the responses. They are found by scanning.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from domain.enums import ResourceKind, ResourceStatus
from domain.records.observation import SweepOutcome, SweepResult
from tests.matrix.faults import ALL
from tests.matrix.player import JsonPlayer, Player, ReceivedRequest, VendorCall
from tests.matrix.players import players
from tests.vendors.accounts import account
from tests.vendors.loopback import Loopback, answer, loopback
from vendors import registry
from vendors.client.cloud import VendorCloud

SECRET = "S3cret-of-an-answer"
PLANTED: dict[str, Any] = {
    "jupyter_token": SECRET, "jupyter_url": f"https://jupyter.test/?token={SECRET}", "jupyterPassword": SECRET,
    "default_password": SECRET, "adminPass": SECRET, "kvm": SECRET, "env": {"TOKEN": SECRET}, "envs": [{"value": SECRET}],
    "extra_env": {"TOKEN": SECRET}, "onstart": f"export TOKEN={SECRET}", "user_data": SECRET, "password": SECRET,
    "launch_configuration": {"script_configuration": {"base64_script": SECRET}},
}  # fmt: skip
"""Fields that vendors are known to put next to the ones that are read."""
UNDOCUMENTED = "undocumented-status"
STATUS_FIELDS = frozenset({"status", "state", "actual_status"})

pytestmark = pytest.mark.parametrize("name", registry.names())
Change = Callable[[Any], Any]


def unchanged(value: Any) -> Any:
    """Return the value unchanged."""
    return value


@dataclass
class DoubleAccount:
    """One account at a double that answers like the vendor's player, with a change."""

    cloud: VendorCloud
    player: Player
    server: Loopback
    numbers: Sequence[int]

    @property
    def calls(self) -> list[VendorCall]:
        """The calls that were sent. A path that the player does not know raises an error."""
        return [self.player.call(ReceivedRequest.parse(request)) for request in self.server.requests]

    async def sweeps(self) -> dict[ResourceKind, SweepResult]:
        """Sweep the first scope of each kind."""
        return {kind: await self.cloud.sweep(kind, self.region(kind)) for kind in ResourceKind}

    def region(self, kind: ResourceKind) -> str | None:
        """Return the first region."""
        return next(region for scope_kind, region in self.cloud.scopes if scope_kind is kind)

    def ids(self, kind: ResourceKind) -> set[str]:
        """Return the ids of everything that the player lists."""
        return {self.player.vendor_id(kind, number) for number in self.numbers}


@asynccontextmanager
async def changed_account(
    name: str, change: Change = unchanged, xml: Callable[[str], str] = unchanged, numbers: Sequence[int] = ALL
) -> AsyncIterator[DoubleAccount]:
    """Yield an account whose responses are changed: the decoded JSON, or the text of XML."""
    player = players()[name]

    async def reply(writer: Any) -> bool:
        body = player.answer(player.call(ReceivedRequest.parse(server.requests[-1])), numbers)
        if player.media.startswith("application/json"):
            body = json.dumps(change(json.loads(body))).encode()
        else:
            body = xml(body.decode()).encode()
        return await answer(body, headers={"content-type": player.media})(writer)

    async with loopback(reply) as server, account(name, player.settings("S3cret-key"), server.address) as cloud:
        yield DoubleAccount(cloud, player, server, numbers)


def change_objects(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return the value with every object in it changed."""
    if isinstance(value, dict):
        return change({key: change_objects(member, change) for key, member in value.items()})
    return [change_objects(item, change) for item in value] if isinstance(value, list) else value


async def test_secrets_are_not_read(name: str) -> None:
    """Tokens, passwords, environments and scripts planted in every object of every response reach no observation."""

    def plant(fields: dict[str, Any]) -> dict[str, Any]:
        return {**PLANTED, **fields} if fields else fields

    xml = f"<userData>{SECRET}</userData><adminPass>{SECRET}</adminPass></item>"
    async with changed_account(
        name, lambda value: change_objects(value, plant), lambda text: text.replace("</item>", xml)
    ) as lab:
        results = await lab.sweeps()
        probes = [
            await lab.cloud.probe(kind, lab.region(kind), lab.player.vendor_id(kind, 1))
            for kind in ResourceKind
            if lab.cloud.probes(kind)
        ]

    for kind, result in results.items():
        assert (SweepOutcome.COMPLETE, lab.ids(kind)) == (
            result.outcome,
            {observation.vendor_id for observation in result.observations},
        )
    assert {"found"} >= {probe.outcome for probe in probes}
    assert SECRET not in repr((results, probes))


async def test_undocumented_status(name: str) -> None:
    """A status that no map contains reads UNKNOWN, and the vendor's text is recorded."""

    def rename(fields: dict[str, Any]) -> dict[str, Any]:
        statuses = {key: UNDOCUMENTED for key in STATUS_FIELDS & fields.keys() if isinstance(fields[key], str)}
        return fields | statuses

    async with changed_account(
        name,
        lambda value: change_objects(value, rename),
        lambda text: text.replace("<name>running<", f"<name>{UNDOCUMENTED}<"),
    ) as lab:
        result = (await lab.sweeps())[ResourceKind.MACHINES]

    assert SweepOutcome.COMPLETE is result.outcome
    assert {(ResourceStatus.UNKNOWN, UNDOCUMENTED)} == {(one.status, one.vendor_status) for one in result.observations}


def field_names(player: Player) -> list[str]:
    """Return the field names of the vendor's items, except ids and cursors."""
    if isinstance(player, JsonPlayer):
        return sorted({field for kind in ResourceKind for field in player.item(kind, 1)} - {"id"})
    text = "".join(player.page(kind, ALL, None).decode() for kind in ResourceKind)
    return sorted(set(re.findall(r"<(\w+)>[^<]+</\1>", text)) - {"instanceId", "volumeId", "nextToken"})


def without(player: Player, field: str) -> tuple[Change, Callable[[str], str]]:
    """Return changes that remove the field from every item."""
    ids = {player.vendor_id(kind, number) for kind in ResourceKind for number in ALL}

    def remove(item: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in item.items() if key != field} if str(item.get("id")) in ids else item

    return partial(change_objects, change=remove), partial(re.sub, rf"<{field}>[^<]+</{field}>", "")


async def test_missing_fields(name: str) -> None:
    """Any field of an item except its id may be missing: the item is observed, and the listing is complete."""
    for field in field_names(players()[name]):
        # One page: some vendors limit the pace of a listing's calls.
        async with changed_account(name, *without(players()[name], field), numbers=ALL[:2]) as lab:
            results = await lab.sweeps()
        for kind, result in results.items():
            assert (field, SweepOutcome.COMPLETE) == (field, result.outcome)
            assert (field, lab.ids(kind)) == (field, {one.vendor_id for one in result.observations})


@pytest.mark.parametrize("count", [0, 400])
async def test_account_sizes(name: str, count: int) -> None:
    """An empty account takes the minimal number of calls. Hundreds of resources are listed once each. All calls are counted."""
    async with changed_account(name, numbers=range(1, count + 1)) as lab:
        results = await lab.sweeps()

    assert len(lab.server.requests) == sum(result.calls for result in results.values())
    for kind, result in results.items():
        ids = [one.vendor_id for one in result.observations]
        assert (SweepOutcome.COMPLETE, lab.ids(kind), count) == (result.outcome, set(ids), len(ids))
        assert count or lab.cloud.sweep_calls(kind) == result.calls


async def test_only_reading_calls_are_sent(name: str) -> None:
    """Sweeps and probes only read, at the account's own address, with paths that the double knows; their calls are counted."""
    async with changed_account(name) as lab:
        results = await lab.sweeps()
        sweep_requests = len(lab.server.requests)
        for kind in ResourceKind:
            await lab.cloud.probe(kind, lab.region(kind), lab.player.vendor_id(kind, 1))

    assert sweep_requests == sum(result.calls for result in results.values())
    assert len(lab.calls) == len(lab.server.requests), "every path is one that the player knows"
    for request in lab.server.requests:
        head, _, body = request.decode().partition("\r\n\r\n")
        assert head.startswith("GET ") or "Action=Describe" in body
        assert lab.server.address.removeprefix("http://") in head
    probed_kinds = [call.kind for call in lab.calls if call.what == "probe"]
    assert [kind for kind in ResourceKind if lab.cloud.probes(kind)] == probed_kinds
