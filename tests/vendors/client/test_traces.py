"""What is kept of a flight's calls, over real HTTP."""

from __future__ import annotations

import json

from domain.records.observation import SweepOutcome
from tests.vendors.accounts import SECRET
from tests.vendors.client.test_cloud import MACHINES, VOLUMES, cloud_over, page
from tests.vendors.loopback import Reply, answer


def named(request_id: str, *ids: str, **more: str) -> Reply:
    """A page whose answer has the vendor's id of the request."""
    return answer(json.dumps({"ids": ids, **more}).encode(), headers={"X-Request-Id": request_id})


async def test_every_page_is_traced_and_every_observation_knows_its_own() -> None:
    """Pages count from 1 within each listing; a secret that a header echoes is not kept."""
    script = (named("r-1", "a", next="2"), named(SECRET, "b"), named("r-3", "c", "a"))
    async with cloud_over(*script) as (cloud, _):
        result = await cloud.sweep(MACHINES, None)

    calls = [(call.operation, call.page, call.http_status, call.request_id) for call in result.trace]
    assert [("small", 1, 200, "r-1"), ("small", 2, 200, None), ("large", 1, 200, "r-3")] == calls
    assert {"a": 2, "b": 1, "c": 2} == {one.vendor_id: one.call for one in result.observations}
    assert all(call.seconds > 0 for call in result.trace)


async def test_a_cut_listing_traces_the_pages_that_it_had() -> None:
    """A repeated call counts once, by the answer that was read."""
    async with cloud_over(page("a", next="2"), answer(b"no", 404)) as (cloud, _):
        result = await cloud.sweep(VOLUMES, "north")

    assert (SweepOutcome.PARTIAL, [1]) == (result.outcome, [call.page for call in result.trace])


async def test_a_probe_traces_the_call_that_found_it() -> None:
    """Where it found nothing there is nothing to explain."""
    found_reply = answer(b'{"id": "a"}', headers={"CF-Ray": "8f-FRA"})
    async with cloud_over(found_reply, answer(b"gone", 404)) as (cloud, _):
        found = await cloud.probe(MACHINES, None, "a")
        gone = await cloud.probe(MACHINES, None, "a")

    assert found.observation is not None
    assert 0 == found.observation.call
    assert [("one", 1, 200, "8f-FRA")] == [
        (call.operation, call.page, call.http_status, call.request_id) for call in found.trace
    ]
    assert () == gone.trace
