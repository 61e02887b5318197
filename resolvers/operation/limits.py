"""How large an operation may be; counted before any work.

What fragments multiply is counted in one pass over the document, before it is validated: each definition is looked at
once, whatever refers to it. What arguments multiply is counted on the selection, when the variables are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
"""A nest of spreads doubles at each level: beyond this the exact count tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The size of a definition after fragments: fields, levels (introspection apart), levels of introspection, root fields."""

    fields: int = 0
    depth: int = 0
    introspection_depth: int = 0
    root_fields: int = 0


def check_document(document: DocumentNode, limits: OperationLimits) -> None:
    """Raise LimitExceeded if an operation of the document is too large. The document need not be valid.

    Conditions are not looked at: the count is of what the operation may ask for.
    """
    extents = _fragment_extents(document)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_extent(_whole(_own(definition.selection_set), extents), limits)


def check_selection(roots: Sequence[Selected], limits: OperationLimits) -> None:
    """Raise LimitExceeded if the selection walks too far, or multiplies to too many nodes."""
    _check("forced root fields", limits.forced, sum(_forced(root) for root in roots))
    _check("levels of linkedResources", limits.links_depth, max(map(_links_depth, roots), default=0))
    _check("nodes", limits.nodes, sum(_nodes(root, 1) for root in roots))


def _check(limit: str, allowed: int, count: int) -> None:
    if count > allowed:
        raise LimitExceeded(limit, allowed, min(count, _COUNTED_UP_TO))


def _check_extent(extent: Extent, limits: OperationLimits) -> None:
    _check("root fields", limits.root_fields, extent.root_fields)
    _check("levels of depth", limits.depth, extent.depth)
    _check("levels of introspection", limits.introspection_depth, extent.introspection_depth)
    _check("fields", limits.fields, extent.fields)


@dataclass(frozen=True, slots=True)
class _Spread:
    """Where a definition spreads a fragment: below how many fields, and whether inside introspection."""

    name: str
    depth: int
    introspecting: bool


@dataclass(slots=True)
class _Own:
    """What a definition holds itself, and what it spreads."""

    fields: int = 0
    depth: int = 0
    introspection_depth: int = 0
    root_fields: int = 0
    spreads: list[_Spread] = field(default_factory=list)

    def add(self, node: FieldNode, depth: int, introspecting: bool) -> bool:
        """Count a field; answers whether what is below it is introspection."""
        introspecting = introspecting or node.name.value in {"__schema", "__type"}
        self.fields += 1
        if introspecting:
            self.introspection_depth = max(self.introspection_depth, depth)
        else:
            self.depth = max(self.depth, depth)
        if depth == 1:
            self.root_fields += 1
        return introspecting


def _own(selection_set: SelectionSetNode) -> _Own:
    own = _Own()
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


def _whole(own: _Own, extents: dict[str, Extent]) -> Extent:
    fields, depth, introspection, roots = own.fields, own.depth, own.introspection_depth, own.root_fields
    for spread in own.spreads:
        # One that is missing, or closes a cycle, adds nothing: validation refuses the document.
        extent = extents.get(spread.name, Extent())
        fields += extent.fields
        inner = spread.depth + extent.depth if extent.depth else 0
        hidden = spread.depth + extent.introspection_depth if extent.introspection_depth else 0
        if spread.introspecting:
            introspection = max(introspection, inner, hidden)
        else:
            depth, introspection = max(depth, inner), max(introspection, hidden)
        if spread.depth == 0:
            roots += extent.root_fields
    return Extent(min(fields, _COUNTED_UP_TO), depth, introspection, min(roots, _COUNTED_UP_TO))


def _fragment_extents(document: DocumentNode) -> dict[str, Extent]:
    owns = {
        definition.name.value: _own(definition.selection_set)
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    extents: dict[str, Extent] = {}
    for name in _inner_first(owns):
        extents[name] = _whole(owns[name], extents)
    return extents


def _inner_first(owns: dict[str, _Own]) -> Iterator[str]:
    """Each fragment once, after those that it spreads; without recursion, since a chain of them may be long."""
    begun: set[str] = set()
    for start in owns:
        path: list[tuple[str, Iterator[_Spread]]] = []
        _begin(start, owns, begun, path)
        while path:
            name, spreads = path[-1]
            inner = next((spread.name for spread in spreads if spread.name in owns and spread.name not in begun), None)
            if inner is None:
                path.pop()
                yield name
            else:
                _begin(inner, owns, begun, path)


def _begin(name: str, owns: dict[str, _Own], begun: set[str], path: list[tuple[str, Iterator[_Spread]]]) -> None:
    if name not in begun:
        begun.add(name)
        path.append((name, iter(owns[name].spreads)))


def _forced(root: Selected) -> bool:
    demand = root.arguments.get("freshness")
    return isinstance(demand, dict) and (demand.get("forceRefresh") is True or demand.get("maxAgeSeconds") == 0)


def _links_depth(selected: Selected) -> int:
    below = _deepest(selected.fields)
    return below + 1 if selected.name == "linkedResources" else below


def _deepest(fields: Iterable[Selected]) -> int:
    return max(map(_links_depth, fields), default=0)


def _nodes(selected: Selected, parents: int) -> int:
    if selected.name in _PAGED:
        parents = held = parents * _page(selected)
    elif selected.name == "linkedResources":
        parents = held = parents * _LINKS_PAGE
    else:
        held = 0
    return held + sum(_nodes(child, parents) for child in selected.fields)


def _page(selected: Selected) -> int:
    first = selected.arguments.get("first")
    # A size out of bounds is the reader's mistake, and is told as that.
    return min(max(first, 1), _PAGE_MAX) if isinstance(first, int) else _PAGE_MAX
