"""Fields with arguments below the root are declared by the signature of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import strawberry

_F = TypeVar("_F", bound=Callable[..., Any])


def declared(description: str) -> Callable[[_F], _F]:
    """Declare a field by a function's name, arguments and return type."""
    decorate: Callable[[_F], _F] = strawberry.field(description=description)
    return decorate


def resolved_from_dict() -> NoReturn:
    """Stand for the body of a declaration: `schema.build` makes the field read its value from the dict of its parent.

    Raises RuntimeError: a schema that was built in another way must not answer nonsense.
    """
    raise RuntimeError("This field reads its value from its parent's dict; build the schema with schema.build.")
