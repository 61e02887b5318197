"""Whatever is sent, it is answered, and never with a fault of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graphql_http.gateway import TOKEN, GraphQLGateway, body, graph
from tests.graphql_http.operations import VARIABLES, Author

CODES = {
    "BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED", "UNAUTHENTICATED", "FORBIDDEN",
}  # fmt: skip
STATUSES = {200, 400, 401, 405, 406, 413, 415}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
words = st.sampled_from(
    ["{", "}", "(", ")", "[", "]", ":", "!", "$", "@", "...", "on", "query", "fragment", "mutation", "resources", "nodes",
     "name", "Resource", "first", "filter", "1", "-1.5e9", '"x"', '"""y"""', "null", "true", "RUNNING", "#c\n", "\ufeff", "\x00",
     "__typename", "__schema", "$v", "@skip(if: $v)", "@include(if: true)", "é", "\ud83d\ude00", "first: $v", "accounts",
     "{ name }"]
)  # fmt: skip
queries = st.lists(words, max_size=24).map(" ".join) | st.text(max_size=40)
requests = st.fixed_dictionaries(
    {}, optional={"query": queries | values, "variables": values, "operationName": values, "extensions": values}
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(
            ["*/*", "application/json", "application/graphql-response+json", "a/b", ";;q=,,", "\xff"]
        ),
        "Content-Encoding": st.sampled_from(["identity", "gzip"]),
    },
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop for all examples."""
    with asyncio.Runner() as running:
        yield running


GATEWAY = GraphQLGateway()


def check(response: httpx.Response) -> None:
    """An answer of ours: a known status, and errors with known codes or data."""
    assert response.status_code in STATUSES
    told: dict[str, Any] = body(response)
    assert "data" in told or told["errors"]
    assert {error["extensions"]["code"] for error in told.get("errors", ())} <= CODES


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.binary(max_size=60) | requests.map(lambda told: json.dumps(told).encode("utf-8", "surrogatepass")),
    more=headers,
)
def test_any_body_is_answered(runner: asyncio.Runner, sent: bytes, more: dict[str, str]) -> None:
    """Bytes, JSON of any shape, and near misses of GraphQL."""
    raw = {name: value.encode("latin-1") for name, value in more.items()}
    check(runner.run(_post(sent, raw)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query_string=st.binary(max_size=40) | queries.map(lambda text: b"query=" + text.encode("utf-8", "surrogatepass"))
)
def test_any_query_string_is_answered(runner: asyncio.Runner, query_string: bytes) -> None:
    """Query strings of any kind."""
    check(runner.run(_get(query_string)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False), cut=st.integers(0, 400), odd=queries)
def test_any_mutilation_of_an_operation_is_answered(runner: asyncio.Runner, random: Random, cut: int, odd: str) -> None:
    """Valid operations with something foreign in the middle."""
    text = Author(graph().core, random).document()
    mutilated = text[:cut] + odd + text[cut:]
    sent = json.dumps({"query": mutilated, "variables": VARIABLES}).encode()
    check(runner.run(_post(sent, {})))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False))
def test_any_valid_operation_is_answered_with_data(runner: asyncio.Runner, random: Random) -> None:
    """Valid operations within the limits have data and no errors."""
    text = Author(graph().core, random).document()
    response = runner.run(_post(json.dumps({"query": text, "variables": VARIABLES}).encode(), {}))
    told = {error["extensions"]["code"] for error in body(response).get("errors", ())}
    assert told <= {"LIMIT_EXCEEDED"}
    assert ("data" in body(response)) is not bool(told)


async def _post(sent: bytes, more: dict[str, bytes]) -> httpx.Response:
    async with GATEWAY.client() as client:
        told = {b"content-type": b"application/json", **{name.encode(): value for name, value in more.items()}}
        return await client.post("/graphql", content=sent, headers=list(told.items()))


async def _get(query_string: bytes) -> httpx.Response:
    # No client sends such bytes in an address, so the application is called as a server calls it.
    token = f"Bearer {TOKEN}".encode()
    scope = {
        "type": "http", "method": "GET", "path": "/graphql", "query_string": query_string, "headers": [(b"authorization", token)],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await GATEWAY.app(scope, receive, send)
    return httpx.Response(sent[0]["status"], content=sent[1]["body"])
