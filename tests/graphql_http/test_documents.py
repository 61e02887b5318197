"""Documents are prepared once a text, and what is kept is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from graphql import parse, validate

import supplygraph.graphql_documents as documents
from domain.rules import OperationLimits
from supplygraph.graphql_documents import Documents
from supplygraph.graphql_rules import RULES
from tests.graphql_http.gateway import Gateway, graph


@dataclass
class Work:
    """How often graphql-core was put to work, and with which rules."""

    parsed: int = 0
    validated: int = 0
    rules: tuple[object, ...] = ()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts parses and validations; both still happen."""
    counted = Work()

    def counting_parse(*given: Any, **named: Any) -> Any:
        counted.parsed += 1
        return parse(*given, **named)

    def counting_validate(schema: Any, document: Any, rules: Any, **named: Any) -> Any:
        counted.validated += 1
        counted.rules = rules
        return validate(schema, document, rules, **named)

    monkeypatch.setattr(documents, "parse", counting_parse)
    monkeypatch.setattr(documents, "validate", counting_validate)
    return counted


async def test_a_text_is_parsed_and_validated_once(work: Work) -> None:
    """Requests with the same text, whatever their variables, share one parse and one validation."""
    gateway = Gateway()
    async with gateway.client() as client:
        for size in range(1, 6):
            query = "query($n: Int!) { changes(first: $n) { nodes { field } } }"
            response = await client.post("/graphql", json={"query": query, "variables": {"n": size}})
            assert 200 == response.status_code
    assert (1, 1) == (work.parsed, work.validated)
    assert [1, 2, 3, 4, 5] == [roots[0].arguments["first"] for roots, _, _ in gateway.reader.asked]


@pytest.mark.parametrize("text", ["{", "{ nope }", "{ resources { } }", "{ " + "a: __typename " * 999 + "}"])
def test_a_text_that_is_refused_is_looked_at_once(text: str, work: Work) -> None:
    """The same mistake sent again costs no second look, and is told the same way."""
    prepare = Documents(graph().core, OperationLimits()).prepare
    first = prepare(text)
    assert first.errors
    assert first is prepare(text)
    assert 1 == work.parsed


def test_rules_are_built_once(work: Work) -> None:
    """Every validation gets the very same rules."""
    kept = Documents(graph().core, OperationLimits())
    kept.prepare("{ __typename }")
    first = work.rules
    kept.prepare("{ a: __typename }")
    assert first is work.rules
    assert RULES is first


def test_what_is_kept_is_bounded_by_its_size(work: Work) -> None:
    """The least recently used text goes when all of them hold too much; one that is larger than all is not kept."""
    kept = Documents(graph().core, OperationLimits(), text_bytes=4 * 4_100)
    for name in "abab":
        kept.prepare(f"{{ {name}: __typename }}")
    assert 2 == work.parsed
    for name in "cdef":
        kept.prepare(f"{{ {name}: __typename }}")
    assert 6 == work.parsed
    # The last two of those that were asked once, and those that were asked again.
    for name in "efab":
        assert kept.kept(f"{{ {name}: __typename }}")
    for name in "cd":
        assert kept.kept(f"{{ {name}: __typename }}") is None
    huge = "{ __typename } #" + "x" * 20_000
    assert kept.prepare(huge) is not kept.prepare(huge)


def test_a_flood_displaces_nothing_that_is_in_use(work: Work) -> None:
    """However many texts are sent once."""
    kept = Documents(graph().core, OperationLimits(), text_bytes=20_000)
    for _ in range(2):
        kept.prepare("{ hot: __typename }")
    for number in range(30):
        kept.prepare(f"{{ a{number}: __typename }}")
    parsed = work.parsed
    kept.prepare("{ hot: __typename }")
    assert parsed == work.parsed
    assert kept.fill <= 1
