"""The parameters of the REST route are parsed as FastAPI parses them, and errors are reported as FastAPI reports them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from db.query.shape import param_name
from domain.enums import Permission
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.freshness.summary import OperationAnswer
from resolvers.reader import Reader, ReadRequest
from supplygraph.http.rest import ResourceEndpoint
from tests.clock import ManualClock
from tests.graphql_http.gateway import MemoryAnswer

_ID: Final = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"


class ParameterReader(Reader):
    """A reader that has no resource, and stores what was to be read."""

    def __init__(self) -> None:
        self.requests: list[ReadRequest] = []

    async def compile(self, roots: Sequence[Selected], viewer: Viewer) -> ReadRequest:
        """Return a request without a statement."""
        return ReadRequest([root.key for root in roots], {}, {}, None, {})

    async def read(self, request: ReadRequest, arrival: datetime) -> OperationAnswer:
        """Return null."""
        self.requests.append(request)
        return MemoryAnswer(dict.fromkeys(request.keys))


@dataclass(frozen=True)
class Routes:
    """The endpoint, its reader, and a FastAPI application that declares the same parameters and returns their values."""

    endpoint: ResourceEndpoint
    reader: ParameterReader
    reference: FastAPI

    async def check(self, resource_id: str, query_string: bytes) -> int:
        """Compare the two for one request, and return the reference's status."""
        status, expected = await _get(self.reference, resource_id, query_string)
        own_status, own = await _get(self.endpoint, resource_id, query_string)
        if status == 422:
            entries = [{key: entry[key] for key in ("loc", "msg", "type")} for entry in expected["detail"]]
            assert (own_status, own) == (422, {"detail": entries})
        else:
            request = self.reader.requests.pop()
            (demand,) = request.demands.values()
            assert (status, own_status) == (200, 404)
            assert request.params[param_name(0)] == expected["resource_id"]
            assert demand.force == expected["force_refresh"]
        assert self.reader.requests == []
        return status


def _reference() -> FastAPI:
    app = FastAPI()

    @app.get("/resources/{resource_id}")
    async def get_resource(resource_id: UUID, force_refresh: bool = False) -> dict[str, object]:
        return {"resource_id": str(resource_id), "force_refresh": force_refresh}

    return app


async def _authenticate(_: Sequence[bytes]) -> Viewer:
    return Viewer("tests", frozenset({Permission.ADMIN}))


async def _get(app: ASGIApp, resource_id: str, query_string: bytes) -> tuple[int, dict[str, Any]]:
    """Send a request as a server passes it on, and return status and body."""
    path = f"/resources/{resource_id}"
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query_string, "headers": []}
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *parts = messages
    return start["status"], json.loads(b"".join(part["body"] for part in parts))


@pytest.fixture(scope="module")
def routes() -> Routes:
    """Return both applications."""
    reader = ParameterReader()
    endpoint = ResourceEndpoint(reader, _authenticate, ManualClock(), FreshnessRules(), lambda _: 0.0)
    return Routes(endpoint, reader, _reference())


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """Return a runner for the examples of a property."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize(
    ("status", "resource_id"),
    [
        (200, _ID),
        (200, _ID.upper()),
        (200, _ID.replace("-", "")),
        (200, f"{{{_ID}}}"),
        (200, f"urn:uuid:{_ID}"),
        (422, "nonsense"),
        (422, _ID[:-1]),
        (422, f"{_ID}0"),
        (422, f" {_ID}"),
        (422, f"{_ID}\n"),
        (422, "'; drop table resources"),
        (422, "ä" * 300),
    ],
)
async def test_the_resource_id_is_a_uuid(routes: Routes, status: int, resource_id: str) -> None:
    """Every spelling that FastAPI takes is taken. The message for any other is FastAPI's own."""
    assert await routes.check(resource_id, b"") == status


@pytest.mark.parametrize(
    ("status", "query_string"),
    [
        (200, b""),
        (200, b"force_refresh=true"),
        (200, b"force_refresh=TRUE"),
        (200, b"force_refresh=1"),
        (200, b"force_refresh=yes&other=1"),
        (200, b"force_refresh=off"),
        (200, b"force_refresh=0&force_refresh=1"),
        (200, b"FORCE_REFRESH=nonsense"),
        (200, b"force%5Frefresh=on"),
        (422, b"force_refresh"),
        (422, b"force_refresh="),
        (422, b"force_refresh=2"),
        (422, b"force_refresh=+true"),
        (422, b"force_refresh=1&force_refresh=x"),
        (422, b"force_refresh=%FF%00"),
        (422, b"force_refresh=true;x"),
        (422, b"force_refresh=\xff"),
    ],
)
async def test_force_refresh_is_a_boolean(routes: Routes, status: int, query_string: bytes) -> None:
    """Of several values the last one counts, and other parameters are ignored."""
    assert await routes.check(_ID, query_string) == status


async def test_both_errors_are_reported(routes: Routes) -> None:
    """The one of the path comes first."""
    assert await routes.check("nonsense", b"force_refresh=nonsense") == 422
    _, body = await _get(routes.endpoint, "nonsense", b"force_refresh=nonsense")
    assert [entry["loc"] for entry in body["detail"]] == [["path", "resource_id"], ["query", "force_refresh"]]


_SEGMENTS: Final = st.one_of(
    st.uuids().map(str),
    st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1),
    st.text("0123456789abcdefABCDEF-{}", min_size=30, max_size=38),
)
_QUERY_STRINGS: Final = st.one_of(
    st.binary(),
    st.sampled_from([b"true", b"false", b"on", b"off", b"t", b"n", b"2", b"%31", b"", b" "]).map(
        b"force_refresh=".__add__
    ),
    st.text("aefflorstu012=&%_+;", max_size=30).map(lambda text: b"force_refresh=" + text.encode()),
)


@given(_SEGMENTS, _QUERY_STRINGS)
@example(_ID, b"force_refresh=false&force_refresh=true")
def test_any_parameters_are_parsed_alike(
    runner: asyncio.Runner, routes: Routes, resource_id: str, query_string: bytes
) -> None:
    """Values and errors are FastAPI's, for every path segment and query string."""
    assert runner.run(routes.check(resource_id, query_string)) in {200, 422}
