"""Every request gets a response, and never an internal error."""

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
from tests.graphql_http.random_operations import VARIABLES, OperationAuthor

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
    """Provide one event loop for all examples."""
    with asyncio.Runner() as loop_runner:
        yield loop_runner


GATEWAY = GraphQLGateway()


def check(response: httpx.Response) -> None:
    """Assert that a response has an expected status, data or errors, and expected error codes."""
    assert response.status_code in STATUSES
    decoded: dict[str, Any] = body(response)
    assert "data" in decoded or decoded["errors"]
    assert {error["extensions"]["code"] for error in decoded.get("errors", ())} <= CODES


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=60) | requests.map(lambda request: json.dumps(request).encode("utf-8", "surrogatepass")),
    extra_headers=headers,
)
def test_any_body_is_answered(runner: asyncio.Runner, content: bytes, extra_headers: dict[str, str]) -> None:
    """Bodies are arbitrary bytes, JSON of any shape, or almost valid GraphQL."""
    raw_headers = {name: value.encode("latin-1") for name, value in extra_headers.items()}
    check(runner.run(_post(content, raw_headers)))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query_string=st.binary(max_size=40) | queries.map(lambda text: b"query=" + text.encode("utf-8", "surrogatepass"))
)
def test_any_query_string_is_answered(runner: asyncio.Runner, query_string: bytes) -> None:
    """Query strings are arbitrary bytes or almost valid."""
    check(runner.run(_get(query_string)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False), cut=st.integers(0, 400), insertion=queries)
def test_any_mutated_operation_is_answered(runner: asyncio.Runner, random: Random, cut: int, insertion: str) -> None:
    """A valid operation with a random text in the middle is answered."""
    text = OperationAuthor(graph().core, random).document()
    mutated = text[:cut] + insertion + text[cut:]
    content = json.dumps({"query": mutated, "variables": VARIABLES}).encode()
    check(runner.run(_post(content, {})))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False))
def test_any_valid_operation_is_answered_with_data(runner: asyncio.Runner, random: Random) -> None:
    """A valid operation has data and no errors, unless it exceeds a limit."""
    text = OperationAuthor(graph().core, random).document()
    response = runner.run(_post(json.dumps({"query": text, "variables": VARIABLES}).encode(), {}))
    error_codes = {error["extensions"]["code"] for error in body(response).get("errors", ())}
    assert error_codes <= {"LIMIT_EXCEEDED"}
    assert ("data" in body(response)) is not bool(error_codes)


async def _post(content: bytes, extra_headers: dict[str, bytes]) -> httpx.Response:
    async with GATEWAY.client() as client:
        all_headers = {b"content-type": b"application/json"}
        all_headers |= {name.encode(): value for name, value in extra_headers.items()}
        return await client.post("/graphql", content=content, headers=list(all_headers.items()))


async def _get(query_string: bytes) -> httpx.Response:
    # No client sends such bytes in a URL, so the application is called directly, as a server calls it.
    token = f"Bearer {TOKEN}".encode()
    scope = {
        "type": "http", "method": "GET", "path": "/graphql", "query_string": query_string, "headers": [(b"authorization", token)],
    }  # fmt: skip
    messages: list[Any] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        messages.append(message)

    await GATEWAY.app(scope, receive, send)
    return httpx.Response(messages[0]["status"], content=messages[1]["body"])
