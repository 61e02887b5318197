"""For any JSON, the sandbox adapter returns valid observations or raises one of the gateway's own errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.enums import ResourceKind
from domain.errors import MalformedAnswer, NotFoundByVendor
from domain.records.observation import Access, Observation, Price
from sandbox.http.bodies import machine_body, volume_body
from sandbox.world import World
from tests.clock import START, ManualClock
from tests.sandbox.tenants import EAST, KEYS
from vendors.base import VendorResponse
from vendors.sandbox import Sandbox

VENDOR = Sandbox(Sandbox.settings_type.model_validate({"credentials": {"api_key": "k"}}))
WORLD = World.default(ManualClock(), 7, KEYS, lively=False)
MACHINES = [machine_body(machine, START) for machine in WORLD.machines(EAST)]
VOLUMES = [volume_body(volume, WORLD.machines(EAST)) for volume in WORLD.volumes(EAST)]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["203.0.113.9", "9999-12-31T23:59:59-23:59", "spot", "running", "10.0.0.256", "\ud800", "x" * 5000]
    )
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(inner_path for key, item in items for inner_path in _paths(item, (*path, key)))]


def _replace_at(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replace_at(value[path[0]], path[1:], new)
    return copy


PAGES = [{"machines": MACHINES, "next_cursor": None}, {"volumes": VOLUMES, "next_cursor": "c"}]


@st.composite
def corrupted_pages(draw: Callable[[st.SearchStrategy[Any]], Any]) -> object:
    """Generate a real page in which up to three values are replaced by arbitrary ones."""
    page = draw(st.sampled_from(PAGES))
    for _ in range(draw(st.integers(1, 3))):
        page = _replace_at(page, draw(st.sampled_from(_paths(page))), draw(JSON))
    return page


def _check_values(observation: Observation) -> None:
    if isinstance(observation.access, Access) and observation.access.ssh_port is not None:
        assert 1 <= observation.access.ssh_port <= 65535
    if isinstance(observation.price, Price) and observation.price.amount is not None:
        assert 0 <= observation.price.amount < float("inf")
    if observation.created_at is not None:
        assert timedelta(0) == observation.created_at.utcoffset()
        assert 2000 <= observation.created_at.year <= 2100


@settings(max_examples=300, deadline=None)
@given(payload=corrupted_pages() | JSON, kind=st.sampled_from(ResourceKind))
def test_a_page_is_valid_or_malformed(payload: object, kind: ResourceKind) -> None:
    """A page yields plausible values only, or raises MalformedAnswer."""
    try:
        page = VENDOR.listings(kind, None)[0].read(VendorResponse(200, {}, payload))
    except MalformedAnswer:
        return
    for observation in page.observations:
        _check_values(observation)


@settings(max_examples=200, deadline=None)
@given(payload=corrupted_pages(), kind=st.sampled_from(ResourceKind))
def test_a_probe_is_valid_or_malformed(payload: Any, kind: ResourceKind) -> None:
    """A single resource follows the same rules."""
    items = payload.get(kind.value.lower()) if isinstance(payload, dict) else payload
    for item in items if isinstance(items, list) else [payload]:
        try:
            _check_values(VENDOR.read_probe(kind, None, "m-0", VendorResponse(200, {}, item)))
        except MalformedAnswer:
            continue


@settings(max_examples=200, deadline=None)
@given(
    body=st.text(max_size=60) | JSON.map(json.dumps) | st.just("[" * 100_000),
    kind=st.sampled_from(ResourceKind),
    status=st.integers(300, 599),
)
def test_only_the_documented_404_proves_absence(body: str, kind: ResourceKind, status: int) -> None:
    """Any other error body, and the documented code with another status or request, do not prove absence."""
    request = VENDOR.probe_request(kind, None, "x-0")
    assert request is not None
    documented = json.dumps({"error": {"code": f"no_such_{kind.value.lower()[:-1]}"}})

    failures = [
        VENDOR.read_failure(request, status, {}, body, START),
        VENDOR.read_failure(request, 500 if status == 404 else status, {}, documented, START),
        VENDOR.read_failure(VENDOR.listings(kind, None)[0].request(None), 404, {}, documented, START),
    ]
    assert not [failure for failure in failures if isinstance(failure, NotFoundByVendor)]
    assert isinstance(VENDOR.read_failure(request, 404, {}, documented, START), NotFoundByVendor)


def test_an_unreadable_attachment_closes_no_link() -> None:
    """Links are not reported if the list of attachments is invalid. An empty list means that there are none."""
    body = {**MACHINES[0], "attachments": [{"volume_id": None, "attached_at": "2026-01-01T00:00:00Z"}]}

    bodies = [body, *({**body, "attachments": attachments} for attachments in (["v-1"], None, []))]
    observations = [VENDOR.read_probe(ResourceKind.MACHINES, None, "m", VendorResponse(200, {}, b)) for b in bodies]

    assert ["NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED", "()"] == [
        repr(observation.links) for observation in observations
    ]


def test_an_unsafe_user_name_yields_no_ssh_command() -> None:
    """A user name with shell syntax removes the command. The address and the port stay."""
    body = {**MACHINES[0], "ssh": {"user": "a; rm -rf /", "host": "203.0.113.9", "port": 22}}

    access = VENDOR.read_probe(ResourceKind.MACHINES, None, "m", VendorResponse(200, {}, body)).access

    assert isinstance(access, Access)
    assert ("203.0.113.9", 22, None) == (access.external_ip, access.ssh_port, access.ssh_command)


def test_a_page_without_a_valid_next_cursor_is_malformed() -> None:
    """A missing or non-string `next_cursor` does not mean the end of a listing."""
    listing = VENDOR.listings(ResourceKind.MACHINES, None)[0]
    pages: list[dict[str, object]] = [{"machines": []}, {"machines": [], "next_cursor": 7}]
    for page in pages:
        with pytest.raises(MalformedAnswer):
            listing.read(VendorResponse(200, {}, page))

    assert () == tuple(listing.read(VendorResponse(200, {}, {"machines": [], "next_cursor": None})).observations)
