"""The transport against real servers on loopback, each faulty in its own way."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest

from domain.errors import (
    CredentialsRejected,
    MalformedAnswer,
    RateLimited,
    TimedOut,
    Unreachable,
    VendorFailure,
)
from tests.clock import START, ManualClock
from tests.vendors.accounts import QUICK, SECRET, CallRecorder
from tests.vendors.loopback import (
    Reply,
    answer,
    cut,
    endless,
    free_port,
    head,
    loopback,
    reset,
    silent,
    trickling,
)
from vendors.base import VendorRequest, VendorResponse
from vendors.client.call_context import CallContext
from vendors.client.transport import Transport, TransportLimits

REQUEST = VendorRequest("list_things", "/things")
SMALL = TransportLimits(body_bytes=1000, retries=0)
HASTY = TransportLimits(read_seconds=0.05, call_seconds=5, retries=0)


class CallLog:
    """Records the calls of a test."""

    def __init__(self) -> None:
        self.observer = CallRecorder()
        self.context = CallContext()


def authorize(request: VendorRequest, url: str, body: bytes, region: str | None, now: datetime) -> Mapping[str, str]:
    """Authorize with a secret."""
    return {"authorization": f"Bearer {SECRET}"}


def read_no_failure(request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime) -> None:
    """Return no failure: a vendor without error codes."""


def base_url_of(address: str) -> Callable[[str | None], str]:
    """Return a function that returns the same base URL for every region."""

    def base_url(region: str | None) -> str:
        return address

    return base_url


async def send(
    address: str,
    request: VendorRequest = REQUEST,
    *,
    limits: TransportLimits = QUICK,
    log: CallLog | None = None,
    times: int = 1,
) -> VendorResponse:
    """Send a request on one transport, several times if `times` is set; return the last response."""
    log = log or CallLog()
    transport = Transport(
        "lab",
        base_url_of(address),
        authorize,
        read_no_failure,
        clock=ManualClock(),
        observer=log.observer,
        secrets=(SECRET,),
        limits=limits,
    )
    try:
        for _ in range(times - 1):
            await transport.send(request, None, log.context)
        return await transport.send(request, None, log.context)
    finally:
        await transport.close()


async def failure_of(reply: Reply, limits: TransportLimits = QUICK) -> VendorFailure:
    """Return the failure that a server's reply leads to."""
    async with loopback(reply) as server:
        with pytest.raises(VendorFailure) as caught:
            await send(server.address, limits=limits)
    return caught.value


GZIP = {"content-encoding": "gzip"}
BAD_BODIES = {
    "a web page": answer(b"<!DOCTYPE html><p>Sign in", headers={"content-type": "text/html"}),
    "cut JSON": answer(b'{"data": [1, 2'),
    "nothing": answer(b""),
    "NaN": answer(b'{"price": NaN}'),
    "infinity": answer(b"[-Infinity]"),
    "invalid UTF-8": answer(b'{"name": "\xff"}'),
    "deep nesting": answer(b"[" * 100_000 + b"]" * 100_000),
    "a number of 10,000 digits": answer(b"1" * 10_000),
    "no gzip": answer(b"{}", headers=GZIP),
    "cut gzip": answer(gzip.compress(b'{"data": []}')[:-9], headers=GZIP),
    "an encoding not asked for": answer(b"{}", headers={"content-encoding": "br"}),
}


