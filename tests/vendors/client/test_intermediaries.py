"""Responses of filters, proxies and login pages are not taken for the cloud's, and each failure names its own cure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CredentialsRejected, MalformedAnswer, RateLimited, Unreachable, VendorFailure
from tests.clock import START
from tests.vendors.client.test_transport import CallLog, send
from tests.vendors.loopback import answer, free_port, loopback
from vendors.client.failures import parse_retry_after
from vendors.client.intermediaries import failure_from_intermediary, is_web_page

CHALLENGE = b'<!DOCTYPE html>\n<html lang="en-US"><head><title>One moment</title></head></html>'

URL = "https://api.example.com/v1/things"


async def failure_at(address: str, log: CallLog | None = None) -> VendorFailure:
    """Return the failure of a call to an address."""
    with pytest.raises(VendorFailure) as caught:
        await send(address, log=log)
    return caught.value


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected", "words"),
    [
        (403, {}, CHALLENGE, Unreachable, "a filter in front of the cloud"),
        (403, {"cf-mitigated": "challenge"}, b"", Unreachable, "a filter in front of the cloud"),
        (403, {}, b"error code: 1010", Unreachable, "Cloudflare 1010"),
        (405, {"x-amzn-waf-action": "captcha"}, b"", Unreachable, "a filter in front of the cloud"),
        (503, {"cf-mitigated": "challenge"}, CHALLENGE, Unreachable, "a filter in front of the cloud"),
        (403, {}, b'{"message": "forbidden"}', CredentialsRejected, "setting kinds"),
        (401, {}, CHALLENGE, CredentialsRejected, "credentials"),
        (402, {}, b"{}", CredentialsRejected, "add credit"),
        (407, {"proxy-authenticate": "NTLM"}, CHALLENGE, Unreachable, "HTTPS_PROXY"),
        (451, {}, b"", Unreachable, "legal reasons"),
        (511, {}, CHALLENGE, Unreachable, "wants a login"),
        (429, {}, b"error code: 1015", RateLimited, "too many calls"),
        (404, {}, CHALLENGE, MalformedAnswer, "check the account's endpoint"),
        (200, {}, CHALLENGE, MalformedAnswer, "a web page"),
    ],
)
async def test_cause_and_cure(
    status: int, headers: dict[str, str], body: bytes, expected: type[VendorFailure], words: str
) -> None:
    """A refusal by something in front of the cloud is not a refused key, and is sent once."""
    log = CallLog()

    async with loopback(answer(body, status, headers)) as server:
        failure = await failure_at(server.address, log)

    assert isinstance(failure, expected)
    assert words in failure.detail
    assert log.context.calls == 1
    assert "moment" not in failure.detail


@pytest.mark.parametrize("status", [402, 403, 407, 451])
async def test_endpoint_is_not_blamed(status: int) -> None:
    """A refusal that has another cause does not send the operator to the endpoint."""
    async with loopback(answer(b"", status)) as server:
        assert "endpoint" not in (await failure_at(server.address)).detail


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://login.example.net/?next=secret", "login.example.net, which looks like a login page"),
        ("/sign-in", "looks like a login page"),
        ("http://10.0.0.1/portal?mac=1", "looks like a login page"),
        ("https://api2.example.com/v1/things", "api2.example.com, which is never followed"),
        ("https://api.example.com/v2/things", "another path of the same host"),
        ("https://[bad", "not valid"),
        ("", "without an address"),
    ],
)
def test_redirects(location: str, words: str) -> None:
    """A redirect names its probable cause, and never the query of its address."""
    failure = failure_from_intermediary(URL, 302, {"location": location}, "", "list_things")

    assert isinstance(failure, MalformedAnswer)
    assert words in failure.detail
    assert "redirect" in failure.detail
    assert "secret" not in failure.detail


def test_redirect_to_https() -> None:
    """An endpoint with http:// is distinguished from a moved API."""
    failure = failure_from_intermediary("http://a.example/v1", 301, {"location": "https://a.example/v1"}, "", "list")

    assert failure is not None
    assert "write https://" in failure.detail


@given(st.text(), st.text(max_size=40), st.sampled_from([302, 403, 407, 451, 200]))
def test_any_response_is_read(location: str, body: str, status: int) -> None:
    """No header and no body raises, and no failure has a control character from the response's host."""
    failure = failure_from_intermediary(URL, status, {"location": location}, body, "list_things")

    assert failure is None or failure.detail.isprintable()


@pytest.mark.parametrize(
    ("body", "expected"),
    [("<HTML>", True), ("\n <!doctype html>", True), ("<!-- a --><html lang=x>", True), ("<a/>", False), ("{}", False)],
)
def test_web_pages(body: str, expected: bool) -> None:
    """HTML is recognized by its beginning; EC2's XML is not HTML."""
    assert expected is is_web_page(body)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.5", 1.5), ("7", 7), ("0", 0), ("9" * 200, 86_400), ("-1", None), ("1e3", None), ("nan", None), ("soon", None)],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """Seconds may have a fraction; a negative or unreadable value counts as none."""
    expected = None if seconds is None else START + timedelta(seconds=seconds)

    assert expected == parse_retry_after({"retry-after": text}, START)


async def test_refused_connection_and_unknown_host() -> None:
    """Two causes without a connection have two sentences."""
    refused = await failure_at(f"http://127.0.0.1:{free_port()}")
    unknown = await failure_at("http://no-such-host.invalid")

    assert "connection was refused" in refused.detail
    assert "cannot be resolved" in unknown.detail
