"""Checks fakes whose vendors publish no specification for Prism against the models in the vendors' own client libraries.

Each function yields where a response differs from the model: an unknown name, a wrong type, or an unknown enumeration
value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import botocore.session


@cache
def botocore_model(service: str) -> Any:
    """Return AWS's own model of a service, as shipped with botocore."""
    return botocore.session.Session().get_service_model(service)


def botocore_violations(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Compare a response of a query API (objects, lists and texts) with a shape of botocore's model."""
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        yield from _member_violations(value, members, botocore_violations, path)
    elif shape.type_name == "list":
        for item in value:
            yield from botocore_violations(item, shape.member, f"{path}[]")
    elif not isinstance(value, str) or not _matches_shape(value, shape):
        yield f"{path}: {value!r} is not a valid {shape.type_name}"


def _member_violations(
    fields: Mapping[str, Any],
    members: Mapping[str, Any],
    violations: Callable[[Any, Any, str], Iterator[str]],
    path: str,
) -> Iterator[str]:
    for key, value in fields.items():
        if key in members:
            yield from violations(value, members[key], f"{path}.{key}")
        else:
            yield f"{path}.{key}: unknown"


def _matches_shape(text: str, shape: Any) -> bool:
    if shape.type_name in ("integer", "long"):
        return text.lstrip("-").isdigit()
    if shape.type_name == "boolean":
        return text in ("true", "false")
    if shape.type_name == "timestamp":
        return datetime.fromisoformat(text).tzinfo is not None
    return not getattr(shape, "enum", None) or text in shape.enum


def dataclass_violations(value: Any, value_type: Any, path: str = "") -> Iterator[str]:
    """Compare a JSON response with the dataclasses of a generated client library.

    A field whose name is a Python keyword has a trailing `_` in the library.
    """
    origin, arguments = get_origin(value_type), get_args(value_type)
    if origin is Union:
        if value is not None:
            yield from dataclass_violations(value, arguments[0], path)
    elif origin is list and isinstance(value, list):
        for item in value:
            yield from dataclass_violations(item, arguments[0], f"{path}[]")
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from dataclass_violations(item, arguments[1], f"{path}.{key}")
    elif dataclasses.is_dataclass(value_type) and isinstance(value, dict):
        members = {name.removesuffix("_"): hint for name, hint in get_type_hints(value_type).items()}
        yield from _member_violations(value, members, dataclass_violations, path)
    elif not _matches_type(value, value_type):
        yield f"{path}: {value!r} is not a valid {value_type}"


def _matches_type(value: Any, value_type: Any) -> bool:
    if value_type is datetime:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    if value_type is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value_type, type) and issubclass(value_type, Enum):
        return value in [member.value for member in value_type]
    return isinstance(value_type, type) and type(value) is value_type
