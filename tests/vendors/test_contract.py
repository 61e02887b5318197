"""What holds for every vendor, found by scanning: a new file is tested without a word here."""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from domain.enums import ResourceKind, StaleReason
from domain.errors import ConfigurationError, MalformedAnswer
from domain.records.observation import SweepOutcome, SweepResult
from tests.clock import START, ManualClock
from tests.matrix.players import players
from tests.vendors.accounts import QUICK, SECRET, account
from tests.vendors.loopback import Reply, answer, free_port, loopback, reset
from vendors import registry
from vendors.base import Vendor, VendorRequest, VendorResponse
from vendors.client.cloud import VendorCloud

pytestmark = pytest.mark.parametrize("name", registry.names())

HTML = answer(b"<!DOCTYPE html><title>Sign in</title>", headers={"content-type": "text/html"})


def plausible(model: type[BaseModel], secret: str = SECRET) -> dict[str, Any]:
    """The least that an account of a vendor is configured with."""
    told: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        if info.annotation is SecretStr:
            told[field] = secret
        elif inspect.isclass(info.annotation) and issubclass(info.annotation, BaseModel):
            told[field] = plausible(info.annotation, secret)
        elif field == "zones":
            told[field] = ["fr-par-2", "nl-ams-1"]
        elif field == "regions":
            told[field] = ["us-east-1", "eu-west-1"]
    return told


def built(name: str, secret: str = SECRET, endpoint: str | None = None) -> VendorCloud:
    """An account, through the registry."""
    found = registry.find(name)
    settings = plausible(found.settings_type, secret)
    if found.needs_endpoint and endpoint is None:
        endpoint = "http://127.0.0.1:9"
    return registry.build(name, "lab", settings, endpoint, clock=ManualClock(), limits=QUICK)


def vendor_of(name: str) -> Vendor:
    """The vendor alone."""
    found = registry.find(name)
    return found(found.settings_type.model_validate(plausible(found.settings_type)))


async def swept(name: str, reply: Reply) -> list[SweepResult]:
    """A sweep of each kind, from a server that answers everything alike."""
    results = []
    async with loopback(reply) as server:
        settings = plausible(registry.find(name).settings_type)
        async with account(name, settings, server.address) as cloud:
            for kind in ResourceKind:
                region = next(region for scope_kind, region in cloud.scopes if scope_kind is kind)
                results.append(await cloud.sweep(kind, region))
    return results


def test_what_it_declares(name: str) -> None:
    """Both kinds have scopes, each once; addresses are plain; every first call is a call that may be repeated."""
    vendor = vendor_of(name)

    for kind in ResourceKind:
        regions = vendor.regions(kind)
        assert len(regions) == len(set(regions)) > 0
        for region in regions:
            parts = urlsplit(vendor.base_url(region))
            assert parts.scheme in ("http", "https")
            assert (False, "", "") == ("@" in parts.netloc, parts.query, parts.fragment)
            listings = vendor.listings(kind, region)
            assert listings
            for listing in listings:
                request = listing.request(None)
                assert (True, True) == (request.idempotent, request.path.startswith("/"))
                assert request.operation
                assert request == listing.request(None)
                alike = request.query == request.form == () or not players()[name].paged
                assert request != listing.request("another-page") or alike


def test_settings_refuse_unknown_keys(name: str) -> None:
    """A typing error in the configuration is never ignored."""
    found = registry.find(name)
    with pytest.raises(ConfigurationError, match="coloour"):
        registry.build(name, "lab", plausible(found.settings_type) | {"coloour": 1}, clock=ManualClock())


async def test_the_fingerprint(name: str) -> None:
    """It tells the same credentials from others, differs by salt, and does not hold them."""
    same, again, other = built(name), built(name), built(name, "an0ther-key")

    assert same.fingerprint("salt") == again.fingerprint("salt")
    assert 3 == len({same.fingerprint("salt"), same.fingerprint("pepper"), other.fingerprint("salt")})
    assert SECRET not in same.fingerprint("salt")
    assert all(SECRET not in repr(one) for one in (same, vendor_of(name), vars(vendor_of(name))))
    for cloud in (same, again, other):
        await cloud.close()


def test_authorization_is_bound_to_the_credentials(name: str) -> None:
    """Some header is sent, and it is another for another key."""
    found = registry.find(name)
    request = VendorRequest("list", "/")
    sent = [
        found(found.settings_type.model_validate(plausible(found.settings_type, secret))).authorize(
            request, "http://127.0.0.1/", b"", "us-east-1", START
        )
        for secret in (SECRET, "an0ther-key")
    ]

    assert sent[0]
    assert sent[0] != sent[1]


