"""Comparison of two answers as JSON: whether they are equal, and where they first differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.equality.oracle.oracle import OracleAnswer
from tests.equality.renderings import RenderedAnswer


def compare_with_oracle(expected: OracleAnswer, answer: RenderedAnswer) -> str | None:
    """Return the first difference from the oracle's answer, apart from the messages of errors and the order of gaps."""
    if expected.status != answer.status:
        return f"status: expected {expected.status}, got {answer.status} {json.dumps(answer.body)[:600]}"
    return _first_difference(_comparable(expected.body), _comparable(answer.body), "")


def compare_renderings(one: RenderedAnswer, other: RenderedAnswer) -> str | None:
    """Return the first difference between two renderings of the gateway, in which the order of keys must also be equal."""
    if one.status != other.status:
        return f"status: {one.status}, {other.status}"
    if json.dumps(one.body) == json.dumps(other.body):
        return None
    return _first_difference(one.body, other.body, "") or "keys are in another order"


def _comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    comparable = dict(body)
    if "errors" in comparable:
        comparable["errors"] = [
            {name: value for name, value in error.items() if name != "message"} for error in comparable["errors"]
        ]
    freshness = comparable.get("extensions", {}).get("freshness")
    if freshness is not None:
        gaps = sorted(freshness["gaps"], key=json.dumps)
        comparable["extensions"] = {**comparable["extensions"], "freshness": {**freshness, "gaps": gaps}}
    return comparable


def _first_difference(one: Any, other: Any, path: str) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{path}: keys {sorted(one)} and {sorted(other)}"
        inner = (_first_difference(one[key], other[key], f"{path}.{key}") for key in one)
        return next((difference for difference in inner if difference), None)
    if isinstance(one, list) and isinstance(other, list):
        pairs = enumerate(zip(one, other, strict=False))
        inner = (_first_difference(*pair, f"{path}[{index}]") for index, pair in pairs)
        return next((difference for difference in inner if difference), None) or (
            None if len(one) == len(other) else f"{path}: {len(one)} and {len(other)} items"
        )
    # In Python True == 1, but in JSON they differ; 1.0 and 1 are equal in both.
    equal = one == other and isinstance(one, bool) is isinstance(other, bool)
    return None if equal else f"{path}: {json.dumps(one)} and {json.dumps(other)}"
