"""The limits of operations: of the document before validation, and of the selection once its variables are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from tests.equality.oracle.refusals import too_large
from tests.equality.oracle.selection import SelectedField

TOKENS: Final = 2000
_PAGES: Final = {"resources", "changes", "history"}


def measure_document(document: DocumentNode) -> None:
    """Raise OracleRefusal for the first limit that an operation exceeds."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            levels = list(_levels(definition.selection_set, fragments, 0, False, ()))
            plain = [depth for depth, hidden in levels if not hidden]
            _check("root fields", 20, sum(depth == 1 for depth, _ in levels))
            _check("levels of depth", 12, max(plain, default=0))
            _check("levels of introspection", 24, max((depth for depth, hidden in levels if hidden), default=0))
            _check("fields", 500, len(levels))


def _levels(
    selection_set: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    above: int,
    hidden: bool,
    within: tuple[str, ...],
) -> Iterable[tuple[int, bool]]:
    """Yield the depth of each field, fragments expanded, and whether it belongs to introspection."""
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            inside = hidden or node.name.value in {"__schema", "__type"}
            yield above + 1, inside
            if node.selection_set:
                yield from _levels(node.selection_set, fragments, above + 1, inside, within)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in fragments and name not in within:
                yield from _levels(fragments[name].selection_set, fragments, above, hidden, (*within, name))
        elif isinstance(node, InlineFragmentNode):
            yield from _levels(node.selection_set, fragments, above, hidden, within)


def measure_selection(roots: list[SelectedField]) -> None:
    """Raise OracleRefusal for the first limit that the selection exceeds."""
    demands = [root.arguments.get("freshness") or {} for root in roots]
    _check(
        "forced root fields",
        5,
        sum(demand.get("forceRefresh") is True or demand.get("maxAgeSeconds") == 0 for demand in demands),
    )
    _check("levels of linkedResources", 4, max(map(_link_depth, roots), default=0))
    _check("nodes", 20_000, sum(_count_nodes(root, 1) for root in roots))


def _check(limit: str, allowed: int, count: int) -> None:
    if count > allowed:
        raise too_large(limit, allowed, min(count, 10**9))


def _link_depth(selected: SelectedField) -> int:
    return (selected.name == "linkedResources") + max(map(_link_depth, selected.below), default=0)


def _count_nodes(selected: SelectedField, parents: int) -> int:
    many = 1
    if selected.name in _PAGES:
        many = min(max(selected.arguments["first"], 1), 1000)
    elif selected.name == "linkedResources":
        many = 10
    own = parents * many if many > 1 or selected.name in _PAGES else 0
    return own + sum(_count_nodes(child, parents * many) for child in selected.below)
