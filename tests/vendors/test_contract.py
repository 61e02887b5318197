"""The contract that holds for every vendor, found by scanning: a new adapter is tested without any change here."""

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


def minimal_settings(model: type[BaseModel], secret: str = SECRET) -> dict[str, Any]:
    """Return the minimal settings of an account of a vendor."""
    settings: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        if info.annotation is SecretStr:
            settings[field] = secret
        elif inspect.isclass(info.annotation) and issubclass(info.annotation, BaseModel):
            settings[field] = minimal_settings(info.annotation, secret)
        elif field == "zones":
            settings[field] = ["fr-par-2", "nl-ams-1"]
        elif field == "regions":
            settings[field] = ["us-east-1", "eu-west-1"]
    return settings


def build_account(name: str, secret: str = SECRET, endpoint: str | None = None) -> VendorCloud:
    """Build an account through the registry."""
    vendor_type = registry.find(name)
    settings = minimal_settings(vendor_type.settings_type, secret)
    if vendor_type.needs_endpoint and endpoint is None:
        endpoint = "http://127.0.0.1:9"
    return registry.build(name, "lab", settings, endpoint, clock=ManualClock(), limits=QUICK)


def vendor_of(name: str) -> Vendor:
    """Return the adapter alone."""
    vendor_type = registry.find(name)
    return vendor_type(vendor_type.settings_type.model_validate(minimal_settings(vendor_type.settings_type)))


async def sweep_all_kinds(name: str, reply: Reply) -> list[SweepResult]:
    """Sweep each kind, with a server that gives every request the same reply."""
    results = []
    async with loopback(reply) as server:
        settings = minimal_settings(registry.find(name).settings_type)
        async with account(name, settings, server.address) as cloud:
            for kind in ResourceKind:
                region = next(region for scope_kind, region in cloud.scopes if scope_kind is kind)
                results.append(await cloud.sweep(kind, region))
    return results


def test_declarations(name: str) -> None:
    """Both kinds have distinct scopes, addresses are plain, and every first request may be repeated."""
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


def test_unknown_settings_are_errors(name: str) -> None:
    """A typing error in the configuration is never ignored."""
    vendor_type = registry.find(name)
    with pytest.raises(ConfigurationError, match="coloour"):
        registry.build(name, "lab", minimal_settings(vendor_type.settings_type) | {"coloour": 1}, clock=ManualClock())


async def test_fingerprint(name: str) -> None:
    """It is equal for equal credentials, differs by salt, and does not contain the credentials."""
    same, equal, other = build_account(name), build_account(name), build_account(name, "an0ther-key")

    assert same.fingerprint("salt") == equal.fingerprint("salt")
    assert 3 == len({same.fingerprint("salt"), same.fingerprint("pepper"), other.fingerprint("salt")})
    assert SECRET not in same.fingerprint("salt")
    assert all(SECRET not in repr(one) for one in (same, vendor_of(name), vars(vendor_of(name))))
    for cloud in (same, equal, other):
        await cloud.close()


def test_authorization_depends_on_the_credentials(name: str) -> None:
    """Some header is sent, and it differs for another key."""
    vendor_type = registry.find(name)
    request = VendorRequest("list", "/")
    headers = [
        vendor_type(
            vendor_type.settings_type.model_validate(minimal_settings(vendor_type.settings_type, secret))
        ).authorize(request, "http://127.0.0.1/", b"", "us-east-1", START)
        for secret in (SECRET, "an0ther-key")
    ]

    assert headers[0]
    assert headers[0] != headers[1]


BAD_RESPONSES = {
    "a web page": (HTML, StaleReason.MALFORMED_ANSWER),
    "an object without its list": (answer(b"{}"), StaleReason.MALFORMED_ANSWER),
    "an element without its list": (answer(b"<a/>"), StaleReason.MALFORMED_ANSWER),
    "deep nesting": (answer(b"<a>" * 5000 + b"</a>" * 5000), StaleReason.MALFORMED_ANSWER),
    "null": (answer(b"null"), StaleReason.MALFORMED_ANSWER),
    "nothing": (answer(b""), StaleReason.MALFORMED_ANSWER),
    "a web page's 404": (answer(b"<html>Not found</html>", 404), StaleReason.MALFORMED_ANSWER),
    "a redirect": (answer(b"", 302, {"location": "https://example.test/login"}), StaleReason.MALFORMED_ANSWER),
    "401": (answer(b"", 401), StaleReason.AUTH_REJECTED),
    "402": (answer(b"", 402), StaleReason.AUTH_REJECTED),
    "403": (answer(b"Forbidden", 403), StaleReason.AUTH_REJECTED),
    "a web page's 403": (answer(b"<html>Forbidden</html>", 403), StaleReason.VENDOR_DOWN),
    "407": (answer(b"", 407), StaleReason.VENDOR_DOWN),
    "429": (answer(b"", 429), StaleReason.RATE_LIMITED),
    "500": (answer(b"Oops", 500), StaleReason.VENDOR_DOWN),
    "a reset": (reset(), StaleReason.VENDOR_DOWN),
}


