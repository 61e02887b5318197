"""Builds the body of a GraphQL response from the texts of its root fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson
from graphql import GraphQLError, located_error

from domain.errors import ReaderError
from domain.selection import TYPENAME
from resolvers.errors import FormattedError, RequestRejected, codes_of
from resolvers.freshness.summary import OperationAnswer
from resolvers.operation.selection import RootField

_QUERY_TYPE: Final = b'"Query"'


@dataclass(slots=True)
class GraphQLResponse:
    """A response: its body, its status in each media type, and the codes of its errors.

    `status` is for the GraphQL media type, `json_status` for application/json. Not frozen, because one is created for each
    request.
    """

    body: bytes
    status: int = 200
    json_status: int = 200
    operation_name: str | None = None
    codes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def rejection(rejected: RequestRejected) -> GraphQLResponse:
    """Return the response to a request that was not executed."""
    body = orjson.dumps({"errors": list(rejected.errors)})
    return GraphQLResponse(
        body, rejected.status, rejected.json_status, None, codes_of(rejected.errors), rejected.headers
    )


def render(
    root_fields: Sequence[RootField],
    answer: OperationAnswer | None,
    name: str | None,
    max_errors: int,
    format_error: Callable[[GraphQLError], FormattedError],
) -> GraphQLResponse:
    """Return the response of a plan: the texts of the root fields, and errors in the form that graphql-core gives them."""
    texts: Mapping[str, bytes | ReaderError] = {} if answer is None else answer.texts
    errors: list[FormattedError] = []
    parts: list[bytes] = []
    for root in root_fields:
        text = _QUERY_TYPE if root.name == TYPENAME else texts[root.key]
        if isinstance(text, ReaderError):
            errors.append(format_error(located_error(text, list(root.nodes), [root.key])))
            if not root.nullable:
                return assemble([b"null"], errors, answer, name)
            text = b"null"
        parts += (b',"' if parts else b'{"', root.key.encode(), b'":', text)
    return assemble([*parts, b"}" if parts else b"{}"], errors[:max_errors], answer, name)


def assemble(
    data: Sequence[bytes], errors: Sequence[FormattedError], answer: OperationAnswer | None, name: str | None
) -> GraphQLResponse:
    """Return the response with these parts of `data`. They may be long, so they are copied only once."""
    head = b'{"errors":%b,"data":' % orjson.dumps(errors) if errors else b'{"data":'
    tail = b"}"
    if answer is not None:
        tail = b',"extensions":%b}' % orjson.dumps({"freshness": answer.summary.to_extensions()})
    return GraphQLResponse(b"".join((head, *data, tail)), operation_name=name, codes=codes_of(errors))