BAD_ANSWERS = {
    "a web page": (HTML, StaleReason.MALFORMED_ANSWER),
    "an object without its list": (answer(b"{}"), StaleReason.MALFORMED_ANSWER),
    "an element without its list": (answer(b"<a/>"), StaleReason.MALFORMED_ANSWER),
    "deep nesting": (answer(b"<a>" * 5000 + b"</a>" * 5000), StaleReason.MALFORMED_ANSWER),
    "null": (answer(b"null"), StaleReason.MALFORMED_ANSWER),
    "nothing": (answer(b""), StaleReason.MALFORMED_ANSWER),
    "a web page's 404": (answer(b"<html>Not found</html>", 404), StaleReason.MALFORMED_ANSWER),
    "a redirect": (answer(b"", 302, {"location": "https://example.test/login"}), StaleReason.MALFORMED_ANSWER),
    "401": (answer(b"", 401), StaleReason.AUTH_REJECTED),
    "403": (answer(b"<html>Forbidden</html>", 403), StaleReason.AUTH_REJECTED),
    "429": (answer(b"", 429), StaleReason.RATE_LIMITED),
    "500": (answer(b"Oops", 500), StaleReason.VENDOR_DOWN),
    "a reset": (reset(), StaleReason.VENDOR_DOWN),
}


@pytest.mark.parametrize(("reply", "why"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_no_bad_answer_is_an_empty_account(name: str, reply: Reply, why: StaleReason) -> None:
    """Every sweep fails with its reason, and none reads as a listing of nothing."""
    for result in await swept(name, reply):
        assert result.problem is not None
        assert (SweepOutcome.FAILED, (), why) == (result.outcome, result.observations, result.problem.reason)


@pytest.mark.parametrize(
    "reply", [HTML, answer(b"{}"), answer(b"<a/>"), answer(b"<html>Not found</html>", 404), answer(b"{}", 404)]
)
async def test_no_bad_answer_is_a_witness(name: str, reply: Reply) -> None:
    """No probe reads "gone" from anything but the vendor's own words."""
    async with loopback(reply) as server:
        settings = plausible(registry.find(name).settings_type)
        async with account(name, settings, server.address) as cloud:
            for kind, region in cloud.scopes:
                assert "failed" == (await cloud.probe(kind, region, "i-0123456789abcdef0")).outcome


@pytest.mark.parametrize("template", ['{{"error": {{"code": "{}"}}}}', "<r><Error><Code>{}</Code></Error></r>", "{}"])
async def test_an_echoed_credential_is_not_quoted(name: str, template: str) -> None:
    """A proxy that sends our own headers back does not get them into a problem's text."""
    for status in (200, 400, 401, 500):
        for result in await swept(name, answer(template.format(SECRET).encode(), status)):
            assert result.problem is not None
            assert SECRET not in result.problem.detail


async def test_nobody_there(name: str) -> None:
    """A refused connection is told; `probes` costs none."""
    cloud = built(name, endpoint=f"http://127.0.0.1:{free_port()}")
    for kind, region in cloud.scopes:
        result = await cloud.sweep(kind, region)
        assert result.problem is not None
        assert (SweepOutcome.FAILED, StaleReason.VENDOR_DOWN) == (result.outcome, result.problem.reason)
        assert cloud.sweep_calls(kind) >= 1
        assert isinstance(cloud.probes(kind), bool)
    await cloud.close()


@cache
def vocabulary(name: str) -> list[str]:
    """The words that a vendor's files know: every short text in them."""
    module = inspect.getfile(registry.find(name))
    files = Path(module).parent.glob(f"{Path(module).stem}*.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(text for text in texts if text.isascii() and text.replace("_", "").isalnum() and len(text) < 40)


def payloads(words: list[str]) -> st.SearchStrategy[Any]:
    """JSON of the vendor's own words: in any shape, and as a list of items with ids at one level or two."""
    texts = st.sampled_from([*words, "i-1", "", "7", "192.0.2.1", "2026-01-31T12:00:00Z"])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | texts
    anything = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=6),
        max_leaves=10,
    )
    named = {word: st.just("i-1") for word in words if word == "id" or word.endswith("Id")}
    item = st.dictionaries(st.sampled_from(words), anything, max_size=12).flatmap(
        lambda told: st.fixed_dictionaries(named).map(lambda ids: told | ids)
    )
    plurals = [word for word in words if word == "data" or word.endswith(("Set", "s"))]
    listed = item.map(lambda one: {word: [one] for word in plurals} | dict.fromkeys(CURSORS & set(words)))
    twice = listed.map(lambda one: {word: [one] for word in plurals})
    return anything | listed | twice


CURSORS = frozenset({"nextToken", "next_cursor", "next_token"})
"""Words that would make a list under them a malformed page."""


def element(tag: str, value: object) -> Element:
    """The same as XML."""
    made = Element(tag)
    if isinstance(value, dict):
        made.extend(element(key, inner) for key, inner in value.items())
    elif isinstance(value, list):
        made.extend(element("item", inner) for inner in value)
    elif value is not None:
        made.text = str(value)
    return made


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_its_readers_never_break(name: str, data: st.DataObject) -> None:
    """Whatever shape its own words come in, a page is read or malformed; nothing else is raised."""
    vendor = vendor_of(name)
    kind = data.draw(st.sampled_from(ResourceKind))
    (listing, *_) = vendor.listings(kind, vendor.regions(kind)[0])
    whole = data.draw(payloads(vocabulary(name)))
    xml = listing.request(None).expects == "xml"

    try:
        page = listing.read(VendorResponse(200, {}, element("r", whole) if xml else whole))
    except MalformedAnswer:
        return
    assert page.dropped >= 0
    assert all(one.kind is kind and one.vendor_id for one in page.observations)
