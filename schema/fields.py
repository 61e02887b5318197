"""Declares types and fields with their published descriptions.

The docstring of a type is its description in the schema, and a field has its description next to its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING
from typing import Any, NoReturn, TypeVar

import strawberry

_C = TypeVar("_C", bound=type)
_F = TypeVar("_F", bound=Callable[..., Any])


def documented(declare: Callable[..., Any]) -> Callable[[_C], _C]:
    """Return the decorator that declares a class, such as `strawberry.type`, with the docstring as its description."""

    def decorate(cls: _C) -> _C:
        declared: _C = declare(cls, description=" ".join(str(cls.__doc__).split()))
        return declared

    return decorate


def describe(description: str, default: object = MISSING) -> Any:
    """Return a field with this description. Only a field of an input has a default."""
    return strawberry.field(description=description, default=default)


def declare_field(description: str) -> Callable[[_F], _F]:
    """Return the decorator that turns a function into a field: its signature gives the name, the arguments and the type."""
    decorate: Callable[[_F], _F] = strawberry.field(description=description)
    return decorate


def resolve_from_parent() -> NoReturn:
    """Stand in for the resolver of a field below the root, which `schema.build` replaces: it reads from the parent's dict.

    Raises RuntimeError, because a schema that was built in another way has no value for the field.
    """
    raise RuntimeError("This field reads its value from its parent's dict. Build the schema with schema.build.")
