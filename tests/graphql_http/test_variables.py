"""Usual variables and the arguments that they stand for are what graphql-core makes of them in its general way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from graphql import parse, validate
from graphql.execution import VariableValues, get_variable_values
from graphql.language import DocumentNode, OperationDefinitionNode
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadUserInput
from resolvers.operation.selection import VariableField, collect_fields
from resolvers.operation.variables import VariableCoercer
from tests.graphql_http.gateway import graph

_ID: Final = "0e3b7c1c-6a1e-5d0e-9a63-0f4c2f0f9d11"
_TEXTS: Final = (
    "query ($a: UUID!) { resource(resourceId: $a) { name } again: resource(resourceId: $a) { vendorId } }",
    "query ($a: ID!) { node(id: $a) { id } }",
    "query ($a: Int) { resources(first: $a) { totalCount } changes(first: $a) { nodes { field } } }",
    "query ($a: Int!, $b: String) { resources(first: $a, after: $b) { nodes { resourceId } } }",
    "query ($a: Int = 7, $b: String) { resources(first: $a, after: $b) { totalCount } }",
    "query ($a: Boolean!) { resources(filter: {includeDeleted: $a}) { totalCount @include(if: $a) __typename } }",
    "query ($a: Boolean) { resources(filter: {includeDeleted: $a}, first: 3) { totalCount } }",
    "query ($a: Float, $b: Int) { resources(freshness: {maxWaitSeconds: $a}, first: $b) { totalCount } }",
    "query ($a: ResourceStatus!) { resources(filter: {status: [$a]}) { totalCount } }",
    "query ($a: [TotalsKey!]) { resourceTotals(groupBy: $a) { count } }",
    "query ($a: ResourceOrderField!) { resources(orderBy: {field: $a}) { totalCount } }",
    "query ($a: DateTime, $b: Boolean) { resources { nodes { ...more } } } "
    "fragment more on Resource { history(since: $a) { nodes { field } } linkedResources(includeEnded: $b) { linkType } }",
    "query ($a: [String!], $b: Int) { resources { nodes { history(fields: $a, first: $b) { nodes { field } } } } }",
    "query ($a: ResourceFilter, $b: FreshnessDemand) { resources(filter: $a, freshness: $b) { totalCount } }",
)
_VALUES: Final = (
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.sampled_from(
        (2**31 - 1, 2**31, -(2**31) - 1, 2**64, 10**400, 1.0, 2.5, -0.0, 1e308, float("inf"), float("nan"))
    )
    | st.sampled_from(("", "a", "\0", "\ud800", "5", "RUNNING", "running", "VENDOR", "NAME", "2026-01-31T12:00:00Z"))
    | st.sampled_from((_ID, _ID.upper(), _ID.replace("-", ""), f"{{{_ID}}}", f"urn:uuid:{_ID}", f"Resource:{_ID}"))
    | st.sampled_from(([], {}, ["VENDOR"], [None], [["a"]], {"account": ["a"]}, {"maxAgeSeconds": 5}, {"no": 1}))
)
_TRIED: Final = settings(max_examples=settings().max_examples // 5)
_GIVEN: Final = st.dictionaries(st.sampled_from("aabc"), _VALUES, max_size=3)


def _operation(text: str) -> tuple[DocumentNode, OperationDefinitionNode]:
    document = parse(text)
    assert validate(graph().core, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return document, operation


def _generally(operation: OperationDefinitionNode, told: dict[str, Any]) -> VariableValues | None:
    values = get_variable_values(graph().core, operation.variable_definitions or (), dict(told), max_errors=1)
    return values if isinstance(values, VariableValues) else None


def _kinds(values: dict[str, Any]) -> str:
    """With the types of all that is in it: True is no 1 here."""
    return repr(sorted(values.items()))


@pytest.mark.parametrize("text", _TEXTS)
@_TRIED
@given(told=_GIVEN)
def test_variables(text: str, told: dict[str, Any]) -> None:
    """Whatever is given, missing or left over: the same values, or something to tell against them in both ways."""
    _, operation = _operation(text)
    expected, found = _generally(operation, told), VariableCoercer(graph().core, operation).coerce(told)
    assert (expected is None) == (found is None)
    if expected is not None and found is not None:
        assert _kinds(expected.coerced) == _kinds(found.coerced)


def _argued(varying: tuple[VariableField, ...], values: VariableValues) -> list[str] | None:
    try:
        return [_kinds(each.arguments(values)) for each in varying]
    except BadUserInput:
        return None


@pytest.mark.parametrize("text", _TEXTS)
@_TRIED
@given(first=_GIVEN, then=_GIVEN)
def test_arguments(text: str, first: dict[str, Any], then: dict[str, Any]) -> None:
    """What was reduced with some values tells with others what is reduced with those."""
    document, operation = _operation(text)
    before, after = _generally(operation, first), VariableCoercer(graph().core, operation).coerce(then)
    general = _generally(operation, then)
    if before is None or after is None or general is None:
        return
    try:
        varying = collect_fields(graph().core, document, operation, before).variable_fields
    except BadUserInput:
        return
    expected = [replace(each, fixed={}, direct=None) for each in varying]
    assert _argued(tuple(expected), general) == _argued(varying, after)
