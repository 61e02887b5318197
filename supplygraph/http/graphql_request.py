"""What an HTTP request asks of the graph: its body or query string, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from domain.errors import BadUserInput, LimitExceeded, ReaderError

_PARAMETERS_MAX: Final = 20
_ENCODINGS: Final = frozenset({"", "identity"})
LARGE_BYTES: Final = 16_384
"""From here on a look at the values of a request takes milliseconds, as a new text does."""
_CHARSETS: Final = frozenset({"utf-8", "utf8"})


class Refused(Exception):
    """A request that is answered with an error and this HTTP status, whatever the media type of the answer."""

    def __init__(self, status: int, error: ReaderError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Asked:
    """One GraphQL request: the document's text, its variables and the name of the operation to run. `size` is in bytes."""

    query: str = field(repr=False)
    variables: Mapping[str, object] = field(default_factory=dict, repr=False)
    operation_name: str | None = None
    size: int = 0


def read_get(request: Request) -> Asked:
    """Read the query string. Raises Refused."""
    try:
        text = request.scope["query_string"].decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_MAX)
    except UnicodeDecodeError:
        raise Refused(400, BadUserInput("query", "The query string is not UTF-8.")) from None
    except ValueError:
        raise Refused(400, BadUserInput("query", "The query string has too many parameters.")) from None
    parameters: dict[str, object] = {}
    for name, value in pairs:
        if name in parameters:
            raise Refused(400, BadUserInput(_known(name), f"The parameter '{_known(name)}' is given twice."))
        parameters[name] = value
    for name in ("variables", "extensions"):
        written = str(parameters.pop(name, ""))
        if written:
            parameters[name] = _json(written.encode(), name)
    if not parameters.get("operationName"):
        parameters.pop("operationName", None)
    return _asked(parameters, len(text))


async def read_post(request: Request, body_bytes: int) -> Asked:
    """Read a JSON body of at most `body_bytes` bytes. Raises Refused; ClientDisconnect if the client hangs up."""
    _check_media(request)
    body = await _body(request, body_bytes)
    if not body.strip():
        raise Refused(400, BadUserInput("body", "The body is missing: send a JSON object with 'query'."))
    decoded = _json(body, "body")
    if isinstance(decoded, list):
        raise Refused(400, BadUserInput("body", "Batches are not served: send one operation a request."))
    if not isinstance(decoded, dict):
        raise Refused(400, BadUserInput("body", "The body must be a JSON object with 'query'."))
    return _asked(decoded, len(body))


def _known(name: str) -> str:
    return name if name in {"query", "variables", "operationName", "extensions"} else "query"


def _check_media(request: Request) -> None:
    media, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    if media != "application/json":
        raise Refused(
            415, BadUserInput("Content-Type", "Send the body as application/json."), {"Accept": "application/json"}
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in _CHARSETS:
            raise Refused(415, BadUserInput("Content-Type", "The body's charset must be utf-8."))
    if request.headers.get("content-encoding", "").strip().lower() not in _ENCODINGS:
        raise Refused(415, BadUserInput("Content-Encoding", "Send the body as it is, not compressed."))


async def _body(request: Request, body_bytes: int) -> bytes:
    told = request.headers.get("content-length", "")
    if told.isascii() and told.isdigit() and len(told) > len(str(body_bytes)):
        raise _too_large(body_bytes, body_bytes + 1)
    if told.isascii() and told.isdigit() and int(told) > body_bytes:
        raise _too_large(body_bytes, int(told))
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > body_bytes:
            raise _too_large(body_bytes, len(body))
    return bytes(body)


def _too_large(allowed: int, count: int) -> Refused:
    # What is left of the body is not read: the connection cannot serve another request.
    return Refused(413, LimitExceeded("bytes of body", allowed, count), {"Connection": "close"})


def _json(text: bytes, argument: str) -> object:
    try:
        decoded: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(400, BadUserInput(argument, f"'{argument}' is not JSON in UTF-8: {error.msg}.")) from None
    return decoded


def _asked(parameters: Mapping[str, object], size: int) -> Asked:
    query = parameters.get("query")
    if query is None:
        raise Refused(400, BadUserInput("query", "'query' is missing: it holds the text of the operation."))
    if not isinstance(query, str):
        raise Refused(400, BadUserInput("query", "'query' must be a string."))
    if not query.strip():
        raise Refused(400, BadUserInput("query", "'query' is empty."))
    name = parameters.get("operationName")
    if name is not None and not isinstance(name, str):
        raise Refused(400, BadUserInput("operationName", "'operationName' must be a string or null."))
    _map(parameters, "extensions")
    return Asked(query, _map(parameters, "variables"), name, size)


def _map(parameters: Mapping[str, object], name: str) -> dict[str, object]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(400, BadUserInput(name, f"'{name}' must be an object or null."))
    return value
