"""How sweeps and probes end, with a vendor whose parser checks nothing, over real HTTP."""

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
NOT_FOUND = answer(b"no", 404)


def page(*ids: str, **more: Any) -> Reply:
    """Return a page of the toy vendor."""
    return answer(json.dumps({"ids": ids, **more}).encode())


def make_toy(key: str = SECRET) -> Toy:
    """Return the vendor."""
    return Toy(ToySettings(credentials=ApiKey.model_validate({"api_key": key})))


@asynccontextmanager
async def cloud_for_script(*script: Reply, page_limit: int = 1000) -> AsyncIterator[tuple[VendorCloud, Loopback]]:
    """Yield an account whose vendor answers by a script."""
    async with loopback(*script) as server:
        vendor = make_toy()

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
    """Run one sweep against a script."""
    async with cloud_for_script(*script, page_limit=page_limit) as (cloud, _):
        return await cloud.sweep(kind, None)


def ids(result: SweepResult) -> list[str]:
    """Return the observed ids."""
    return [observation.vendor_id for observation in result.observations]


def reason(result: SweepResult) -> StaleReason | None:
    """Return why the sweep is not complete."""
    return result.problem.reason if result.problem else None


async def test_sweep_reads_every_page_of_every_listing() -> None:
    """Pages are followed by their cursors, listings are read one after the other, and all calls and drops are counted."""
    script = (page("a", next="1", dropped=2), page("b", dropped=1), page("c"))
    async with cloud_for_script(*script) as (cloud, server):
        result = await cloud.sweep(MACHINES, None)
        paths = [request.split(b" ")[1] for request in server.requests]

    assert [b"/small", b"/small?after=1", b"/large"] == paths
    assert (SweepOutcome.COMPLETE, None, 3, 3) == (result.outcome, result.problem, result.calls, result.dropped)
    assert ["a", "b", "c"] == ids(result)


async def test_empty_listing_is_complete() -> None:
    """An empty listing that ended is complete."""
    result = await sweep(page())

    assert (SweepOutcome.COMPLETE, ()) == (result.outcome, result.observations)


async def test_repeated_id() -> None:
    """The last observation of an id is used."""
    result = await sweep(page("a:old", "b", next="1"), page("a:new"), page())

    assert {"a": "new", "b": None} == {observation.vendor_id: observation.name for observation in result.observations}


@pytest.mark.parametrize(
    ("script", "outcome", "expected_ids"),
    [
        ((NOT_FOUND,), SweepOutcome.FAILED, []),
        ((page("a", next="1"), NOT_FOUND), SweepOutcome.PARTIAL, ["a"]),
        ((page("a"), NOT_FOUND), SweepOutcome.PARTIAL, ["a"]),
        ((page(), NOT_FOUND), SweepOutcome.PARTIAL, []),
        ((page("a", next="1"), answer(b'{"ids":')), SweepOutcome.PARTIAL, ["a"]),
        ((page("a", next="1"), answer(b"{}")), SweepOutcome.PARTIAL, ["a"]),
    ],
)
async def test_outcome_of_failing_sweep(
    script: tuple[Reply, ...], outcome: SweepOutcome, expected_ids: list[str]
) -> None:
    """A sweep is failed if no page was read, else partial with the observed resources. It has the failure's own reason."""
    result = await sweep(*script)

    assert (outcome, expected_ids, StaleReason.MALFORMED_ANSWER) == (result.outcome, ids(result), reason(result))


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
async def test_listing_with_total(pages: list[tuple[str, int | None]], outcome: SweepOutcome) -> None:
    """A listing is complete if every page reports the same total and that many distinct ids were returned; else it is partial."""
    *first_pages, (last_letters, last_total) = pages
    script = [page(*letters, total=total, next=letters) for letters, total in first_pages]
    result = await sweep(*script, page(*last_letters, total=last_total), kind=VOLUMES)

    assert (outcome, sorted({*"".join(letters for letters, _ in pages)})) == (result.outcome, sorted(ids(result)))
    assert (None if outcome is SweepOutcome.COMPLETE else StaleReason.PARTIAL_SWEEP) is reason(result)


async def test_totals_of_listings_are_independent() -> None:
    """The total of one listing is not compared with the items of another."""
    result = await sweep(page("a", "b", total=2), page("b", total=1))

    assert (SweepOutcome.COMPLETE, ["a", "b"]) == (result.outcome, ids(result))


