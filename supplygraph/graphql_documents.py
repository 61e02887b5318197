"""Documents: each text is parsed, measured and validated once, and kept."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    parse,
    validate,
)

from domain.cache import SegmentedLRUCache
from domain.errors import LimitExceeded
from domain.rules import OperationLimits
from resolvers.limits import check_document
from supplygraph.graphql_errors import (
    PARSE_FAILED,
    VALIDATION_FAILED,
    ToldError,
    told_reader_error,
    told_request_error,
)
from supplygraph.graphql_rules import RULES

# A parsed text takes some forty times its own size: this many bytes of text are some 50 MB of documents.
_TEXT_BYTES: Final = 2_000_000
_OVERHEAD_BYTES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document, or why there is none to run. `document` is set as soon as it parses and is within the limits."""

    document: DocumentNode | None
    errors: tuple[ToldError, ...] = ()
    size: int = 0


class Documents:
    """Prepares documents, and keeps those whose texts hold at most `text_bytes` together, a quarter of it for what is new.

    From whichever thread.
    """

    def __init__(self, schema: GraphQLSchema, limits: OperationLimits, text_bytes: int = _TEXT_BYTES) -> None:
        self._schema = schema
        self._limits = limits
        new = text_bytes // 4
        self._kept: SegmentedLRUCache[bytes, Prepared] = SegmentedLRUCache(
            text_bytes - new, new, lambda prepared: prepared.size
        )
        self._keeping = Lock()

    @property
    def fill(self) -> float:
        """How full it is, 1 at its bound."""
        return self._kept.fill

    def kept(self, text: str) -> Prepared | None:
        """The document of this text where it was asked for before."""
        return self._found(_key(text.encode()))

    def prepare(self, text: str) -> Prepared:
        """The document of this text, from what is kept where it was asked for before."""
        encoded = text.encode()
        key = _key(encoded)
        found = self._found(key)
        if found is not None:
            return found
        prepared = self._prepared(text, len(encoded) + _OVERHEAD_BYTES)
        with self._keeping:
            self._kept.add(key, prepared)
        return prepared

    def _found(self, key: bytes) -> Prepared | None:
        with self._keeping:
            return self._kept.get(key)

    def _prepared(self, text: str, size: int) -> Prepared:
        try:
            document = self._parsed(text)
            # Before validation, whose work a nest of fragments can multiply.
            check_document(document, self._limits)
        except LimitExceeded as error:
            return Prepared(None, (told_reader_error(error),), size)
        except GraphQLSyntaxError as error:
            return Prepared(None, (told_request_error(error, PARSE_FAILED),), size)
        found = validate(self._schema, document, RULES, max_errors=self._limits.errors)[: self._limits.errors]
        return Prepared(document, tuple(self._told(error) for error in found), size)

    def _parsed(self, text: str) -> DocumentNode:
        allowed = self._limits.tokens
        try:
            return parse(text, max_lexical_tokens=allowed, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            if f"more than {allowed} tokens" in error.message:
                # The parser stops there: how many more there are nobody has counted.
                raise LimitExceeded("tokens", allowed, allowed + 1) from None
            raise

    def _told(self, error: GraphQLError) -> ToldError:
        return told_request_error(error, VALIDATION_FAILED)


def _key(encoded: bytes) -> bytes:
    return blake2b(encoded, digest_size=32).digest()
