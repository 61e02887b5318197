"""What the bodies of vendors' errors say."""

from __future__ import annotations

import json
from collections.abc import Mapping


def error_object(body: str) -> Mapping[str, object]:
    """An error's JSON object; an empty one where the body is none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def error_code(body: str, *path: str) -> str | None:
    """The text at a path of an error's JSON, such as `error`, `code`; None where it has none there."""
    told: object = error_object(body)
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return told if isinstance(told, str) and told else None
