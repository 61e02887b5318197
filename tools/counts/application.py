"""Figures that come from the assembled application: its ways into `/graphql` and its caches."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from starlette.routing import BaseRoute, Match

from domain.cache import LRUCache
from tools.counts.figures import Figure, cached_functions, is_on_read_path
from tools.counts.objects import attributes, reachable
from tools.style.sources import Source

PATH: Final = "/graphql"

CACHES: Final[Mapping[str, str]] = MappingProxyType({
    "OperationCompiler._operations": "operations by text and name: document or errors, and in nested caches their plans",
    "StatementCompiler._account_statements": "SQL of account state, which many operations share; on the worker alone",
    "QueryReader._accounts": "account state by data revision",
    "ResultCache._results": "answer texts by statement and bound values, with their data revision",
    "ResultCache._first_reads": "which results were read once; a result is stored when it is read again",
    "Authenticator._tokens": "verified tokens by the bytes of the header, for a second",
})  # fmt: skip
"""The content of each cache on the read path, by class and attribute."""


@dataclass(frozen=True)
class Assembled:
    """A gateway without accounts and its application. Nothing runs; no file and no connection is opened."""

    gateway: Any
    app: Any


def assemble() -> Assembled:
    """Assemble a gateway from the default settings."""
    settings = importlib.import_module("supplygraph.config.settings")
    gateway = importlib.import_module("supplygraph.gateway").assemble(settings.Settings())
    return Assembled(gateway, importlib.import_module("supplygraph.app").Application(gateway))


def count_entries(routes: Iterable[BaseRoute], sources: Iterable[Source]) -> Figure:
    """Count the ways into `/graphql`: branches that compare a request's path with it, and routes of FastAPI that match it."""
    entries = [*_comparisons(sources), *_matching_routes(routes)]
    return Figure(f"ways into {PATH}", len(entries), tuple(entries))


def _matching_routes(routes: Iterable[BaseRoute]) -> Iterator[str]:
    scopes: list[dict[str, Any]] = [
        {"type": "http", "path": PATH, "method": "POST", "headers": []},
        {"type": "websocket", "path": PATH, "headers": []},
    ]
    for route in routes:
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
        case ast.Call(func=ast.Name(id="route_path")):
            return True
    return False


def _value(source: Source, node: ast.expr) -> object:
    """Return the value of a constant, of a name of the module, or of an attribute of either; None for anything else."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            module = importlib.import_module(".".join(source.path.with_suffix("").parts))
            return getattr(module, name, None)
        case ast.Attribute(value=owner, attr=name):
            return getattr(_value(source, owner), name, None)
    return None


def count_caches(assembled: Assembled, sources: Sequence[Source]) -> Figure:
    """Count the caches that a read meets: those of the gateway or its application, and functions that `functools` caches."""
    caches = dict.fromkeys(_held_caches(assembled))
    details = [f"{name}: {CACHES.get(name, 'not explained')}" for name in caches]
    functions = cached_functions(sources)
    return Figure("caches on a read", len(caches) + len(functions), (*details, *functions))


def _held_caches(assembled: Assembled) -> Iterator[str]:
    """Yield the class and attribute of each cache that an object on the read path holds."""
    seen: set[int] = set()
    for name, root in (("gateway", assembled.gateway), ("app", assembled.app)):
        for _, item in reachable(root, name):
            if not is_on_read_path(type(item).__module__):
                continue
            for attribute, value in attributes(item):
                if isinstance(value, LRUCache) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{type(item).__qualname__}.{attribute}"
