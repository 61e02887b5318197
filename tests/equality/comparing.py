"""Whether two answers are equal as JSON, and where they first differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.equality.oracle.oracle import Answer
from tests.equality.renderings import Told


def differences(expected: Answer, told: Told) -> str | None:
    """Against the oracle: all but the errors' texts, and whatever order gaps are told in."""
    if expected.status != told.status:
        return f"status: expected {expected.status}, told {told.status} {json.dumps(told.body)[:600]}"
    return _first(_comparable(expected.body), _comparable(told.body), "")


def between(one: Told, other: Told) -> str | None:
    """Between two renderings of the gateway: everything, down to the order of keys."""
    if one.status != other.status:
        return f"status: {one.status}, {other.status}"
    if json.dumps(one.body) == json.dumps(other.body):
        return None
    return _first(one.body, other.body, "") or "keys are in another order"


def _comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(body)
    if "errors" in found:
        found["errors"] = [{name: value for name, value in one.items() if name != "message"} for one in found["errors"]]
    freshness = found.get("extensions", {}).get("freshness")
    if freshness is not None:
        gaps = sorted(freshness["gaps"], key=json.dumps)
        found["extensions"] = {**found["extensions"], "freshness": {**freshness, "gaps": gaps}}
    return found


def _first(one: Any, other: Any, path: str) -> str | None:
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return f"{path}: keys {sorted(one)} and {sorted(other)}"
        return next((found for key in one if (found := _first(one[key], other[key], f"{path}.{key}"))), None)
    if isinstance(one, list) and isinstance(other, list):
        found = next(
            (
                found
                for place, pair in enumerate(zip(one, other, strict=False))
                if (found := _first(*pair, f"{path}[{place}]"))
            ),
            None,
        )
        return found or (None if len(one) == len(other) else f"{path}: {len(one)} and {len(other)} items")
    # True is no 1, though Python says so; 1.0 is 1 in JSON.
    alike = one == other and isinstance(one, bool) is isinstance(other, bool)
    return None if alike else f"{path}: {json.dumps(one)} and {json.dumps(other)}"
