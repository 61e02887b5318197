"""Judges of fakes whose vendors publish no specification for Prism: the models that the vendors' own client libraries carry.

Each tells where an answer differs from the model: a name, a kind of value, or a word of an enumeration that it does not have.
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
def botocores(service: str) -> Any:
    """AWS's own model of a service, as botocore ships it."""
    return botocore.session.Session().get_service_model(service)


def by_botocore(told: Any, shape: Any, path: str = "") -> Iterator[str]:
    """An answer of a query API, as objects, lists and texts, against a shape of botocore's model."""
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        yield from _each(told, members, by_botocore, path)
    elif shape.type_name == "list":
        for value in told:
            yield from by_botocore(value, shape.member, f"{path}[]")
    elif not isinstance(told, str) or not _fits(told, shape):
        yield f"{path}: {told!r} is no {shape.type_name}"


def _each(
    told: Mapping[str, Any], members: Mapping[str, Any], judge: Callable[[Any, Any, str], Iterator[str]], path: str
) -> Iterator[str]:
    for key, value in told.items():
        if key in members:
            yield from judge(value, members[key], f"{path}.{key}")
        else:
            yield f"{path}.{key}: unknown"


def _fits(told: str, shape: Any) -> bool:
    if shape.type_name in ("integer", "long"):
        return told.lstrip("-").isdigit()
    if shape.type_name == "boolean":
        return told in ("true", "false")
    if shape.type_name == "timestamp":
        return datetime.fromisoformat(told).tzinfo is not None
    return not getattr(shape, "enum", None) or told in shape.enum


def by_dataclass(told: Any, kind: Any, path: str = "") -> Iterator[str]:
    """A JSON answer against the dataclasses of a generated client library; a keyword's field has a `_` behind it there."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Union:
        if told is not None:
            yield from by_dataclass(told, inner[0], path)
    elif origin is list and isinstance(told, list):
        for value in told:
            yield from by_dataclass(value, inner[0], f"{path}[]")
    elif origin is dict and isinstance(told, dict):
        for key, value in told.items():
            yield from by_dataclass(value, inner[1], f"{path}.{key}")
    elif dataclasses.is_dataclass(kind) and isinstance(told, dict):
        members = {name.removesuffix("_"): hint for name, hint in get_type_hints(kind).items()}
        yield from _each(told, members, by_dataclass, path)
    elif not _is(told, kind):
        yield f"{path}: {told!r} is no {kind}"


def _is(told: Any, kind: Any) -> bool:
    if kind is datetime:
        return isinstance(told, str) and datetime.fromisoformat(told).tzinfo is not None
    if kind is float:
        return isinstance(told, int | float) and not isinstance(told, bool)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return told in [word.value for word in kind]
    return isinstance(kind, type) and type(told) is kind
