"""Sweeps and probes: how they end, over a vendor of no care and real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from domain.enums import ResourceKind, StaleReason
from domain.records.observation import SweepOutcome, SweepResult
from tests.clock import ManualClock
from tests.vendors.accounts import QUICK, SECRET
from tests.vendors.loopback import Loopback, Reply, answer, endless, loopback, trickling
from tests.vendors.toy import Toy, ToySettings
from vendors.base import ApiKey
from vendors.client.cloud import VendorCloud
from vendors.client.transport import Transport

MACHINES, VOLUMES = ResourceKind.MACHINES, ResourceKind.VOLUMES
REFUSED = answer(b"no", 404)


def page(*ids: str, **more: Any) -> Reply:
    """One page of the toy's."""
    return answer(json.dumps({"ids": ids, **more}).encode())


def toy(key: str = SECRET) -> Toy:
    """The vendor."""
    return Toy(ToySettings(credentials=ApiKey.model_validate({"api_key": key})))


@asynccontextmanager
async def cloud_over(*script: Reply, page_limit: int = 1000) -> AsyncIterator[tuple[VendorCloud, Loopback]]:
    """An account whose vendor answers by a script."""
    async with loopback(*script) as server:
        vendor = toy()

        def base_url(region: str | None) -> str:
            return server.address

        transport = Transport(
            "lab", base_url, vendor.authorize, vendor.read_failure, clock=ManualClock(), secrets=(SECRET,), limits=QUICK
        )
        cloud = VendorCloud("lab", vendor, transport, clock=ManualClock(), page_limit=page_limit)
        try:
            yield cloud, server
        finally:
            await cloud.close()


async def sweep(*script: Reply, kind: ResourceKind = MACHINES, page_limit: int = 1000) -> SweepResult:
    """One sweep of a script."""
    async with cloud_over(*script, page_limit=page_limit) as (cloud, _):
        return await cloud.sweep(kind, None)


def ids(result: SweepResult) -> list[str]:
    """What was seen."""
    return [one.vendor_id for one in result.observations]


def reason(result: SweepResult) -> StaleReason | None:
    """Why it did not tell everything."""
    return result.problem.reason if result.problem else None


async def test_every_page_of_every_listing() -> None:
    """Pages are followed by their cursors, listings one after the other, and everything is counted."""
    script = (page("a", next="1", dropped=2), page("b", dropped=1), page("c"))
    async with cloud_over(*script) as (cloud, server):
        result = await cloud.sweep(MACHINES, None)
        paths = [request.split(b" ")[1] for request in server.requests]

    assert [b"/small", b"/small?after=1", b"/large"] == paths
    assert (SweepOutcome.COMPLETE, None, 3, 3) == (result.outcome, result.problem, result.calls, result.dropped)
    assert ["a", "b", "c"] == ids(result)


async def test_nothing_at_all_is_complete() -> None:
    """An empty listing that ended well."""
    assert (SweepOutcome.COMPLETE, ()) == ((empty := await sweep(page())).outcome, empty.observations)


async def test_the_same_id_told_twice() -> None:
    """The last one wins."""
    result = await sweep(page("a:old", "b", next="1"), page("a:new"), page())

    assert {"a": "new", "b": None} == {one.vendor_id: one.name for one in result.observations}


@pytest.mark.parametrize(
    ("script", "outcome", "seen"),
    [
        ((REFUSED,), SweepOutcome.FAILED, []),
        ((page("a", next="1"), REFUSED), SweepOutcome.PARTIAL, ["a"]),
        ((page("a"), REFUSED), SweepOutcome.PARTIAL, ["a"]),
        ((page(), REFUSED), SweepOutcome.PARTIAL, []),
        ((page("a", next="1"), answer(b'{"ids":')), SweepOutcome.PARTIAL, ["a"]),
        ((page("a", next="1"), answer(b"{}")), SweepOutcome.PARTIAL, ["a"]),
    ],
)
async def test_how_a_failing_sweep_ends(script: tuple[Reply, ...], outcome: SweepOutcome, seen: list[str]) -> None:
    """Failed where nothing was read; else partial, with what was seen and the failure's own reason."""
    result = await sweep(*script)

    assert (outcome, seen, StaleReason.MALFORMED_ANSWER) == (result.outcome, ids(result), reason(result))


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [
        ([("ab", 3), ("c", 3)], SweepOutcome.COMPLETE),
        ([("", 0)], SweepOutcome.COMPLETE),
        ([("ab", 3), ("bc", 3)], SweepOutcome.COMPLETE),
        ([("ab", 3), ("d", 2)], SweepOutcome.PARTIAL),
        ([("ab", 3), ("b", 3)], SweepOutcome.PARTIAL),
        ([("ab", 3), ("", 3)], SweepOutcome.PARTIAL),
        ([("ab", 3), ("cd", 3)], SweepOutcome.PARTIAL),
        ([("ab", 3), ("cd", 4)], SweepOutcome.PARTIAL),
        ([("ab", 2), ("c", None)], SweepOutcome.PARTIAL),
        ([("ab", None), ("c", 3)], SweepOutcome.COMPLETE),
    ],
)
async def test_a_listing_that_tells_its_size(pages: list[tuple[str, int | None]], outcome: SweepOutcome) -> None:
    """It is whole if every page told the same size and so many different ids came; else partial, and all seen is kept."""
    *firsts, last = pages
    script = [page(*letters, total=total, next=letters) for letters, total in firsts]
    result = await sweep(*script, page(*last[0], total=last[1]), kind=VOLUMES)

    assert (outcome, sorted({*"".join(letters for letters, _ in pages)})) == (result.outcome, sorted(ids(result)))
    assert (None if outcome is SweepOutcome.COMPLETE else StaleReason.PARTIAL_SWEEP) is reason(result)