async def test_repeated_cursor() -> None:
    """The sweep ends as partial instead of reading pages for ever."""
    result = await sweep(page("a", next="1"), page("b", next="2"), page("c", next="1"), page("never"))

    assert (SweepOutcome.PARTIAL, ["a", "b", "c"], 3) == (result.outcome, ids(result), result.calls)
    assert StaleReason.PARTIAL_SWEEP is reason(result)


async def test_page_limit() -> None:
    """At the page limit the sweep ends as partial."""
    result = await sweep(*(page(str(number), next=str(number)) for number in range(9)), page_limit=5)

    assert (SweepOutcome.PARTIAL, 5, StaleReason.PARTIAL_SWEEP) == (result.outcome, result.calls, reason(result))


async def test_not_found_for_a_listing_is_malformed() -> None:
    """The vendor's response for an absent resource, if it is given for a listing, is malformed."""
    result = await sweep(answer(b"gone", 404))

    assert (SweepOutcome.FAILED, StaleReason.MALFORMED_ANSWER) == (result.outcome, reason(result))


async def test_endless_body_fails_the_sweep() -> None:
    """The result has a problem with a reason; no exception is raised."""
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
async def test_broken_parser_makes_a_malformed_answer(body: bytes) -> None:
    """Every exception of a parser becomes a problem of the sweep. The log has its class and no part of the response."""
    with capture_logs() as logs:
        result = await sweep(answer(body))

    assert StaleReason.MALFORMED_ANSWER is reason(result)
    (entry,) = logs
    assert {"account": "lab", "event": "vendor_response_unreadable"}.items() <= entry.items()
    assert {"account", "event", "operation", "error", "place", "log_level"} == set(entry)


async def test_broken_failure_parser() -> None:
    """The status alone then decides."""
    assert StaleReason.AUTH_REJECTED is reason(await sweep(answer(b"break", 401)))


@pytest.mark.parametrize(
    ("reply", "outcome", "expected_reason"),
    [
        (answer(b'{"id": "a"}'), "found", None),
        (answer(b"gone", 404), "gone", None),
        (answer(b"null"), "empty", None),
        (answer(b"not found", 404), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b'{"id": "b"}'), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b"{}"), "failed", StaleReason.MALFORMED_ANSWER),
        (answer(b"", 403), "failed", StaleReason.AUTH_REJECTED),
        (answer(b"", 429), "failed", StaleReason.RATE_LIMITED),
    ],
)
async def test_outcome_of_probe(reply: Reply, outcome: str, expected_reason: StaleReason | None) -> None:
    """A resource is gone only if the vendor's documented response says so. Null says nothing else than that it is not there."""
    async with cloud_for_script(reply) as (cloud, _):
        result = await cloud.probe(MACHINES, None, "a")

    assert (outcome, expected_reason, 1) == (
        result.outcome,
        result.problem.reason if result.problem else None,
        result.calls,
    )
    assert (outcome == "found") is (result.observation is not None)


async def test_account_is_usable_after_a_cancelled_sweep() -> None:
    """The caller's own timeout ends a sweep; the next sweep succeeds."""
    async with cloud_for_script(page("a", next="1"), trickling(), page("b"), page()) as (cloud, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await cloud.sweep(MACHINES, None)
        await asyncio.wait_for(server.hung_up.wait(), 20)
        result = await cloud.sweep(MACHINES, None)

    assert (SweepOutcome.COMPLETE, ["b"]) == (result.outcome, ids(result))


async def test_account_properties() -> None:
    """Scopes, the cost of a sweep, and which kinds can be probed."""
    async with cloud_for_script(page()) as (cloud, server):
        assert ((MACHINES, None), (VOLUMES, "north"), (VOLUMES, "south")) == cloud.scopes
        assert (2, 1) == (cloud.sweep_calls(MACHINES), cloud.sweep_calls(VOLUMES))
        assert (True, False) == (cloud.probes(MACHINES), cloud.probes(VOLUMES))
        assert ("toy", MACHINES) == (cloud.vendor, cloud.links_owner)
        result = await cloud.probe(VOLUMES, "north", "a")
        assert ("failed", 0) == (result.outcome, result.calls)
        assert [] == server.requests