@pytest.mark.parametrize("reply", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_invalid_json_is_malformed(reply: Reply) -> None:
    """A 200 with any other body is malformed and is not retried."""
    async with loopback(reply) as server:
        with pytest.raises(MalformedAnswer, match="list_things"):
            await send(server.address)
        assert 1 == len(server.requests)


BAD_XML = {
    "a web page": b"<!DOCTYPE html><html></html>",
    "cut": b"<a><b>",
    "entities": b'<!DOCTYPE a [<!ENTITY x "xxxxxxxx">]><a>&x;</a>',
    "an unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><a/>',
    "JSON": b"{}",
    "a wide encoding that it is not in": b'<?xml version="1.0" encoding="utf-32"?><a/>',
}


@pytest.mark.parametrize("body", BAD_XML.values(), ids=BAD_XML.keys())
async def test_invalid_xml_is_malformed(body: bytes) -> None:
    """DTDs, entities and unknown encodings are rejected."""
    async with loopback(answer(body)) as server:
        with pytest.raises(MalformedAnswer):
            await send(server.address, VendorRequest("list_things", "/", expects="xml"))


@pytest.mark.parametrize(
    "reply",
    [
        endless(b" " * 400),
        answer(b"[" + b"0," * 600 + b"0]"),
        endless(gzip.compress(b" " * 100_000), GZIP),
        answer(gzip.compress(b"[" + b" " * 5_000_000 + b"]"), headers=GZIP),
    ],
    ids=["endless", "large", "endless gzip", "a bomb"],
)
async def test_body_larger_than_the_limit(reply: Reply) -> None:
    """Reading stops at the limit, of the received and of the decompressed body."""
    failure = await failure_of(reply, SMALL)

    assert isinstance(failure, MalformedAnswer)
    assert "max_answer_mb" in failure.detail


async def test_gzip_body() -> None:
    """Gzip is requested and understood, with one member or several."""
    packed = gzip.compress(b'{"a": ') + gzip.compress(b"1}")
    async with loopback(answer(packed, headers=GZIP)) as server:
        assert {"a": 1} == (await send(server.address)).payload
        assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """The target of a redirect is never called."""
    async with loopback(answer()) as upstream:
        failure = await failure_of(answer(b"", status, {"location": upstream.address}))
        assert [] == upstream.requests

    assert isinstance(failure, MalformedAnswer)


@pytest.mark.parametrize(
    ("status", "expected", "calls"),
    [
        (400, MalformedAnswer, 1),
        (401, CredentialsRejected, 1),
        (403, CredentialsRejected, 1),
        (404, MalformedAnswer, 1),
        (408, TimedOut, 1),
        (429, RateLimited, 1),
        (500, Unreachable, 3),
        (503, Unreachable, 3),
    ],
)
async def test_statuses(status: int, expected: type[VendorFailure], calls: int) -> None:
    """Each status has its failure, and only a server error is retried, twice."""
    log = CallLog()
    async with loopback(answer(b"no", status)) as server:
        with pytest.raises(expected):
            await send(server.address, log=log)
        assert calls == len(server.requests) == log.context.calls == len(log.observer.calls)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", START + timedelta(seconds=120)),
        ("Sat, 31 Jan 2026 12:05:00 GMT", START + timedelta(minutes=5)),
        ("Sat, 31 Jan 2026 11:00:00 GMT", START),
        ("99999999999999", START + timedelta(days=1)),
        ("soon", None),
        ("-5", None),
    ],
)
async def test_retry_after_of_a_429(header: str, expected: datetime | None) -> None:
    """Both forms of Retry-After are read, and the transport never sleeps on it."""
    failure = await failure_of(answer(b"", 429, {"retry-after": header}))

    assert isinstance(failure, RateLimited)
    assert expected == failure.retry_at


async def test_no_retry_before_retry_after() -> None:
    """A 503 with Retry-After ends the call at once."""
    async with loopback(answer(b"", 503, {"retry-after": "60"}), answer()) as server:
        with pytest.raises(Unreachable) as caught:
            await send(server.address)
        assert 1 == len(server.requests)
    assert START + timedelta(seconds=60) == caught.value.retry_at


@pytest.mark.parametrize("first", [answer(b"oops", 500), reset(), cut(head(200, {"content-length": "10"}) + b"{")])
async def test_transient_failure_is_retried(first: Reply) -> None:
    """One server error or broken connection costs a second call, and each call is observed."""
    log = CallLog()
    async with loopback(first, answer(b"[1]")) as server:
        assert [1] == (await send(server.address, log=log)).payload
    assert [("lab", "list_things", "unreachable"), ("lab", "list_things", "ok")] == log.observer.calls


async def test_no_retry_of_a_request_that_is_not_idempotent() -> None:
    """A call that may have taken effect is not repeated."""
    async with loopback(answer(b"", 500)) as server:
        with pytest.raises(Unreachable):
            await send(server.address, VendorRequest("make_thing", "/things", method="POST", idempotent=False))
        assert 1 == len(server.requests)


