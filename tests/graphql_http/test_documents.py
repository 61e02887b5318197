"""An operation is parsed, validated and compiled once for all clients, and the cache is bounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import parse, validate

from domain.cache import LRUCache
from resolvers.operation import compiler, document
from resolvers.operation.document import RULES
from tests.graphql_http.gateway import GraphQLGateway


@dataclass
class WorkCount:
    """The number of calls to graphql-core, and the validation rules of the last one."""

    parsed: int = 0
    validated: int = 0
    rules: tuple[object, ...] = ()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> WorkCount:
    """Count parses and validations, which still happen."""
    count = WorkCount()

    def counting_parse(*arguments: Any, **options: Any) -> Any:
        count.parsed += 1
        return parse(*arguments, **options)

    def counting_validate(schema: Any, parsed: Any, rules: Any, **options: Any) -> Any:
        count.validated += 1
        count.rules = rules
        return validate(schema, parsed, rules, **options)

    monkeypatch.setattr(document, "parse", counting_parse)
    monkeypatch.setattr(document, "validate", counting_validate)
    return count


async def test_a_text_is_parsed_and_validated_once(work: WorkCount) -> None:
    """Requests with the same text share one parse and one validation, even if their variables differ."""
    gateway = GraphQLGateway()
    query = "query($n: Int!) { changes(first: $n) { nodes { field } } }"
    for size in range(1, 6):
        assert 200 == (await gateway.post(query, variables={"n": size})).status_code
    assert (1, 1) == (work.parsed, work.validated)
    assert [1, 2, 3, 4, 5] == [gateway.reader.argument("first", number) for number in range(5)]


async def test_concurrent_requests_share_one_compilation(work: WorkCount) -> None:
    """Requests that arrive while their text is being compiled wait for the result."""
    gateway = GraphQLGateway()
    async with gateway.client() as client:
        requests = (client.post("/graphql", json={"query": "{ accounts { name } }"}) for _ in range(20))
        answers = await asyncio.gather(*requests)
    assert {200} == {answer.status_code for answer in answers}
    assert (1, 1) == (work.parsed, work.validated)


@pytest.mark.parametrize("text", ["{", "{ nope }", "{ resources { } }", "{ " + "a: __typename " * 999 + "}"])
async def test_an_invalid_text_is_parsed_once(text: str, work: WorkCount) -> None:
    """A second request with the same invalid text gets the same response from the cache."""
    gateway = GraphQLGateway()
    first, second = await gateway.post(text), await gateway.post(text)
    assert 400 == first.status_code
    assert first.content == second.content
    assert 1 == work.parsed


async def test_rules_are_built_once(work: WorkCount) -> None:
    """Every validation gets the same rule objects."""
    await GraphQLGateway().post("{ __typename }")
    assert RULES is work.rules


async def test_a_flood_evicts_nothing_that_is_in_use(work: WorkCount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that are sent once do not evict one that is sent repeatedly, and the cache stays within its bound."""
    monkeypatch.setattr(compiler, "_CACHE_BYTES", (400_000, 200_000))
    gateway = GraphQLGateway()
    for _ in range(2):
        await gateway.post("{ hot: __typename }")
    for number in range(30):
        await gateway.post(f"{{ a{number}: __typename }}")
    parsed = work.parsed
    await gateway.post("{ hot: __typename }")
    assert parsed == work.parsed
    operations = gateway.compiler._operations
    assert isinstance(operations, LRUCache)
    assert operations.fill <= 1
    assert len(operations) < 10
