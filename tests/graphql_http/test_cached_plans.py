"""A cached plan reads the same as a new plan of the operation with the same variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest
from graphql import GraphQLError
from graphql.execution import VariableValues, get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from db.query import cursors
from db.query.shape import Value
from db.query.sql.statement import StatementCompiler
from domain.enums import Permission
from domain.errors import ReaderError
from domain.rules import FreshnessRules, OperationLimits
from domain.viewer import Viewer
from resolvers.operation.document import read_document
from resolvers.operation.operation import Operation
from resolvers.operation.plan import Plan, build_plan
from resolvers.operation.selection import VariableField, collect_fields
from resolvers.reader import viewer_params
from tests.graphql_http.gateway import graph

_IDS: Final = ("0e3b7c1c-6a1e-5d0e-9a63-0f4c2f0f9d11", "0e3b7c1c-6a1e-5d0e-9a63-0f4c2f0f9d12")
_CURSORS: Final = tuple(
    cursors.encode("CREATED_AT:DESC", value, _IDS[0]) for value in ("2026-01-01T00:00:00.000000Z", None)
)
_TEXTS: Final = (
    "query ($v: [String!], $id: UUID!) { resources(filter: {vendor: $v}) { totalCount } resource(resourceId: $id) { name } }",
    "query ($id: UUID, $more: UUID!) { resources(filter: {linkedTo: $id}) { totalCount } resource(resourceId: $more) { name } }",
    "query ($after: String, $n: Int! = 5, $m: Int! = 2) "
    "{ a: resources(after: $after, first: $n) { nodes { name } } b: resources(first: $m) { nodes { vendorId } } }",
    "query ($after: String, $m: Int) "
    "{ resources(after: $after) { nodes { history(first: $m) { nodes { field } } } } changes(first: $m) { nodes { field } } }",
    "query ($id: UUID!, $since: DateTime, $m: Int! = 3, $with: Boolean! = true) {"
    " a: resource(resourceId: $id) { name history(first: $m, since: $since) { nodes { field } } }"
    " b: resource(resourceId: $id) @include(if: $with) { name history(since: $since) { nodes { field } } }"
    " c: resource(resourceId: $id) { name } }",
    f'query ($id: UUID! = "{_IDS[0]}", $v: [String!]) {{ resourceTotals(filter: {{vendor: $v}}) {{ count }}'
    " resource(resourceId: $id) { name } }",
    "query ($f: ResourceFilter, $id: ID!) { resources(filter: $f) { totalCount } node(id: $id) { id } }",
    "query ($id: UUID!, $age: Int, $force: Boolean! = false) "
    "{ resource(resourceId: $id, freshness: {maxAgeSeconds: $age, forceRefresh: $force}) { status } }",
)
_ID: Final = st.sampled_from((*_IDS, _IDS[0].upper(), None, "no id", 5))
_VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "v": st.sampled_from((["aws"], ["aws", "lambda"], [], None)),
    "f": st.sampled_from(
        (None, {}, {"vendor": ["aws"]}, {"nameContains": "x", "account": ["a"]}, {"linkedTo": _IDS[1]})
    ),
    "id": _ID,
    "more": _ID,
    "after": st.sampled_from((*_CURSORS, None, "no cursor")),
    "n": st.sampled_from((1, 5, 1000, 0, None)),
    "m": st.sampled_from((1, 2, 3, None)),
    "since": st.sampled_from(("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", None)),
    "with": st.booleans(),
    "age": st.sampled_from((0, 1, 60, None)),
    "force": st.booleans(),
}
_VARIABLES: Final = st.fixed_dictionaries({}, optional=_VALUES)
_VIEWERS: Final = tuple(
    Viewer("t", frozenset({Permission.READ, *permissions}), accounts)
    for permissions, accounts in (((Permission.REFRESH,), None), ((), None), ((), frozenset({"lab"})))
)


_STATEMENTS: Final = StatementCompiler(sqlite.dialect())
_RULES: Final = FreshnessRules()


def _sql(plan: Plan, params: Mapping[str, Value], viewer: Viewer) -> object:
    """Return everything by which a plan is read: the statement, its values, the demands and the required permissions."""
    statement = _STATEMENTS.compile(plan.shapes, restricted=viewer.accounts is not None)
    return statement.sql, statement.bind(viewer_params(viewer, params)), plan.demands, plan.keys, plan.requirements


def _new_plan(
    operation: Operation, values: VariableValues
) -> tuple[Plan, dict[str, Value], tuple[VariableField, ...]] | None:
    """Return a new plan of the operation; None if any part of it is refused."""
    assert operation.document is not None
    assert operation.definition is not None
    try:
        selection = collect_fields(graph().core, operation.document, operation.definition, values)
    except ReaderError:
        return None
    plan, params = build_plan(selection, _RULES)
    return None if plan.errors else (plan, params, selection.variable_fields)


def _cached_plan(operation: Operation, variables: Mapping[str, object]) -> tuple[Plan, Mapping[str, Value]] | None:
    try:
        bound = operation.bind(variables)
    except (ReaderError, GraphQLError):
        return None
    plan = None if bound is None else operation.find_plan(bound)
    return None if bound is None or plan is None else (plan, {**plan.literals, **bound.params})


@pytest.mark.parametrize("text", _TEXTS)
@settings(max_examples=settings().max_examples // 2)
@given(series=st.lists(st.tuples(_VARIABLES, st.sampled_from(_VIEWERS)), min_size=2, max_size=6))
def test_a_cached_plan_reads_what_a_new_one_would(text: str, series: list[tuple[dict[str, Any], Viewer]]) -> None:
    """This holds for every sequence of values, including null and omitted ones. There is no plan for what is refused."""
    document = read_document(graph().core, text, OperationLimits())
    assert () == document.errors
    operation = Operation.of(graph().core, document, text, None)
    assert operation.definition is not None
    definitions = operation.definition.variable_definitions or ()
    names = {definition.variable.name.value for definition in definitions}
    for drawn, viewer in series:
        variables = {name: value for name, value in drawn.items() if name in names}
        cached = _cached_plan(operation, variables)
        values = get_variable_values(graph().core, definitions, variables)
        new = _new_plan(operation, values) if isinstance(values, VariableValues) else None
        if new is None or not isinstance(values, VariableValues):
            assert cached is None
            continue
        plan, params, variable_fields = new
        if cached is not None:
            assert _sql(plan, params, viewer) == _sql(*cached, viewer)
        operation.add_plan(plan, values, variable_fields)
        assert _cached_plan(operation, variables) is not None