async def test_refused_connection() -> None:
    """Without a server there are three attempts, which end as unreachable."""
    log = CallLog()
    with pytest.raises(Unreachable):
        await send(f"http://127.0.0.1:{free_port()}", log=log)
    assert ["unreachable"] * 3 == log.observer.outcomes


@pytest.mark.parametrize(
    "reply",
    [reset(head(200, {"content-length": "10"}) + b"{"), cut(b""), cut(b"what is HTTP?\r\n\r\n")],
    ids=["reset in the body", "hung up", "not HTTP"],
)
async def test_broken_connections(reply: Reply) -> None:
    """A broken connection is unreachable."""
    assert isinstance(await failure_of(reply), Unreachable)


@pytest.mark.parametrize(
    ("reply", "limits"),
    [
        (silent(), HASTY),
        (silent(head(200, {"content-length": "10"})), HASTY),
        (trickling(), TransportLimits(read_seconds=30, call_seconds=0.2, retries=0)),
        (trickling(401), TransportLimits(read_seconds=30, call_seconds=0.2, retries=0)),
    ],
    ids=["never answers", "stalls after the headers", "trickles", "trickles a refusal"],
)
async def test_timeouts(reply: Reply, limits: TransportLimits) -> None:
    """Silence ends by the timeout between bytes, a trickle by the timeout of the whole call; neither is retried."""
    failure = await failure_of(reply, limits)

    assert isinstance(failure, TimedOut)


async def test_status_without_body() -> None:
    """A 401 whose body never arrives is still a 401."""
    failure = await failure_of(silent(head(401, {"content-length": "10"})), HASTY)

    assert isinstance(failure, CredentialsRejected)


async def test_connections_are_reused() -> None:
    """Ten calls, including failed ones, share one connection."""
    async with loopback(answer(), answer(b"no", 404), answer()) as server:
        transport = Transport(
            "lab", base_url_of(server.address), authorize, read_no_failure, clock=ManualClock(), limits=QUICK
        )
        for _ in range(10):
            try:
                await transport.send(REQUEST, None, CallContext())
            except MalformedAnswer:
                continue
        await transport.close()
        assert (10, 1) == (len(server.requests), server.connections)


async def test_cookies_are_ignored() -> None:
    """A cookie that a server sets does not change later calls."""
    async with loopback(answer(headers={"set-cookie": "a=b; Path=/"}), answer()) as server:
        await send(server.address, times=2)
        assert b"cookie" not in server.requests[1].lower()


async def test_sent_request() -> None:
    """Base path, path, query, form and authorization are sent correctly."""
    request = VendorRequest(
        "list_things", "/things", method="POST", query=(("a b", "c&d"), ("e", "ü")), form=(("x", "1 2"), ("y", "&"))
    )
    async with loopback(answer()) as server:
        await send(f"{server.address}/v1/", request)
        request_bytes = server.requests[0]
    assert request_bytes.startswith(b"POST /v1/things?a%20b=c%26d&e=%C3%BC HTTP/1.1\r\n")
    assert request_bytes.endswith(b"\r\n\r\nx=1%202&y=%26")
    assert f"authorization: bearer {SECRET}".encode().lower() in request_bytes.lower()


async def test_cancelled_call() -> None:
    """A cancelled call closes its connection, is counted, and is observed as cancelled."""
    log = CallLog()
    async with loopback(trickling()) as server:
        task = asyncio.create_task(send(server.address, log=log))
        await asyncio.wait_for(server.requested.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.hung_up.wait(), 20)
    assert (["cancelled"], 1) == (log.observer.outcomes, log.context.calls)


async def test_secrets_are_scrubbed_from_failures() -> None:
    """A vendor's text that contains the credential is scrubbed."""

    def read_failure(
        request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        return CredentialsRejected(f"the vendor said {body}\r\n{'x' * 1000}")

    async with loopback(answer(f"no key {SECRET} here".encode(), 401)) as server:
        transport = Transport(
            "lab",
            base_url_of(server.address),
            authorize,
            read_failure,
            clock=ManualClock(),
            secrets=(SECRET,),
            limits=QUICK,
        )
        with pytest.raises(CredentialsRejected) as caught:
            await transport.send(REQUEST, None, CallContext())
        await transport.close()
    assert caught.value.detail.startswith("the vendor said no key *** here")
    assert caught.value.detail.isprintable()
    assert 300 == len(caught.value.detail)
