"""The oracle: from one request it derives the answer that the rules require."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution import VariableValues, get_variable_values

from domain.viewer import Viewer
from tests.equality.oracle.ages import OracleDemand
from tests.equality.oracle.contract import Hit, OracleContext, contract
from tests.equality.oracle.filters import VisibleResources
from tests.equality.oracle.limits import TOKENS, measure_document, measure_selection
from tests.equality.oracle.refusals import OracleRefusal, bad_input, forbidden, too_large
from tests.equality.oracle.root_field import OracleRootField, summarize_freshness
from tests.equality.oracle.roots import check_arguments
from tests.equality.oracle.selection import SelectedField, SelectionCollector
from tests.equality.world import NOW, EqualityWorld

_MOST_ERRORS: Final = 20
_OPERATORS: Final = {
    ("VendorAccount", "lastError"), ("VendorAccount", "budget"), ("VendorAccount", "calls"), ("VendorScope", "breaker"),
}  # fmt: skip
_REASONED: Final = {("Freshness", "reason"), ("CoverageGap", "reason")}
"""The fields that depend on the result of a refresh."""


@dataclass(frozen=True, slots=True)
class OracleRequest:
    """A request: a document, variables, the name of the operation, and the viewer (None: without a valid token)."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    viewer: Viewer | None = None


@dataclass(slots=True)
class OracleAnswer:
    """The required answer. `valid`: document and variables are valid. `roots`: the selection; `hits`: what was answered."""

    status: int
    body: dict[str, Any]
    valid: bool = False
    roots: tuple[SelectedField, ...] = ()
    hits: frozenset[Hit] = frozenset()


class _InvalidRequest(Exception):
    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.errors = [_render_error(error, {"code": code} | _argument(error, code)) for error in errors]


def _render_error(error: GraphQLError, extensions: Mapping[str, Any]) -> dict[str, Any]:
    rendered: dict[str, Any] = {"extensions": dict(extensions)}
    if error.locations:
        rendered["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        rendered["path"] = error.path
    return rendered


def _argument(error: GraphQLError, code: str) -> dict[str, Any]:
    return {"argument": error.message.split("'")[1].removeprefix("$")} if code == "BAD_USER_INPUT" else {}


class Oracle:
    """Answers requests over one world. Only parsed documents and the sets of visible resources are cached between requests."""

    def __init__(self, world: EqualityWorld) -> None:
        self._world = world
        self._resources = lru_cache(lambda accounts: VisibleResources(world, accounts))

    def answer(self, request: OracleRequest) -> OracleAnswer:
        """Return the required answer."""
        if request.viewer is None:
            return OracleAnswer(401, {"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]})
        valid = False
        try:
            document, errors = _parse_document(request.query)
            operation = _find_operation(document, errors, request.operation_name)
            variables = _coerce_variables(operation, request.variables)
            valid = True
            return self._answer(document, operation, variables, request, request.viewer)
        except _InvalidRequest as invalid:
            return OracleAnswer(400, {"errors": invalid.errors}, valid)
        except OracleRefusal as refusal:
            return OracleAnswer(refusal.status, {"errors": [{"extensions": refusal.extensions}]}, valid)

    def _answer(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
        request: OracleRequest,
        viewer: Viewer,
    ) -> OracleAnswer:
        selection = SelectionCollector(contract(), document, variables).collect(operation)
        measure_selection(selection)
        context = self._context(selection, viewer)
        roots = list(context.roots.values())
        result = _execute(document, request, context)
        if result.errors:
            raise result.errors[0]
        failures = {key: self._world.failing.get(key) for root in roots for key in root.scopes_to_refresh()}
        for root in roots:
            root.settle({key: str(reason) for key, reason in failures.items() if reason is not None})
        if context.refused or any((each.of, each.name) in _REASONED for root in selection for each in root.walk()):
            context.noting = False
            result = _execute(document, request, context)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [_field_error(error) for error in result.errors[:_MOST_ERRORS]]
        if selection:
            body["extensions"] = {"freshness": summarize_freshness(roots, len(failures))}
        return OracleAnswer(200, body, True, tuple(selection), frozenset(context.hits))

    def _context(self, selection: list[SelectedField], viewer: Viewer) -> OracleContext:
        context = OracleContext({}, {})
        for selected in selection:
            demand = OracleDemand(NOW)
            try:
                demand = _parse_demand(selected.arguments.get("freshness"))
            except OracleRefusal as refusal:
                context.refused[selected.key] = refusal
            _check_permissions(selected, demand, viewer)
            context.roots[selected.key] = OracleRootField(selected, self._resources(viewer.accounts), demand, NOW)
        for selected in selection:
            try:
                if selected.key not in context.refused:
                    check_arguments(selected)
            except OracleRefusal as refusal:
                context.refused[selected.key] = refusal
        context.roots = {key: root for key, root in context.roots.items() if key not in context.refused}
        return context


@lru_cache(64)
def _parse_document(text: str) -> tuple[DocumentNode, list[GraphQLError]]:
    try:
        document = parse(text, max_lexical_tokens=TOKENS, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if "tokens" in error.message:
            raise too_large("tokens", TOKENS, TOKENS + 1) from None
        raise _InvalidRequest("GRAPHQL_PARSE_FAILED", [error]) from None
    measure_document(document)
    return document, validate(contract(), document, max_errors=_MOST_ERRORS)[:_MOST_ERRORS]


def _find_operation(document: DocumentNode, errors: list[GraphQLError], name: str | None) -> OperationDefinitionNode:
    if errors:
        raise _InvalidRequest("GRAPHQL_VALIDATION_FAILED", errors)
    operation = get_operation_ast(document, name)
    if operation is None:
        raise bad_input("operationName")
    return operation


def _coerce_variables(operation: OperationDefinitionNode, raw: Mapping[str, Any]) -> VariableValues:
    values = get_variable_values(contract(), operation.variable_definitions or (), dict(raw), max_errors=_MOST_ERRORS)
    if isinstance(values, VariableValues):
        return values
    raise _InvalidRequest("BAD_USER_INPUT", values[:_MOST_ERRORS])


def _parse_demand(argument: Mapping[str, Any] | None) -> OracleDemand:
    """Return the demand. Raises OracleRefusal, which names the argument."""
    fields = argument or {}
    force, age, wait = fields.get("forceRefresh", False), fields.get("maxAgeSeconds"), fields.get("maxWaitSeconds")
    if age is not None and age < 0:
        raise bad_input("maxAgeSeconds")
    if wait is not None and not (math.isfinite(wait) and 0 <= wait <= 60):
        raise bad_input("maxWaitSeconds")
    if force and age is not None:
        raise bad_input("freshness")
    return OracleDemand(NOW, age, force or age == 0)


def _check_permissions(root: SelectedField, demand: OracleDemand, viewer: Viewer) -> None:
    """Raise OracleRefusal without the permission for force or a max age below the floor, or for operational fields."""
    permissions = {str(permission) for permission in viewer.permissions}
    urgent = demand.force or (demand.max_age is not None and demand.max_age < 5)
    if urgent and not permissions & {"refresh", "admin"}:
        raise forbidden()
    if "admin" not in permissions and any((each.of, each.name) in _OPERATORS for each in root.walk()):
        raise forbidden()


def _execute(document: DocumentNode, request: OracleRequest, context: OracleContext) -> ExecutionResult:
    return execute_sync(
        contract(),
        document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name,
    )


def _field_error(error: GraphQLError) -> dict[str, Any]:
    if not isinstance(error.original_error, OracleRefusal):
        raise error
    return _render_error(error, error.original_error.extensions)
