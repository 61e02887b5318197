"""Declares fields that have arguments: the signature of a function gives the name, the arguments and the type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import strawberry

_F = TypeVar("_F", bound=Callable[..., Any])


def declare_field(description: str) -> Callable[[_F], _F]:
    """Return the decorator that turns a function into a field with this description."""
    decorate: Callable[[_F], _F] = strawberry.field(description=description)
    return decorate


def resolve_from_parent() -> NoReturn:
    """Stand in for the resolver of a field below the root, which `schema.build` replaces: it reads from the parent's dict.

    Raises RuntimeError, because a schema that was built in another way has no value for the field.
    """
    raise RuntimeError("This field reads its value from its parent's dict. Build the schema with schema.build.")
