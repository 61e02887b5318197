"""HTTP around an operation: methods, media types, bodies and authentication."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from urllib.parse import quote

import httpx
import pytest

from domain.errors import Forbidden
from tests.graphql_http.gateway import TOKEN, GraphQLGateway, body, codes

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
NAMES = "{ accounts { name } }"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("", JSON),
        (f"{GRAPHQL}, {JSON}", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{GRAPHQL};charset=utf-8", GRAPHQL),
        (f"{GRAPHQL};charset=latin1, {JSON}", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{GRAPHQL.upper()} ; Q=0.5", GRAPHQL),
        (f"text/html, {JSON};q=0.2", JSON),
    ],
)
async def test_media_type_is_negotiated(accept: str, media: str) -> None:
    """The response has the media type that the client prefers, and JSON if it accepts anything."""
    response = await GraphQLGateway().post(NAMES, accept)
    assert 200 == response.status_code
    assert f"{media}; charset=utf-8" == response.headers["content-type"]


@pytest.mark.parametrize(
    "accept", ["text/plain", "image/*", f"{JSON};q=0", f"{JSON};q=nan", "application/json2", ";q=1"]
)
async def test_nothing_acceptable_is_406(accept: str) -> None:
    """A client that accepts neither media type gets a list of the supported ones."""
    response = await GraphQLGateway().post(NAMES, accept)
    assert 406 == response.status_code
    assert GRAPHQL in response.text


async def test_responses_are_private() -> None:
    """No cache may give a response to another client."""
    response = await GraphQLGateway().post(NAMES)
    assert "private, no-cache" == response.headers["cache-control"]
    assert "Authorization" in response.headers["vary"]


async def test_get_runs_queries() -> None:
    """The operation of a GET request is in the query string."""
    gateway = GraphQLGateway()
    async with gateway.client(Accept=GRAPHQL) as client:
        response = await client.get(
            "/graphql",
            params={
                "query": "query A($n: Int!) { changes(first: $n) { nodes { field } } } query B { accounts { name } }",
                "variables": '{"n": 3}',
                "operationName": "A",
                "extensions": "{}",
            },
        )
    assert 200 == response.status_code
    assert 3 == gateway.reader.argument("first")


async def test_get_refuses_other_operations_with_405() -> None:
    """A mutation by GET is the wrong method, even if it is not valid."""
    gateway = GraphQLGateway()
    async with gateway.client() as client:
        response = await client.get("/graphql", params={"query": "mutation { anything }"})
    assert (405, "POST") == (response.status_code, response.headers["allow"])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
async def test_other_methods_are_405(method: str) -> None:
    """The response lists the allowed methods and contains a GraphQL error."""
    async with GraphQLGateway().client() as client:
        response = await client.request(method, "/graphql")
    assert (405, "GET, HEAD, POST") == (response.status_code, response.headers["allow"])
    assert ["BAD_USER_INPUT"] == codes(response)


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json; charset=utf-16", ""],
)
async def test_other_bodies_are_415(media: str) -> None:
    """A body that is not JSON in UTF-8 is not decoded."""
    response = await GraphQLGateway().post_body(b'{"query": "{ __typename }"}', **{"Content-Type": media})
    assert 415 == response.status_code


async def test_compressed_bodies_are_415() -> None:
    """A compressed body is not decompressed, because it could become very large."""
    response = await GraphQLGateway().post_body(b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert 415 == response.status_code


@pytest.mark.parametrize(
    "media", ["application/json", "application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"']
)
async def test_json_is_read_in_utf_8(media: str) -> None:
    """JSON is accepted with and without a charset."""
    response = await GraphQLGateway().post_body(b'{"query": "{ __typename }"}', **{"Content-Type": media})
    assert {"data": {"__typename": "Query"}} == body(response)


@pytest.mark.parametrize(
    "content",
    [
        b"", b" \n", b"1", b'"x"', b"null", b"true", b"[]", b"{}", b"{", b"{'query': 1}", b"\xff\xfe", b'{"query": "\xff"}',
        b'{"query": "\\ud800"}', b'{"query": null}', b'{"query": ""}', b'{"query": " "}', b'{"query": 1}', b'{"query": ["{a}"]}',
        b'[{"query": "{ __typename }"}]', b"[" * 100_000, b'{"a":' * 100_000, b'{"query": "{ __typename }"}{}', b"\xef\xbb\xbf{}",
        b'{"query": "{ __typename }", "variables": "x"}', b'{"query": "{ __typename }", "variables": []}',
        b'{"query": "{ __typename }", "variables": 1e999}', b'{"query": "{ __typename }", "operationName": 1}',
        b'{"query": "{ __typename }", "extensions": 0}', b'{"query": "{ __typename }", "extensions": "x"}', b"NaN",
    ],
)  # fmt: skip
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_invalid_requests_are_400(content: bytes, accept: str) -> None:
    """A body that is not a GraphQL request gets status 400 and an error, in both media types."""
    gateway = GraphQLGateway()
    response = await gateway.post_body(content, Accept=accept)
    assert (400, ["BAD_USER_INPUT"]) == (response.status_code, codes(response))
    assert [] == gateway.reader.requests


async def test_batches_are_refused_by_name() -> None:
    """The error names batches, instead of only the wrong type."""
    response = await GraphQLGateway().post_body(b'[{"query": "{ __typename }"}]')
    assert "Batches" in body(response)["errors"][0]["message"]


async def test_null_and_unknown_parameters_are_fine() -> None:
    """A null parameter counts as omitted, and unknown parameters are ignored."""
    response = await GraphQLGateway().post(
        "{ __typename }", variables=None, operationName=None, extensions=None, later=1
    )
    assert {"data": {"__typename": "Query"}} == body(response)


@pytest.mark.parametrize(
    "query_string",
    [
        "", "query=", "query=%FF", "query=%7B__typename%7D&query=%7B__typename%7D", "query=%7B__typename%7D&variables=x",
        "query=%7B__typename%7D&variables=%5B%5D", "query=%7B__typename%7D&extensions=1", "&".join(f"a{n}=" for n in range(99)),
        "query=%7B__typename%7D&variables=" + quote("[" * 2000),
    ],
)  # fmt: skip
async def test_bad_query_strings_are_400(query_string: str) -> None:
    """The query string is checked as strictly as a body."""
    async with GraphQLGateway().client() as client:
        response = await client.get(f"/graphql?{query_string}")
    assert (400, ["BAD_USER_INPUT"]) == (response.status_code, codes(response))


async def test_empty_parameters_of_get_are_ignored() -> None:
    """HTML forms send empty parameters, which count as omitted."""
    async with GraphQLGateway().client() as client:
        response = await client.get("/graphql?query=%7B__typename%7D&variables=&operationName=&extensions=")
    assert {"data": {"__typename": "Query"}} == body(response)


async def test_large_bodies_are_413() -> None:
    """A body over the limit is refused by its Content-Length, with the limit and the count."""
    response = await GraphQLGateway().post_body(b" " * 1_000_001)
    assert 413 == response.status_code
    assert {"code": "LIMIT_EXCEEDED", "limit": "bytes of body", "allowed": 1_000_000, "count": 1_000_001} == (
        body(response)["errors"][0]["extensions"]
    )


@pytest.mark.parametrize("length", [None, "5", "9" * 30, "-1", "x", "٣"])
async def test_bodies_with_a_wrong_length_are_413(length: str | None) -> None:
    """A body with a false or without a Content-Length is read only up to the limit."""
    sent_bytes = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent_bytes
        while True:
            sent_bytes += 100_000
            yield b" " * 100_000

    headers = [(b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", length.encode()))
    async with GraphQLGateway().client() as client:
        request = httpx.Request(
            "POST", "http://gateway/graphql", headers=[*client.headers.raw, *headers], stream=_ChunkStream(endless())
        )
        response = await client.send(request)
    assert 413 == response.status_code
    assert sent_bytes <= 1_200_000


class _ChunkStream(httpx.AsyncByteStream):
    """A body that httpx sends unchanged, without a Content-Length of its own."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            yield chunk