@pytest.mark.parametrize(("reply", "reason"), BAD_RESPONSES.values(), ids=BAD_RESPONSES.keys())
async def test_no_bad_response_is_an_empty_account(name: str, reply: Reply, reason: StaleReason) -> None:
    """Every sweep fails with its reason, and none reads as an empty listing."""
    for result in await sweep_all_kinds(name, reply):
        assert result.problem is not None
        assert (SweepOutcome.FAILED, (), reason) == (result.outcome, result.observations, result.problem.reason)


@pytest.mark.parametrize(
    "reply", [HTML, answer(b"{}"), answer(b"<a/>"), answer(b"<html>Not found</html>", 404), answer(b"{}", 404)]
)
async def test_no_bad_response_is_evidence_of_absence(name: str, reply: Reply) -> None:
    """A probe returns "gone" only for the vendor's documented response."""
    async with loopback(reply) as server:
        settings = minimal_settings(registry.find(name).settings_type)
        async with account(name, settings, server.address) as cloud:
            for kind, region in cloud.scopes:
                assert "failed" == (await cloud.probe(kind, region, "i-0123456789abcdef0")).outcome


@pytest.mark.parametrize("template", ['{{"error": {{"code": "{}"}}}}', "<r><Error><Code>{}</Code></Error></r>", "{}"])
async def test_echoed_credential_is_not_quoted(name: str, template: str) -> None:
    """If a proxy echoes our own headers, they do not become part of a problem's text."""
    for status in (200, 400, 401, 500):
        for result in await sweep_all_kinds(name, answer(template.format(SECRET).encode(), status)):
            assert result.problem is not None
            assert SECRET not in result.problem.detail


async def test_refused_connection(name: str) -> None:
    """A refused connection is reported; asking whether a kind can be probed costs no call."""
    cloud = build_account(name, endpoint=f"http://127.0.0.1:{free_port()}")
    for kind, region in cloud.scopes:
        result = await cloud.sweep(kind, region)
        assert result.problem is not None
        assert (SweepOutcome.FAILED, StaleReason.VENDOR_DOWN) == (result.outcome, result.problem.reason)
        assert cloud.sweep_calls(kind) >= 1
        assert isinstance(cloud.probes(kind), bool)
    await cloud.close()


@cache
def vocabulary(name: str) -> list[str]:
    """Return the field names and values that an adapter knows: every short text in its modules."""
    module = Path(inspect.getfile(registry.find(name)))
    files = [module, *(module.parent / "parse").glob(f"{module.stem}_*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return sorted(text for text in texts if text.isascii() and text.replace("_", "").isalnum() and len(text) < 40)


def payloads(names: list[str]) -> st.SearchStrategy[Any]:
    """Generate JSON of the vendor's own words: in any shape, and as a list of items with ids at one or two levels."""
    texts = st.sampled_from([*names, "i-1", "", "7", "192.0.2.1", "2026-01-31T12:00:00Z"])
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | texts
    anything = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner, max_size=6),
        max_leaves=10,
    )
    ids_of_item = {name: st.just("i-1") for name in names if name == "id" or name.endswith("Id")}
    item = st.dictionaries(st.sampled_from(names), anything, max_size=12).flatmap(
        lambda fields: st.fixed_dictionaries(ids_of_item).map(lambda ids: fields | ids)
    )
    plurals = [name for name in names if name == "data" or name.endswith(("Set", "s"))]
    lists = item.map(lambda one: {plural: [one] for plural in plurals} | dict.fromkeys(CURSORS & set(names)))
    lists_without_cursors = lists.map(lambda one: {plural: [one] for plural in plurals})
    return anything | lists | lists_without_cursors


CURSORS = frozenset({"nextToken", "next_cursor", "next_token"})
"""Field names that would make the page malformed if they contained a list."""


def element(tag: str, value: object) -> Element:
    """Return the same value as XML."""
    result = Element(tag)
    if isinstance(value, dict):
        result.extend(element(key, inner) for key, inner in value.items())
    elif isinstance(value, list):
        result.extend(element("item", inner) for inner in value)
    elif value is not None:
        result.text = str(value)
    return result


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_parsers_never_break(name: str, data: st.DataObject) -> None:
    """In any shape of the vendor's own words, a page is read or malformed; no other exception is raised."""
    vendor = vendor_of(name)
    kind = data.draw(st.sampled_from(ResourceKind))
    (listing, *_) = vendor.listings(kind, vendor.regions(kind)[0])
    payload = data.draw(payloads(vocabulary(name)))
    xml = listing.request(None).expects == "xml"

    try:
        page = listing.read(VendorResponse(200, {}, element("r", payload) if xml else payload))
    except MalformedAnswer:
        return
    assert page.dropped >= 0
    assert all(observation.kind is kind and observation.vendor_id for observation in page.observations)
