"""Reads a document: parses it, checks its size against the limits, and validates it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    parse,
    specified_rules,
    validate,
)
from graphql.language.visitor import EnterLeaveVisitor

from domain.errors import LimitExceeded
from domain.rules import OperationLimits
from resolvers.errors import PARSE_FAILED, VALIDATION_FAILED, FormattedError, format_reader_error, format_request_error
from resolvers.operation.limits import check_document

_NO_METHODS: Final = EnterLeaveVisitor(None, None)


def memoize_visitors(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """Return the rule as a class that looks up the visitor methods for each kind of node only once.

    graphql-core looks them up in every validation, for each of about thirty rules. That takes half of the time of a validation,
    and the result depends only on the rule's class.
    """

    class MemoizedRule(rule):  # type: ignore[misc, valid-type]  # the base class is a parameter
        _has_methods: ClassVar[dict[str, bool]] = {}

        def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
            has_methods = self._has_methods.get(kind)
            if has_methods is None:
                has_methods = self._has_methods[kind] = super().get_enter_leave_for_kind(kind) != _NO_METHODS
            return super().get_enter_leave_for_kind(kind) if has_methods else _NO_METHODS

    MemoizedRule.__name__ = MemoizedRule.__qualname__ = rule.__name__
    return MemoizedRule


RULES: Final = tuple(memoize_visitors(rule) for rule in specified_rules)
"""The rules for `graphql.validate`. They are built once, because each class has its own memory."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or its errors if it must not run. `document` is set if the text parses and is within the limits."""

    document: DocumentNode | None
    errors: tuple[FormattedError, ...] = ()


def read_document(schema: GraphQLSchema, text: str, limits: OperationLimits) -> Document:
    """Return the document of a text. Takes milliseconds."""
    try:
        document = _parse(text, limits)
        # This comes before validation, because nested fragments can multiply the work of validation.
        check_document(document, limits)
    except LimitExceeded as error:
        return Document(None, (format_reader_error(error),))
    except GraphQLSyntaxError as error:
        return Document(None, (format_request_error(error, PARSE_FAILED),))
    errors = validate(schema, document, RULES, max_errors=limits.errors)[: limits.errors]
    return Document(document, tuple(format_request_error(error, VALIDATION_FAILED) for error in errors))


def _parse(text: str, limits: OperationLimits) -> DocumentNode:
    allowed = limits.tokens
    try:
        return parse(text, max_lexical_tokens=allowed, allow_empty_selection_sets=False)
    except GraphQLSyntaxError as error:
        if f"more than {allowed} tokens" in error.message:
            # The parser stops at the limit, so the number of all tokens is unknown.
            raise LimitExceeded("tokens", allowed, allowed + 1) from None
        raise
