"""Reads a GraphQL request from the body or the query string of an HTTP request. Invalid input is rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from domain.errors import BadUserInput, LimitExceeded, PersistedQueryNotSupported
from resolvers.errors import RequestRejected, format_reader_error
from resolvers.operation.compiler import GraphQLRequest
from supplygraph.http.headers import RequestHeaders

_MAX_PARAMETERS: Final = 20
_ENCODINGS: Final = frozenset({b"", b"identity"})
_CHARSETS: Final = frozenset({"utf-8", "utf8"})
_COMMON_TYPES: Final = frozenset({b"application/json", b"application/json; charset=utf-8"})
_PARAMETERS: Final = frozenset({"query", "variables", "operationName", "extensions"})


def read_query_string(query_string: bytes) -> GraphQLRequest:
    """Read a GET request. Raises RequestRejected."""
    try:
        text = query_string.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise _rejected("query", "The query string is not UTF-8.") from None
    except ValueError:
        raise _rejected("query", f"The query string has more than {_MAX_PARAMETERS} parameters.") from None
    parameters: dict[str, object] = {}
    for name, value in pairs:
        # Proxies and trackers add parameters of their own.
        if name not in _PARAMETERS:
            continue
        if name in parameters:
            raise _rejected(name, f"The parameter '{name}' is given twice.")
        parameters[name] = value
    for name in ("variables", "extensions"):
        text_value = str(parameters.pop(name, ""))
        if text_value:
            parameters[name] = _decode_json(text_value.encode(), name)
    return _request(parameters, len(text), queries_only=True)


async def read_body(headers: RequestHeaders, receive: Receive, max_bytes: int) -> GraphQLRequest:
    """Read a JSON body of at most `max_bytes` bytes. Raises RequestRejected, and ClientDisconnect if the client disconnects."""
    _check_headers(headers)
    body = await _receive_body(headers, receive, max_bytes)
    if not body.strip():
        raise _rejected("body", "The body is missing: send a JSON object with 'query'.")
    decoded = _decode_json(body, "body")
    if isinstance(decoded, list):
        raise _rejected("body", "Batches are not supported: send one operation per request.")
    if not isinstance(decoded, dict):
        raise _rejected("body", "The body must be a JSON object with 'query'.")
    return _request(decoded, len(body))


def _check_headers(headers: RequestHeaders) -> None:
    if headers.last(b"content-encoding").strip().lower() not in _ENCODINGS:
        raise _rejected("Content-Encoding", "Send the body uncompressed.", 415)
    content_type = headers.last(b"content-type")
    if content_type in _COMMON_TYPES:
        return
    media, *parameters = (part.strip().lower() for part in content_type.decode("latin-1").split(";"))
    if media != "application/json":
        raise _rejected("Content-Type", "Send the body as application/json.", 415, {"Accept": "application/json"})
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise _rejected("Content-Type", "The body's charset must be utf-8.", 415)


async def _receive_body(headers: RequestHeaders, receive: Receive, max_bytes: int) -> bytes:
    length = headers.last(b"content-length")
    if length.isdigit() and (len(length) > len(str(max_bytes)) or int(length) > max_bytes):
        raise _too_large(max_bytes, int(length) if len(length) <= len(str(max_bytes)) else max_bytes + 1)
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        # Most bodies are one chunk, which is not copied.
        body = body + chunk if body else chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes, len(body))
        if not message.get("more_body"):
            return body


def _too_large(allowed: int, count: int) -> RequestRejected:
    # The rest of the body is not read, so the connection cannot be reused.
    return RequestRejected.because(LimitExceeded("bytes of body", allowed, count), 413, {"Connection": "close"})


def _decode_json(text: bytes, argument: str) -> object:
    try:
        decoded: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _rejected(argument, f"'{argument}' is not valid JSON in UTF-8: {error.msg}.") from None
    return decoded


def _request(parameters: Mapping[str, object], size: int, *, queries_only: bool = False) -> GraphQLRequest:
    query = parameters.get("query")
    extensions = _object(parameters, "extensions")
    if query is None and "persistedQuery" in extensions:
        raise RequestRejected([format_reader_error(PersistedQueryNotSupported())])
    if query is None:
        raise _rejected("query", "'query' is missing: it holds the text of the operation.")
    if not isinstance(query, str):
        raise _rejected("query", "'query' must be a string.")
    if not query.strip():
        raise _rejected("query", "'query' is empty.")
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise _rejected("operationName", "'operationName' must be a string or null.")
    # Some clients send an empty name for "no name".
    return GraphQLRequest(query, _object(parameters, "variables"), name or None, size, queries_only)


def _object(parameters: Mapping[str, object], name: str) -> dict[str, object]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _rejected(name, f"'{name}' must be an object or null.")
    return value


def _rejected(
    argument: str, message: str, status: int = 400, headers: Mapping[str, str] | None = None
) -> RequestRejected:
    """Return the rejection of an invalid HTTP request, with the same status in both media types."""
    return RequestRejected.because(BadUserInput(argument, message), status, headers)
