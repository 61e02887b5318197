"""The effects of faults: a response that replaces the operation's, a changed listing, or a broken delivery. Pure functions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sandbox.faults import FaultKind, FaultRule
from sandbox.http.bodies import Body, error_body
from sandbox.http.delivery import ApiResponse, DeliveryMode
from sandbox.http.paging import cursor_after
from sandbox.operations import LISTS, ApiOperation

_HTML: Final = b"<!doctype html><title>Sandbox</title><h1>Please come back later</h1>"
_MODES: Final = {
    FaultKind.STALL: DeliveryMode.STALL,
    FaultKind.TRICKLE: DeliveryMode.TRICKLE,
    FaultKind.CUT_BODY: DeliveryMode.CUT,
    FaultKind.RESET: DeliveryMode.RESET,
}


def json_response(status: int, body: Body) -> ApiResponse:
    """Return a whole response with a JSON body."""
    return ApiResponse(status, json.dumps(body).encode())


def unauthorized_response() -> ApiResponse:
    """Return the response to an unknown API key."""
    return json_response(401, error_body("unauthorized", "The API key is not known."))


def fault_response(faults: Sequence[FaultRule]) -> ApiResponse | None:
    """Return the response of the first fault that replaces the operation's, or `None` if none does.

    The operation is not carried out if there is one.
    """
    for fault in faults:
        response = _rate_limited(fault) if fault.kind is FaultKind.RATE_LIMITED else _RESPONSES.get(fault.kind)
        if response is not None:
            return response
    return None


def _rate_limited(fault: FaultRule) -> ApiResponse:
    response = json_response(429, error_body("rate_limited", "Too many calls."))
    if fault.seconds is None:
        return response
    # Retry-After is a whole number of seconds (RFC 9110, section 10.2.3).
    return replace(response, headers=(("retry-after", f"{fault.seconds:.0f}"),))


_RESPONSES: Final = {
    FaultKind.SERVER_ERROR: json_response(500, error_body("internal", "An internal error occurred.")),
    FaultKind.UNAVAILABLE: ApiResponse(503, _HTML, "text/html; charset=utf-8"),
    FaultKind.FORBIDDEN: json_response(
        403, error_body("forbidden", "The API key lacks permission for this operation.")
    ),
    FaultKind.UNAUTHORIZED: unauthorized_response(),
    FaultKind.NOT_FOUND: ApiResponse(404, b"<h1>404 Not Found</h1><hr>nginx", "text/html"),
    FaultKind.NULL_BODY: ApiResponse(200, b"null", "application/json"),
    FaultKind.REDIRECT: ApiResponse(302, b"", "text/html", (("location", "/elsewhere"),)),
    FaultKind.HTML: ApiResponse(200, _HTML, "text/html; charset=utf-8"),
}


def apply_list_faults(faults: Sequence[FaultRule], operation: ApiOperation, cursor: str, body: Body) -> Body:
    """Return the body after the faults of listings and `empty_object`. `cursor` is the requested one."""
    for fault in faults:
        if fault.kind is FaultKind.EMPTY_OBJECT:
            return {}
        if operation in LISTS:
            body = _apply_list_fault(fault.kind, LISTS[operation], cursor, body)
    return body


def _apply_list_fault(kind: FaultKind, key: str, cursor: str, body: Body) -> Body:
    items = body[key]
    if kind is FaultKind.CUT_LISTING:
        remaining = items if body["next_cursor"] else items[: (len(items) + 1) // 2]
        return {key: remaining, "next_cursor": None}
    if kind in {FaultKind.EMPTY_LIST, FaultKind.NULL_LIST}:
        return {key: [] if kind is FaultKind.EMPTY_LIST else None, "next_cursor": None}
    if kind is FaultKind.REPEATED_CURSOR:
        repeated = cursor or body["next_cursor"] or cursor_after(items[-1]["id"] if items else "0")
        return {key: items, "next_cursor": repeated}
    return body


def delivery_fault(faults: Sequence[FaultRule], response: ApiResponse) -> ApiResponse:
    """Return the response after the faults of its text and of its delivery."""
    for fault in faults:
        if fault.kind is FaultKind.CUT_JSON:
            response = replace(response, content=response.content[: len(response.content) // 2])
        elif fault.kind in _MODES:
            response = replace(response, mode=_MODES[fault.kind], pause_seconds=fault.duration())
    return response
