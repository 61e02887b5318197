"""Read error codes from the bodies of vendors' error responses."""

from __future__ import annotations

import json
from collections.abc import Mapping


def error_object(body: str) -> Mapping[str, object]:
    """Return the JSON object of an error body; an empty mapping if the body is not a JSON object."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def error_code(body: str, *path: str) -> str | None:
    """Return the text at a path of an error body, such as `error`, `code`; `None` if there is no text."""
    value: object = error_object(body)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and value else None