async def test_each_listing_is_counted_by_itself() -> None:
    """The size that one listing tells says nothing of another's."""
    result = await sweep(page("a", "b", total=2), page("b", total=1))

    assert (SweepOutcome.COMPLETE, ["a", "b"]) == (result.outcome, ids(result))


async def test_a_cursor_that_repeats() -> None:
    """The listing is left as partial instead of being read for ever."""
    result = await sweep(page("a", next="1"), page("b", next="2"), page("c", next="1"), page("never"))

    assert (SweepOutcome.PARTIAL, ["a", "b", "c"], 3) == (result.outcome, ids(result), result.calls)
    assert StaleReason.PARTIAL_SWEEP is reason(result)


async def test_pages_without_end() -> None:
    """At the page limit the listing is left as partial."""
    result = await sweep(*(page(str(number), next=str(number)) for number in range(9)), page_limit=5)

    assert (SweepOutcome.PARTIAL, 5, StaleReason.PARTIAL_SWEEP) == (result.outcome, result.calls, reason(result))


async def test_no_such_thing_on_a_list_is_no_witness() -> None:
    """The vendor's word for an absent resource, told of a list, is a malformed answer."""
    result = await sweep(answer(b"gone", 404))

    assert (SweepOutcome.FAILED, StaleReason.MALFORMED_ANSWER) == (result.outcome, reason(result))


async def test_an_endless_body_fails_the_sweep() -> None:
    """A problem with a reason, never an exception."""
    assert SweepOutcome.FAILED is (await sweep(endless(b" " * 1_000_000))).outcome


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"5",
        b"null",
        b'{"ids": 5}',
        b'{"ids": [5]}',
        b'{"ids": [null]}',
        b'"text"',
        b'{"ids": [], "next": [1]}',
    ],
)
async def test_a_broken_reader_is_a_malformed_answer(body: bytes) -> None:
    """Whatever a vendor's reader raises, the sweep tells it; the log has the class of it and no payload."""
    with capture_logs() as logs:
        result = await sweep(answer(body))

    assert StaleReason.MALFORMED_ANSWER is reason(result)
    (entry,) = logs
    assert {"account": "lab", "event": "vendor_answer_unreadable"}.items() <= entry.items()
    assert {"account", "event", "operation", "error", "place", "log_level"} == set(entry)


async def test_a_broken_reader_of_failures() -> None:
    """The status stands."""
    assert StaleReason.AUTH_REJECTED is reason(await sweep(answer(b"break", 401)))


@pytest.mark.parametrize(
    ("reply", "outcome", "why"),
    [
        (answer(b'{"id": "a"}'), "found", None),
        (answer(b"gone", 404), "gone", None),
        (answer(b"not found", 404), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b'{"id": "b"}'), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b"{}"), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b"", 403), "failed", StaleReason.AUTH_REJECTED),
        (answer(b"", 429), "failed", StaleReason.RATE_LIMITED),
    ],
)
async def test_how_a_probe_ends(reply: Reply, outcome: str, why: StaleReason | None) -> None:
    """Only the vendor's own words make a thing gone."""
    async with cloud_over(reply) as (cloud, _):
        result = await cloud.probe(MACHINES, None, "a")

    assert (outcome, why, 1) == (result.outcome, result.problem.reason if result.problem else None, result.calls)
    assert (outcome == "found") is (result.observation is not None)


async def test_a_cancelled_sweep_leaves_the_account_usable() -> None:
    """The caller's own timeout ends a sweep; the next one goes well."""
    async with cloud_over(page("a", next="1"), trickling(), page("b"), page()) as (cloud, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await cloud.sweep(MACHINES, None)
        await asyncio.wait_for(server.hung_up.wait(), 20)
        again = await cloud.sweep(MACHINES, None)

    assert (SweepOutcome.COMPLETE, ["b"]) == (again.outcome, ids(again))


async def test_what_an_account_tells_of_itself() -> None:
    """Scopes, the cost of a sweep, and what can be probed."""
    async with cloud_over(page()) as (cloud, server):
        assert ((MACHINES, None), (VOLUMES, "north"), (VOLUMES, "south")) == cloud.scopes
        assert (2, 1) == (cloud.sweep_calls(MACHINES), cloud.sweep_calls(VOLUMES))
        assert (True, False) == (cloud.probes(MACHINES), cloud.probes(VOLUMES))
        assert ("toy", MACHINES) == (cloud.vendor, cloud.links_owner)
        assert ("failed", 0) == ((told := await cloud.probe(VOLUMES, "north", "a")).outcome, told.calls)
        assert [] == server.requests
