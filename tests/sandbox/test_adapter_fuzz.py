"""Whatever JSON comes, the sandbox's vendor file answers with observations or an error of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

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


def _places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


PAGES = [{"machines": MACHINES, "next_cursor": None}, {"volumes": VOLUMES, "next_cursor": "c"}]


@st.composite
def spoilt_pages(draw: Callable[[st.SearchStrategy[Any]], Any]) -> object:
    """A real page in which up to three values were replaced by anything."""
    page = draw(st.sampled_from(PAGES))
    for _ in range(draw(st.integers(1, 3))):
        page = _replaced(page, draw(st.sampled_from(_places(page))), draw(JSON))
    return page


def _check(observation: Observation) -> None:
    if isinstance(observation.access, Access) and observation.access.ssh_port is not None:
        assert 1 <= observation.access.ssh_port <= 65535
    if isinstance(observation.price, Price) and observation.price.amount is not None:
        assert 0 <= observation.price.amount < float("inf")
    if observation.created_at is not None:
        assert timedelta(0) == observation.created_at.utcoffset()
        assert 2000 <= observation.created_at.year <= 2100


@settings(max_examples=300, deadline=None)
@given(payload=spoilt_pages() | JSON, kind=st.sampled_from(ResourceKind))
def test_a_page_is_read_or_malformed(payload: object, kind: ResourceKind) -> None:
    """A listing's page gives possible values alone, or is a malformed answer."""
    try:
        page = VENDOR.listings(kind, None)[0].read(VendorResponse(200, {}, payload))
    except MalformedAnswer:
        return
    for observation in page.observations:
        _check(observation)


@settings(max_examples=200, deadline=None)
@given(payload=spoilt_pages(), kind=st.sampled_from(ResourceKind))
def test_a_probe_is_read_or_malformed(payload: Any, kind: ResourceKind) -> None:
    """One resource is read by the same rules."""
    items = payload.get(kind.value.lower()) if isinstance(payload, dict) else payload
    for item in items if isinstance(items, list) else [payload]:
        try:
            _check(VENDOR.read_probe(kind, None, "m-0", VendorResponse(200, {}, item)))
        except MalformedAnswer:
            continue


@settings(max_examples=200, deadline=None)
@given(
    body=st.text(max_size=60) | JSON.map(json.dumps) | st.just("[" * 100_000),
    kind=st.sampled_from(ResourceKind),
    status=st.integers(300, 599),
)
def test_only_its_own_words_mean_that_there_is_none(body: str, kind: ResourceKind, status: int) -> None:
    """Arbitrary bodies of errors mean nothing; the right word with another status neither."""
    request = VENDOR.probe_request(kind, None, "x-0")
    words = json.dumps({"error": {"code": f"no_such_{kind.value.lower()[:-1]}"}})

    told = [
        VENDOR.read_failure(request, status, {}, body, START),
        VENDOR.read_failure(request, 500 if status == 404 else status, {}, words, START),
        VENDOR.read_failure(VENDOR.listings(kind, None)[0].request(None), 404, {}, words, START),
    ]
    assert not [one for one in told if isinstance(one, NotFoundByVendor)]
    assert isinstance(VENDOR.read_failure(request, 404, {}, words, START), NotFoundByVendor)


def test_an_attachment_that_cannot_be_read_closes_no_link() -> None:
    """A list of attachments with a hole says nothing about links; an empty one says that there are none."""
    body = {**MACHINES[0], "attachments": [{"volume_id": None, "attached_at": "2026-01-01T00:00:00Z"}]}

    bodies = [body, *({**body, "attachments": listed} for listed in (["v-1"], None, []))]
    told = [VENDOR.read_probe(ResourceKind.MACHINES, None, "m", VendorResponse(200, {}, each)).links for each in bodies]

    assert ["NOT_REPORTED", "NOT_REPORTED", "NOT_REPORTED", "()"] == [repr(links) for links in told]


def test_a_command_for_a_shell_holds_no_surprises() -> None:
    """A user name that a shell would read as more gives no command; address and port are kept."""
    body = {**MACHINES[0], "ssh": {"user": "a; rm -rf /", "host": "203.0.113.9", "port": 22}}

    access = VENDOR.read_probe(ResourceKind.MACHINES, None, "m", VendorResponse(200, {}, body)).access

    assert isinstance(access, Access)
    assert ("203.0.113.9", 22, None) == (access.external_ip, access.ssh_port, access.ssh_command)


def test_a_page_that_hides_whether_another_follows_is_malformed() -> None:
    """No `next_cursor`, or one that is no text: not the end of a listing."""
    listing = VENDOR.listings(ResourceKind.MACHINES, None)[0]
    read: list[bool] = []
    pages: list[dict[str, object]] = [
        {"machines": [], **more} for more in ({}, {"next_cursor": 7}, {"next_cursor": None})
    ]
    for page in pages:
        try:
            listing.read(VendorResponse(200, {}, page))
            read.append(True)
        except MalformedAnswer:
            read.append(False)

    assert [False, False, True] == read
