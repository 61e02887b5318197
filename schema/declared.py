"""Fields with arguments are declared by the signature of a function that never runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import strawberry

_F = TypeVar("_F", bound=Callable[..., Any])


def declared(description: str) -> Callable[[_F], _F]:
    """Declare a field by a function's name, arguments and return type."""
    decorate: Callable[[_F], _F] = strawberry.field(description=description)
    return decorate


def answered_by_the_operation() -> NoReturn:
    """Stand for the answer in a field's declaration; `schema.build` sets what really answers.

    Raises RuntimeError: a schema that was built otherwise must not answer nonsense.
    """
    raise RuntimeError("A field is answered by its operation; build the schema with schema.build.")
