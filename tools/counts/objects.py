"""A walk over the objects that a running application consists of."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.style.sources import PRODUCT

_WALKED: Final = frozenset({*PRODUCT, "fastapi", "starlette"})
"""Packages whose instances are looked into. Those of others, such as SQLAlchemy's engines, hold nothing of ours."""


def reachable(root: object, name: str) -> Iterator[tuple[str, object]]:
    """Return each object that can be reached from `root` through attributes, containers and closures, once.

    Each comes with the shortest path to it, such as `gateway.reader._statements`.
    """
    seen = {id(root)}
    level = [(name, root)]
    while level:
        below: list[tuple[str, object]] = []
        for path, item in level:
            yield path, item
            for step, child in _children(item):
                if id(child) not in seen:
                    seen.add(id(child))
                    below.append((path + step, child))
        level = below


def _children(item: object) -> Iterator[tuple[str, object]]:
    match item:
        case type() | types.ModuleType():
            return
        case types.FunctionType(__closure__=cells):
            yield from _cells(item, cells or ())
        case types.MethodType(__self__=instance, __func__=function):
            yield "", instance
            yield "", function
        case functools.partial(func=function, args=arguments, keywords=keywords):
            yield "", function
            yield "", arguments
            yield "", keywords
        case Mapping():
            yield from ((f"[{key!r}]", value) for key, value in list(item.items()))
        case list() | tuple() | set() | frozenset():
            yield from (("[]", value) for value in list(item))
        case _ if type(item).__module__.partition(".")[0] in _WALKED:
            yield from ((f".{key}", value) for key, value in attributes(item))


def _cells(function: types.FunctionType, cells: tuple[Any, ...]) -> Iterator[tuple[str, object]]:
    for variable, cell in zip(function.__code__.co_freevars, cells, strict=True):
        try:
            yield f"<{variable}>", cell.cell_contents
        except ValueError:  # the variable is not assigned yet
            continue


def attributes(item: object) -> Iterator[tuple[str, object]]:
    """Return the name and value of each attribute of an instance, slots included."""
    yield from list(getattr(item, "__dict__", {}).items())
    for base in type(item).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in {"__dict__", "__weakref__"} and hasattr(item, slot):
                yield slot, getattr(item, slot)
