"""What a fault makes of an answer: instead of it, of its listing, or of the way in which it goes out. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sandbox.faults import FaultKind, FaultRule
from sandbox.http.bodies import Body, error_body
from sandbox.http.delivery import ApiResponse, DeliveryMode
from sandbox.http.handlers import cursor_after
from sandbox.operations import LISTS, Operation

_HTML: Final = b"<!doctype html><title>Sandbox</title><h1>Please come back later</h1>"
_MANNERS: Final = {
    FaultKind.STALL: DeliveryMode.STALL,
    FaultKind.TRICKLE: DeliveryMode.TRICKLE,
    FaultKind.CUT_BODY: DeliveryMode.CUT,
    FaultKind.RESET: DeliveryMode.RESET,
}


def json_response(status: int, body: Body) -> ApiResponse:
    """The whole answer with a JSON body."""
    return ApiResponse(status, json.dumps(body).encode())


def fault_response(faults: Sequence[FaultRule]) -> ApiResponse | None:
    """The answer that a fault gives instead of the operation's; the operation is then not carried out."""
    for fault in faults:
        reply = _instead(fault)
        if reply is not None:
            return reply
    return None


def _instead(fault: FaultRule) -> ApiResponse | None:
    if fault.kind is FaultKind.RATE_LIMITED:
        limited = json_response(429, error_body("rate_limited", "Too many calls."))
        # Whole seconds, as RFC 9110 has them.
        return (
            limited if fault.seconds is None else replace(limited, headers=(("retry-after", f"{fault.seconds:.0f}"),))
        )
    answers: dict[FaultKind, ApiResponse] = {
        FaultKind.SERVER_ERROR: json_response(500, error_body("internal", "Something broke.")),
        FaultKind.UNAVAILABLE: ApiResponse(503, _HTML, "text/html; charset=utf-8"),
        FaultKind.FORBIDDEN: json_response(403, error_body("forbidden", "This key may not do that.")),
        FaultKind.UNAUTHORIZED: json_response(401, error_body("unauthorized", "The API key is not known.")),
        FaultKind.NOT_FOUND: ApiResponse(404, b"<h1>404 Not Found</h1><hr>nginx", "text/html"),
        FaultKind.REDIRECT: ApiResponse(302, b"", "text/html", (("location", "/elsewhere"),)),
        FaultKind.HTML: ApiResponse(200, _HTML, "text/html; charset=utf-8"),
    }
    return answers.get(fault.kind)


def apply_list_faults(faults: Sequence[FaultRule], operation: Operation, cursor: str, body: Body) -> Body:
    """The body after the faults that a listing can have, and `empty_object`. `cursor` is the one that was asked for."""
    for fault in faults:
        if fault.kind is FaultKind.EMPTY_OBJECT:
            return {}
        if operation in LISTS:
            body = _listing_amiss(fault.kind, LISTS[operation], cursor, body)
    return body


def _listing_amiss(kind: FaultKind, key: str, cursor: str, body: Body) -> Body:
    listed = body[key]
    if kind is FaultKind.CUT_LISTING:
        kept = listed if body["next_cursor"] else listed[: (len(listed) + 1) // 2]
        return {key: kept, "next_cursor": None}
    if kind is FaultKind.EMPTY_LIST:
        return {key: [], "next_cursor": None}
    if kind is FaultKind.NULL_LIST:
        return {key: None, "next_cursor": None}
    if kind is FaultKind.REPEATED_CURSOR:
        repeated = cursor or body["next_cursor"] or cursor_after(listed[-1]["id"] if listed else "0")
        return {key: listed, "next_cursor": repeated}
    return body


def delivery_fault(faults: Sequence[FaultRule], reply: ApiResponse) -> ApiResponse:
    """The reply after the faults of its text and of the way in which it goes out."""
    for fault in faults:
        if fault.kind is FaultKind.CUT_JSON:
            reply = replace(reply, content=reply.content[: len(reply.content) // 2])
        elif fault.kind in _MANNERS:
            reply = replace(reply, manner=_MANNERS[fault.kind], pause_seconds=fault.lasting())
    return reply