@pytest.mark.parametrize("accept", [GRAPHQL, JSON, "*/*", "text/plain"])
@pytest.mark.parametrize("content", [b'{"query": "{ __typename }"}', b"{", b" " * 2_000_000])
async def test_authentication_precedes_everything_else(accept: str, content: bytes) -> None:
    """Without a valid token the body is not read. The response is 401 with a GraphQL error and the scheme."""
    gateway = GraphQLGateway()
    response = await gateway.post_body(content, Authorization="Bearer wrong", Accept=accept)
    assert (401, "Bearer") == (response.status_code, response.headers["www-authenticate"])
    assert ["UNAUTHENTICATED"] == codes(response)
    assert 0 == len(gateway.reader.requests)
    assert TOKEN not in response.text


@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_token_without_permission_is_403(accept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without the permission `read` is refused before anything is read."""

    async def refuse(_request: object) -> None:
        raise Forbidden("Reading needs the permission 'read', which this token does not have.")

    monkeypatch.setattr("tests.graphql_http.gateway.authenticate", refuse)
    response = await GraphQLGateway().post(NAMES, accept)
    assert (403, ["FORBIDDEN"]) == (response.status_code, codes(response))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_browsers_get_the_page_without_a_token(method: str) -> None:
    """The page of GraphiQL is public. It asks the user for a token."""
    async with GraphQLGateway().client(Accept=BROWSER, Authorization="") as client:
        response = await client.request(method, "/graphql")
    assert (200, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/graphql?query=%7B__typename%7D", BROWSER),
        ("POST", "/graphql", BROWSER),
        ("GET", "/graphql", "*/*"),
        ("GET", "/graphql", f"{JSON}, text/html;q=0.5"),
        ("GET", "/graphql", f"{JSON}, text/html;q=0"),
    ],
)
async def test_only_browsers_get_the_page(method: str, path: str, accept: str) -> None:
    """A client that does not prefer HTML, or that sends an operation, needs a token."""
    async with GraphQLGateway().client(Accept=accept, Authorization="") as client:
        response = await client.request(method, path)
    assert 401 == response.status_code


async def test_invalid_operation_names_are_400() -> None:
    """An unknown name, or a missing name in a document with several operations, is an error of `operationName`."""
    for query, name in [("query A { __typename }", "B"), ("query A { __typename } query B { __typename }", None)]:
        response = await GraphQLGateway().post(query, operationName=name)
        assert 400 == response.status_code
        assert {"code": "BAD_USER_INPUT", "argument": "operationName"} == body(response)["errors"][0]["extensions"]


@pytest.mark.parametrize(
    "query", ["fragment F on Query { __typename }", "type Query { a: Int }", "subscription { a }", "mutation { a }"]
)
async def test_documents_without_a_query_are_400(query: str) -> None:
    """The document has no operation, or one of a kind that the graph does not support."""
    response = await GraphQLGateway().post(query)
    assert 400 == response.status_code
    assert {"GRAPHQL_VALIDATION_FAILED"} == set(codes(response))


async def test_a_disconnect_while_sending_is_not_an_error() -> None:
    """A client that disconnects in the middle of its body causes neither a read nor an error."""
    gateway = GraphQLGateway()
    events: Iterator[dict[str, object]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )
    headers = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}

    async def receive() -> dict[str, object]:
        return next(events)

    async def send(_message: object) -> None:
        """Ignore the response, because the client has disconnected."""

    await gateway.app(scope, receive, send)
    assert [] == gateway.reader.requests


async def test_websockets_are_not_served() -> None:
    """A WebSocket is rejected before it is accepted, because HTTP is the only transport."""
    messages: list[MutableMapping[str, object]] = []
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "query_string": b"",
        "headers": [],
        "subprotocols": ["graphql-ws"],
    }

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, object]) -> None:
        messages.append(message)

    await GraphQLGateway().app(scope, receive, send)
    assert ["websocket.close"] == [message["type"] for message in messages]


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_persisted_queries_fall_back(accept: str) -> None:
    """A request with only a hash gets the code on which Apollo's link sends the text. With the text the hash is ignored."""
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    async with GraphQLGateway().client() as client:
        headers = {"Accept": accept}
        refused = await client.post("/graphql", json={"operationName": None, "extensions": extensions}, headers=headers)
        body = {"query": "{ __typename }", "extensions": extensions}
        answered = await client.post("/graphql", json=body, headers=headers)
    assert ["PERSISTED_QUERY_NOT_SUPPORTED"] == codes(refused)
    assert "PersistedQueryNotSupported" == refused.json()["errors"][0]["message"]
    assert {"__typename": "Query"} == answered.json()["data"]
