"""Our validation rules report what the rules of the GraphQL specification report."""

from __future__ import annotations

import pytest
from graphql import parse, specified_rules, validate

from resolvers.operation.document import RULES
from tests.graphql_http.gateway import graph


@pytest.mark.parametrize(
    "text",
    [
        "{ nope }",
        "{ resources { nodes } }",
        "{ resources(first: 1, first: 2) { totalCount } }",
        "query A { accounts { name } } query A { accounts { name } }",
        "query ($n: Int, $n: Int) { resources(first: $n) { totalCount } }",
        "query ($n: String) { resources(first: $n) { totalCount } }",
        "query ($unused: Int) { accounts { name } }",
        "{ ...F } fragment F on Query { accounts { ...G } } fragment G on VendorAccount { name ...G }",
        "{ ...F } fragment F on Nothing { name } fragment Unused on Query { accounts { name } }",
        "{ resources { totalCount: pageInfo { endCursor } totalCount } }",
        "{ accounts @include(if: 1) @nope @skip(if: true) @skip(if: true) { name } }",
        "{ resources(filter: {vendor: 5, nope: 1, vendor: 6}) { totalCount } }",
        'subscription { accounts { name } } { node(id: "x") { ... on VendorAccount { name } } }',
        "type Query { a: Int } { accounts { name } }",
        "{ accounts { name } }",
    ],
)
def test_errors_equal_those_of_the_specified_rules(text: str) -> None:
    """They have the same texts and the same order, also if the rules are used again."""
    core, document = graph().core, parse(text)
    expected = [error.formatted for error in validate(core, document, specified_rules)]
    for _ in range(2):
        assert [error.formatted for error in validate(core, document, RULES)] == expected
