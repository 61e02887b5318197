"""The oracle: one request in, the answer that the rules demand out."""

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
from tests.equality.oracle.ages import Wish
from tests.equality.oracle.choosing import Choice
from tests.equality.oracle.contract import Context, Hit, contract
from tests.equality.oracle.demanding import Root, summary
from tests.equality.oracle.measuring import TOKENS, measure_document, measure_selection
from tests.equality.oracle.refusals import Refusal, bad, forbidden, too_large
from tests.equality.oracle.roots import check
from tests.equality.oracle.selecting import Asked, Selecting
from tests.equality.world import NOW, World

_MOST_ERRORS: Final = 20
_OPERATORS: Final = {
    ("VendorAccount", "lastError"), ("VendorAccount", "budget"), ("VendorAccount", "calls"), ("VendorScope", "breaker"),
}  # fmt: skip
_REASONED: Final = {("Freshness", "reason"), ("CoverageGap", "reason")}
"""The fields that tell of what came of a demand."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: a document, variables, the operation's name, and who sends it (None: nobody that is known)."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    viewer: Viewer | None = None


@dataclass(slots=True)
class Answer:
    """What must come back. `valid`: the document validates, its variables are values. `roots` and `hits`: what was answered."""

    status: int
    body: dict[str, Any]
    valid: bool = False
    roots: tuple[Asked, ...] = ()
    hits: frozenset[Hit] = frozenset()


class _Rejected(Exception):
    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.errors = [_error(error, {"code": code} | _named(error, code)) for error in errors]


def _error(error: GraphQLError, extensions: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"extensions": dict(extensions)}
    if error.locations:
        told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        told["path"] = error.path
    return told


def _named(error: GraphQLError, code: str) -> dict[str, Any]:
    return {"argument": error.message.split("'")[1].removeprefix("$")} if code == "BAD_USER_INPUT" else {}


class Oracle:
    """Answers over one world. Nothing is kept between requests but parsed documents."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._choices = lru_cache(lambda sees: Choice(world, sees))

    def answer(self, request: Request) -> Answer:
        """What must come back."""
        if request.viewer is None:
            return Answer(401, {"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]})
        valid = False
        try:
            document, errors = _document(request.query)
            operation = _operation(document, errors, request.operation_name)
            variables = _variables(operation, request.variables)
            valid = True
            return self._answer(document, operation, variables, request, request.viewer)
        except _Rejected as rejected:
            return Answer(400, {"errors": rejected.errors}, valid)
        except Refusal as refusal:
            return Answer(refusal.status, {"errors": [{"extensions": refusal.extensions}]}, valid)

    def _answer(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
        request: Request,
        viewer: Viewer,
    ) -> Answer:
        asked = Selecting(contract(), document, variables).roots(operation)
        measure_selection(asked)
        context = self._context(asked, viewer)
        roots = list(context.roots.values())
        looked = _executed(document, request, context)
        if looked.errors:
            raise looked.errors[0]
        failures = {key: self._world.failing.get(key) for root in roots for key in root.wanted()}
        for root in roots:
            root.settle({key: str(reason) for key, reason in failures.items() if reason is not None})
        if context.refused or any((each.of, each.name) in _REASONED for one in asked for each in one.every()):
            context.looking = False
            looked = _executed(document, request, context)
        body: dict[str, Any] = {"data": looked.data}
        if looked.errors:
            body["errors"] = [_field_error(error) for error in looked.errors[:_MOST_ERRORS]]
        if asked:
            body["extensions"] = {"freshness": summary(roots, len(failures))}
        return Answer(200, body, True, tuple(asked), frozenset(context.hits))

    def _context(self, asked: list[Asked], viewer: Viewer) -> Context:
        context = Context({}, {})
        for one in asked:
            wish = Wish(NOW)
            try:
                wish = _wish(one.arguments.get("freshness"))
            except Refusal as refusal:
                context.refused[one.key] = refusal
            _permit(one, wish, viewer)
            context.roots[one.key] = Root(one, self._choices(viewer.accounts), wish, NOW)
        for one in asked:
            try:
                if one.key not in context.refused:
                    check(one)
            except Refusal as refusal:
                context.refused[one.key] = refusal
        context.roots = {key: root for key, root in context.roots.items() if key not in context.refused}
        return context


@lru_cache(64)
def _document(text: str) -> tuple[DocumentNode, list[GraphQLError]]:
    try:
        document = parse(text, max_lexical_tokens=TOKENS, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if "tokens" in error.message:
            raise too_large("tokens", TOKENS, TOKENS + 1) from None
        raise _Rejected("GRAPHQL_PARSE_FAILED", [error]) from None
    measure_document(document)
    return document, validate(contract(), document, max_errors=_MOST_ERRORS)[:_MOST_ERRORS]


def _operation(document: DocumentNode, errors: list[GraphQLError], name: str | None) -> OperationDefinitionNode:
    if errors:
        raise _Rejected("GRAPHQL_VALIDATION_FAILED", errors)
    operation = get_operation_ast(document, name)
    if operation is None:
        raise bad("operationName")
    return operation


def _variables(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    values = get_variable_values(contract(), operation.variable_definitions or (), dict(given), max_errors=_MOST_ERRORS)
    if isinstance(values, VariableValues):
        return values
    raise _Rejected("BAD_USER_INPUT", values[:_MOST_ERRORS])


def _wish(told: Mapping[str, Any] | None) -> Wish:
    """The demand. Raises Refusal, naming the argument."""
    told = told or {}
    force, age, wait = told.get("forceRefresh", False), told.get("maxAgeSeconds"), told.get("maxWaitSeconds")
    if age is not None and age < 0:
        raise bad("maxAgeSeconds")
    if wait is not None and not (math.isfinite(wait) and 0 <= wait <= 60):
        raise bad("maxWaitSeconds")
    if force and age is not None:
        raise bad("freshness")
    return Wish(NOW, age, force or age == 0)


def _permit(asked: Asked, wish: Wish, viewer: Viewer) -> None:
    """Raise Refusal where a permission lacks: what forces, or is below the floor, and what tells how the gateway is run."""
    held = {str(permission) for permission in viewer.permissions}
    urgent = wish.force or (wish.max_age is not None and wish.max_age < 5)
    if urgent and not held & {"refresh", "admin"}:
        raise forbidden()
    if "admin" not in held and any((one.of, one.name) in _OPERATORS for one in asked.every()):
        raise forbidden()


def _executed(document: DocumentNode, request: Request, context: Context) -> ExecutionResult:
    return execute_sync(
        contract(),
        document,
        context_value=context,
        variable_values=dict(request.variables),
        operation_name=request.operation_name,
    )


def _field_error(error: GraphQLError) -> dict[str, Any]:
    if not isinstance(error.original_error, Refusal):
        raise error
    return _error(error, error.original_error.extensions)
