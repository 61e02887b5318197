"""Checks the size of an operation against the limits, before any other work is done for it.

The number of fields, which fragments can multiply, is counted in one pass over the document, before validation: each definition
is visited once, however often it is used. The number of nodes, which arguments can multiply, is counted on the selection, when
the variables have values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from domain.errors import LimitExceeded
from domain.rules import OperationLimits
from domain.selection import Selected

_PAGE_MAX: Final = 1000
_LINKS_PAGE: Final = 10
_PAGED: Final = frozenset({"resources", "changes", "history"})
_COUNTED_UP_TO: Final = 1_000_000_000
"""Larger counts are reported as this one. Nested spreads double at each level, and the exact number has no use."""


def check_document(document: DocumentNode, limits: OperationLimits) -> None:
    """Raise LimitExceeded if an operation of the document is too large. The document need not be valid.

    `@skip` and `@include` are ignored: everything that the operation may select counts.
    """
    extents = _fragment_extents(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            extent = _expand(_count_own(definition.selection_set), extents)
            _check("root fields", limits.root_fields, extent.root_fields)
            _check("levels of depth", limits.depth, extent.depth)
            _check("levels of introspection", limits.introspection_depth, extent.introspection_depth)
            _check("fields", limits.fields, extent.fields)


def check_selection(roots: Sequence[Selected], limits: OperationLimits) -> None:
    """Raise LimitExceeded if the selection forces too often, follows links too deep, or may return too many nodes."""
    _check("forced root fields", limits.forced, sum(_is_forced(root) for root in roots))
    _check("levels of linkedResources", limits.links_depth, max(map(_links_depth, roots), default=0))
    _check("nodes", limits.nodes, sum(_count_nodes(root, 1) for root in roots))


def _check(limit: str, allowed: int, count: int) -> None:
    if count > allowed:
        raise LimitExceeded(limit, allowed, min(count, _COUNTED_UP_TO))


@dataclass(frozen=True, slots=True)
class _Spread:
    """The use of a fragment in a definition: below how many fields, and whether inside introspection."""

    name: str
    depth: int
    introspecting: bool


@dataclass(slots=True)
class _Extent:
    """The size of a definition: without its fragments, and with `spreads` for them; or with its fragments expanded.

    `depth` counts levels outside of introspection.
    """

    fields: int = 0
    depth: int = 0
    introspection_depth: int = 0
    root_fields: int = 0
    spreads: list[_Spread] = field(default_factory=list)

    def add(self, node: FieldNode, depth: int, introspecting: bool) -> bool:
        """Count a field. Return whether the fields below it are introspection."""
        introspecting = introspecting or node.name.value in {"__schema", "__type"}
        self.fields += 1
        if introspecting:
            self.introspection_depth = max(self.introspection_depth, depth)
        else:
            self.depth = max(self.depth, depth)
        if depth == 1:
            self.root_fields += 1
        return introspecting


def _count_own(selection_set: SelectionSetNode) -> _Extent:
    own = _Extent()
    waiting = [(selection_set, 0, False)]
    while waiting:
        current, depth, introspecting = waiting.pop()
        for node in current.selections:
            if isinstance(node, FragmentSpreadNode):
                own.spreads.append(_Spread(node.name.value, depth, introspecting))
            elif isinstance(node, FieldNode):
                inside = own.add(node, depth + 1, introspecting)
                if node.selection_set is not None:
                    waiting.append((node.selection_set, depth + 1, inside))
            else:
                waiting.append((node.selection_set, depth, introspecting))  # type: ignore[attr-defined]  # an inline fragment
    return own


def _expand(own: _Extent, extents: dict[str, _Extent]) -> _Extent:
    """Return the size of a definition, given the sizes of the fragments that it spreads."""
    fields, depth, introspection, roots = own.fields, own.depth, own.introspection_depth, own.root_fields
    for spread in own.spreads:
        # A fragment that is missing or part of a cycle adds nothing. Validation rejects the document later.
        extent = extents.get(spread.name, _Extent())
        fields += extent.fields
        inner = spread.depth + extent.depth if extent.depth else 0
        hidden = spread.depth + extent.introspection_depth if extent.introspection_depth else 0
        if spread.introspecting:
            introspection = max(introspection, inner, hidden)
        else:
            depth, introspection = max(depth, inner), max(introspection, hidden)
        if spread.depth == 0:
            roots += extent.root_fields
    return _Extent(min(fields, _COUNTED_UP_TO), depth, introspection, min(roots, _COUNTED_UP_TO))


def _fragment_extents(document: DocumentNode) -> dict[str, _Extent]:
    own_fields = {
        definition.name.value: _count_own(definition.selection_set)
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    extents: dict[str, _Extent] = {}
    for name in _inner_first(own_fields):
        extents[name] = _expand(own_fields[name], extents)
    return extents


def _inner_first(own_fields: dict[str, _Extent]) -> Iterator[str]:
    """Yield each fragment once, after the fragments that it spreads. There is no recursion, because a chain may be long."""
    visited: set[str] = set()
    for start in own_fields:
        path: list[tuple[str, Iterator[_Spread]]] = []
        _enter(start, own_fields, visited, path)
        while path:
            name, spreads = path[-1]
            unvisited = (each.name for each in spreads if each.name in own_fields and each.name not in visited)
            inner = next(unvisited, None)
            if inner is None:
                path.pop()
                yield name
            else:
                _enter(inner, own_fields, visited, path)


def _enter(
    name: str, own_fields: dict[str, _Extent], visited: set[str], path: list[tuple[str, Iterator[_Spread]]]
) -> None:
    if name not in visited:
        visited.add(name)
        path.append((name, iter(own_fields[name].spreads)))


def _is_forced(root: Selected) -> bool:
    demand = root.arguments.get("freshness")
    return isinstance(demand, dict) and (demand.get("forceRefresh") is True or demand.get("maxAgeSeconds") == 0)


def _links_depth(selected: Selected) -> int:
    return max(map(_links_depth, selected.fields), default=0) + (selected.name == "linkedResources")


def _count_nodes(selected: Selected, parents: int) -> int:
    """Return how many nodes the field may return at most, for this number of parents."""
    if selected.name in _PAGED:
        parents = own = parents * _page_size(selected)
    elif selected.name == "linkedResources":
        parents = own = parents * _LINKS_PAGE
    else:
        own = 0
    return own + sum(_count_nodes(child, parents) for child in selected.fields)


def _page_size(selected: Selected) -> int:
    first = selected.arguments.get("first")
    # A page size out of bounds is reported elsewhere, as an error of the argument.
    return min(max(first, 1), _PAGE_MAX) if isinstance(first, int) else _PAGE_MAX
