"""The trace of a flight's calls, over real HTTP."""

from __future__ import annotations

import json

from domain.records.observation import SweepOutcome
from tests.vendors.accounts import SECRET
from tests.vendors.client.test_cloud import MACHINES, VOLUMES, cloud_for_script, page
from tests.vendors.loopback import Reply, answer


def page_with_request_id(request_id: str, *ids: str, **more: str) -> Reply:
    """Return a page whose response has a request id."""
    return answer(json.dumps({"ids": ids, **more}).encode(), headers={"X-Request-Id": request_id})


async def test_observations_refer_to_their_calls() -> None:
    """Pages count from 1 within each listing; a secret echoed in a header is not stored."""
    script = (
        page_with_request_id("r-1", "a", next="2"),
        page_with_request_id(SECRET, "b"),
        page_with_request_id("r-3", "c", "a"),
    )
    async with cloud_for_script(*script) as (cloud, _):
        result = await cloud.sweep(MACHINES, None)

    calls = [(call.operation, call.page, call.http_status, call.request_id) for call in result.trace]
    assert [("small", 1, 200, "r-1"), ("small", 2, 200, None), ("large", 1, 200, "r-3")] == calls
    assert {"a": 2, "b": 1, "c": 2} == {observation.vendor_id: observation.call for observation in result.observations}
    assert all(call.seconds > 0 for call in result.trace)


async def test_trace_of_a_partial_listing() -> None:
    """Only calls whose response was read are in the trace."""
    async with cloud_for_script(page("a", next="2"), answer(b"no", 404)) as (cloud, _):
        result = await cloud.sweep(VOLUMES, "north")

    assert (SweepOutcome.PARTIAL, [1]) == (result.outcome, [call.page for call in result.trace])


async def test_trace_of_a_probe() -> None:
    """A probe that found nothing has no trace."""
    resource = answer(b'{"id": "a"}', headers={"CF-Ray": "8f-FRA"})
    async with cloud_for_script(resource, answer(b"gone", 404)) as (cloud, _):
        result = await cloud.probe(MACHINES, None, "a")
        not_found = await cloud.probe(MACHINES, None, "a")

    assert result.observation is not None
    assert 0 == result.observation.call
    assert [("one", 1, 200, "8f-FRA")] == [
        (call.operation, call.page, call.http_status, call.request_id) for call in result.trace
    ]
    assert () == not_found.trace
