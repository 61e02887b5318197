"""What a plan binds is what a new preparation of the same operation with the same values would, whatever it was made with."""

from __future__ import annotations

from typing import Any, Final

import pytest
from graphql import DocumentNode, OperationDefinitionNode, get_operation_ast, parse, validate
from graphql.execution import VariableValues, get_variable_values
from hypothesis import given, settings
from hypothesis import strategies as st
from resolvers.reduce import Reduction, reduce
from supplygraph.graphql_documents import Prepared as PreparedDocument
from supplygraph.graphql_plans import Family, Plans

from db.engine import make_engine
from db.query import cursors
from domain.enums import Permission
from domain.errors import ReaderError
from domain.rules import FreshnessRules
from domain.viewer import Viewer
from reconcile.requests import RefreshResult
from resolvers.reader import Prepared, Reader
from tests.clock import ManualClock
from tests.db_query.queries import Queries
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
_GIVEN: Final = st.fixed_dictionaries({}, optional=_VALUES)
_VIEWERS: Final = tuple(
    Viewer("t", frozenset({Permission.READ, *more}), accounts)
    for more, accounts in (((Permission.REFRESH,), None), ((), None), ((), frozenset({"lab"})))
)


class _Nobody:
    async def refresh(self, *_: object) -> RefreshResult:
        return RefreshResult()

    def read(self, account: str) -> None:
        """Nobody is kept fresh."""


_READER: Final = Reader(Queries(make_engine("sqlite+aiosqlite://")), _Nobody(), FreshnessRules(), ManualClock(), {}, {})


def _shown(prepared: Prepared) -> object:
    assert prepared.ready is not None
    plan = prepared.ready.plan
    return plan.statement.sql, plan.bound, prepared.ready.demands, prepared.keys


def _prepared(
    document: DocumentNode, operation: OperationDefinitionNode, values: VariableValues, viewer: Viewer
) -> tuple[Reduction, Prepared] | None:
    """The operation prepared anew; None where something of it is refused."""
    try:
        reduction = reduce(graph().core, document, operation, values)
        prepared = _READER.prepare(reduction.roots, viewer)
    except ReaderError:
        return None
    return None if prepared.errors else (reduction, prepared)


@pytest.mark.parametrize("text", _TEXTS)
@settings(max_examples=settings().max_examples // 2)
@given(series=st.lists(st.tuples(_GIVEN, st.sampled_from(_VIEWERS)), min_size=2, max_size=6))
def test_plans_bind_as_a_new_preparation_would(text: str, series: list[tuple[dict[str, Any], Viewer]]) -> None:
    """Whichever values came before, were null or left out; and what may not be read was never found as a plan."""
    core, document = graph().core, parse(text)
    assert validate(core, document) == []
    operation = get_operation_ast(document, None)
    assert operation is not None
    plans = Plans()
    names = {one.variable.name.value for one in operation.variable_definitions or ()}
    for told, viewer in series:
        given_values = {name: value for name, value in told.items() if name in names}
        found = plans.find(text, None, given_values, viewer)
        values = get_variable_values(core, operation.variable_definitions or (), given_values)
        made = _prepared(document, operation, values, viewer) if isinstance(values, VariableValues) else None
        if made is None or not isinstance(values, VariableValues):
            assert found is None
            continue
        reduction, prepared = made
        if found is not None:
            assert _shown(prepared) == _shown(found[1])
        family = Family.of(core, PreparedDocument(document), document, operation)
        plans.keep(text, None, family, values, reduction, prepared, viewer)
        assert plans.find(text, None, given_values, viewer) is not None
