"""The fast path for common variables gives the same values and arguments as graphql-core."""

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
_FEW_EXAMPLES: Final = settings(max_examples=settings().max_examples // 5)
_VARIABLES: Final = st.dictionaries(st.sampled_from("aabc"), _VALUES, max_size=3)


def _operation(text: str) -> tuple[DocumentNode, OperationDefinitionNode]:
    document = parse(text)
    assert validate(graph().core, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return document, operation


def _coerce_by_graphql_core(operation: OperationDefinitionNode, variables: dict[str, Any]) -> VariableValues | None:
    values = get_variable_values(graph().core, operation.variable_definitions or (), dict(variables), max_errors=1)
    return values if isinstance(values, VariableValues) else None


def _typed_repr(values: dict[str, Any]) -> str:
    """Return a text that distinguishes types, unlike equality, by which True is 1."""
    return repr(sorted(values.items()))


@pytest.mark.parametrize("text", _TEXTS)
@_FEW_EXAMPLES
@given(variables=_VARIABLES)
def test_variables(text: str, variables: dict[str, Any]) -> None:
    """Valid, invalid, missing and unused variables give the same values, or errors on both paths."""
    _, operation = _operation(text)
    expected = _coerce_by_graphql_core(operation, variables)
    values = VariableCoercer(graph().core, operation).coerce(variables)
    assert (expected is None) == (values is None)
    if expected is not None and values is not None:
        assert _typed_repr(expected.coerced) == _typed_repr(values.coerced)


def _describe_arguments(fields: tuple[VariableField, ...], values: VariableValues) -> list[str] | None:
    try:
        return [_typed_repr(field.arguments(values)) for field in fields]
    except BadUserInput:
        return None


@pytest.mark.parametrize("text", _TEXTS)
@_FEW_EXAMPLES
@given(first=_VARIABLES, second=_VARIABLES)
def test_arguments(text: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Fields that were collected with one set of values give the right arguments for another set."""
    document, operation = _operation(text)
    first_values = _coerce_by_graphql_core(operation, first)
    values = VariableCoercer(graph().core, operation).coerce(second)
    expected_values = _coerce_by_graphql_core(operation, second)
    if first_values is None or values is None or expected_values is None:
        return
    try:
        fields = collect_fields(graph().core, document, operation, first_values).variable_fields
    except BadUserInput:
        return
    # Without the parts that were computed in advance, graphql-core evaluates every argument.
    unprepared = [replace(field, fixed={}, direct=None) for field in fields]
    assert _describe_arguments(tuple(unprepared), expected_values) == _describe_arguments(fields, values)
