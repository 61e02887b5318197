"""Figures that come from the assembled application: its ways into `/graphql` and its caches."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cachetools import Cache
from starlette.routing import Match

from tools.counts.figures import Figure, cached_functions
from tools.counts.objects import reachable
from tools.style.sources import Source

PATH: Final = "/graphql"

_CACHE_MODULE: Final = "domain.cache"


@dataclass(frozen=True)
class Assembled:
    """A gateway without accounts and its application. Nothing runs; no file and no connection is opened."""

    gateway: Any
    app: Any


def assemble() -> Assembled:
    """Assemble a gateway from the default settings."""
    settings = importlib.import_module("supplygraph.config.settings")
    gateway = importlib.import_module("supplygraph.gateway").assemble(settings.Settings())
    return Assembled(gateway, importlib.import_module("supplygraph.app").make_app(gateway))


def count_entries(app: Any, sources: Iterable[Source]) -> Figure:
    """Count the ways into `/graphql`: routes that match it, and code that compares a request's path with it."""
    entries = [*_routes(app), *_comparisons(sources)]
    return Figure(f"ways into {PATH}", len(entries), tuple(entries))


def _routes(app: Any) -> Iterator[str]:
    scopes: list[dict[str, Any]] = [
        {"type": "http", "path": PATH, "method": "POST", "headers": []},
        {"type": "websocket", "path": PATH, "headers": []},
    ]
    for route in app.routes:
        if any(route.matches(dict(scope))[0] is not Match.NONE for scope in scopes):
            endpoint = getattr(route, "endpoint", None)
            name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
            yield f"{type(route).__name__} to {name}"


def _comparisons(sources: Iterable[Source]) -> Iterator[str]:
    for source in sources:
        for node in source.nodes if source.is_product else ():
            if isinstance(node, ast.Compare) and all(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops):
                sides = [node.left, *node.comparators]
                others = [side for side in sides if not _is_path(side)]
                if len(others) < len(sides) and PATH in [_value(source, side) for side in others]:
                    yield f"comparison at {source.path}:{node.lineno}"


def _is_path(node: ast.expr) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value="path")) | ast.Attribute(attr="path") | ast.Name(id="path"):
            return True
    return False


def _value(source: Source, node: ast.expr) -> object:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            module = importlib.import_module(".".join(source.path.with_suffix("").parts))
            return getattr(module, name, None)
    return None


def count_caches(assembled: Assembled, sources: Sequence[Source]) -> Figure:
    """Count the caches that a read meets: instances held by the gateway or its application, and cached functions."""
    caches: dict[int, str] = {}
    inner: set[int] = set()
    for name, root in (("gateway", assembled.gateway), ("app", assembled.app)):
        for path, item in reachable(root, name):
            if _is_cache(item) and id(item) not in inner:
                caches.setdefault(id(item), f"{path}: {type(item).__name__}")
                # A cache made of two parts is one cache.
                inner.update(id(part) for _, part in reachable(item, "") if part is not item and _is_cache(part))
    names = [name for place, name in caches.items() if place not in inner]
    return Figure("caches on a read", len(names) + len(functions := cached_functions(sources)), (*names, *functions))


def _is_cache(item: object) -> bool:
    return type(item).__module__ == _CACHE_MODULE or isinstance(item, Cache)
