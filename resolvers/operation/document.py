"""Reads a document: parses it, checks its size against the limits, and validates it."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import DocumentNode, GraphQLSchema, GraphQLSyntaxError, parse, validate

from domain.errors import LimitExceeded
from domain.rules import OperationLimits
from resolvers.errors import PARSE_FAILED, VALIDATION_FAILED, FormattedError, format_reader_error, format_request_error
from resolvers.operation.limits import check_document
from resolvers.operation.validation_rules import RULES


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
