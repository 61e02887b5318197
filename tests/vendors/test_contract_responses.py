"""What holds for every vendor over its own sound answers, changed. The players of the fault matrix give them, by scanning."""

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
from tests.matrix.player import Asked, Call, JsonPlayer, Player
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
"""What vendors are known to put beside what one asks for."""
TOMORROW = "a-word-of-tomorrow"
STATUS_WORDS = frozenset({"status", "state", "actual_status"})

pytestmark = pytest.mark.parametrize("name", registry.names())
Change = Callable[[Any], Any]


def same(told: Any) -> Any:
    """No change."""
    return told


@dataclass
class Account:
    """One account at a double that answers as the vendor's player does, with a change."""

    cloud: VendorCloud
    player: Player
    server: Loopback
    numbers: Sequence[int]

    @property
    def calls(self) -> list[Call]:
        """What was asked; a path that the player does not know raises."""
        return [self.player.call(Asked.parse(request)) for request in self.server.requests]

    async def sweeps(self) -> dict[ResourceKind, SweepResult]:
        """One sweep of the first scope of each kind."""
        return {kind: await self.cloud.sweep(kind, self.region(kind)) for kind in ResourceKind}

    def region(self, kind: ResourceKind) -> str | None:
        """The first."""
        return next(region for one, region in self.cloud.scopes if one is kind)

    def ids(self, kind: ResourceKind) -> set[str]:
        """Of everything that the player lists."""
        return {self.player.vendor_id(kind, number) for number in self.numbers}


@asynccontextmanager
async def changed(
    name: str, change: Change = same, xml: Callable[[str], str] = same, numbers: Sequence[int] = ALL
) -> AsyncIterator[Account]:
    """Answer with a change to the decoded JSON, or to the text of XML."""
    player = players()[name]

    async def reply(writer: Any) -> bool:
        body = player.answer(player.call(Asked.parse(server.requests[-1])), numbers)
        if player.media.startswith("application/json"):
            body = json.dumps(change(json.loads(body))).encode()
        else:
            body = xml(body.decode()).encode()
        return await answer(body, headers={"content-type": player.media})(writer)

    async with loopback(reply) as server, account(name, player.settings("S3cret-key"), server.address) as cloud:
        yield Account(cloud, player, server, numbers)


def everywhere(told: Any, each: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The same, with every object in it changed."""
    if isinstance(told, dict):
        return each({key: everywhere(value, each) for key, value in told.items()})
    return [everywhere(one, each) for one in told] if isinstance(told, list) else told


async def test_nothing_is_taken_that_is_not_named(name: str) -> None:
    """Tokens, passwords, environments and scripts planted in every object of every answer reach no observation."""

    def plant(told: dict[str, Any]) -> dict[str, Any]:
        return {**PLANTED, **told} if told else told

    xml = f"<userData>{SECRET}</userData><adminPass>{SECRET}</adminPass></item>"
    async with changed(name, lambda told: everywhere(told, plant), lambda text: text.replace("</item>", xml)) as lab:
        swept = await lab.sweeps()
        probes = [
            await lab.cloud.probe(kind, lab.region(kind), lab.player.vendor_id(kind, 1))
            for kind in ResourceKind
            if lab.cloud.probes(kind)
        ]

    for kind, result in swept.items():
        assert (SweepOutcome.COMPLETE, lab.ids(kind)) == (
            result.outcome,
            {one.vendor_id for one in result.observations},
        )
    assert {"found"} >= {one.outcome for one in probes}
    assert SECRET not in repr((swept, probes))


async def test_a_word_of_tomorrow_is_kept_and_unknown(name: str) -> None:
    """A status that no map knows is data."""

    def rename(told: dict[str, Any]) -> dict[str, Any]:
        words = {key: TOMORROW for key in STATUS_WORDS & told.keys() if isinstance(told[key], str)}
        return told | words

    async with changed(
        name, lambda told: everywhere(told, rename), lambda text: text.replace("<name>running<", f"<name>{TOMORROW}<")
    ) as lab:
        result = (await lab.sweeps())[ResourceKind.MACHINES]

    assert SweepOutcome.COMPLETE is result.outcome
    assert {(ResourceStatus.UNKNOWN, TOMORROW)} == {(one.status, one.vendor_status) for one in result.observations}


def fields(player: Player) -> list[str]:
    """The fields of the vendor's items, without what names an item or a page."""
    if isinstance(player, JsonPlayer):
        return sorted({field for kind in ResourceKind for field in player.item(kind, 1)} - {"id"})
    told = "".join(player.page(kind, ALL, None).decode() for kind in ResourceKind)
    return sorted(set(re.findall(r"<(\w+)>[^<]+</\1>", told)) - {"instanceId", "volumeId", "nextToken"})


def without(player: Player, gone: str) -> tuple[Change, Callable[[str], str]]:
    """Answers in which no item has the field."""
    ids = {player.vendor_id(kind, number) for kind in ResourceKind for number in ALL}

    def left(told: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in told.items() if key != gone} if str(told.get("id")) in ids else told

    return partial(everywhere, each=left), partial(re.sub, rf"<{gone}>[^<]+</{gone}>", "")


async def test_a_missing_field_is_not_told(name: str) -> None:
    """Any field of an item but its id may be missing: the item stays, and so does the listing."""
    for field in fields(players()[name]):
        # One page: some vendors pace the calls of a listing.
        async with changed(name, *without(players()[name], field), numbers=ALL[:2]) as lab:
            swept = await lab.sweeps()
        for kind, result in swept.items():
            assert (field, SweepOutcome.COMPLETE) == (field, result.outcome)
            assert (field, lab.ids(kind)) == (field, {one.vendor_id for one in result.observations})


@pytest.mark.parametrize("count", [0, 400])
async def test_accounts_of_any_size(name: str, count: int) -> None:
    """Nothing, by the least number of calls; and hundreds of each, page by page: all of them once, and every call told."""
    async with changed(name, numbers=range(1, count + 1)) as lab:
        swept = await lab.sweeps()

    assert len(lab.server.requests) == sum(result.calls for result in swept.values())
    for kind, result in swept.items():
        ids = [one.vendor_id for one in result.observations]
        assert (SweepOutcome.COMPLETE, lab.ids(kind), count) == (result.outcome, set(ids), len(ids))
        assert count or lab.cloud.sweep_calls(kind) == result.calls


async def test_only_what_lists_is_called(name: str) -> None:
    """Sweeps and probes only read, at the account's own address, by paths that the double knows; their calls are counted."""
    async with changed(name) as lab:
        swept = await lab.sweeps()
        sent = len(lab.server.requests)
        for kind in ResourceKind:
            await lab.cloud.probe(kind, lab.region(kind), lab.player.vendor_id(kind, 1))

    assert sent == sum(result.calls for result in swept.values())
    assert len(lab.calls) == len(lab.server.requests), "every path is one that the player knows"
    for request in lab.server.requests:
        head, _, body = request.decode().partition("\r\n\r\n")
        assert head.startswith("GET ") or "Action=Describe" in body
        assert lab.server.address.removeprefix("http://") in head
    probed = [call.kind for call in lab.calls if call.what == "probe"]
    assert [kind for kind in ResourceKind if lab.cloud.probes(kind)] == probed
