"""How large an operation is: of the document before it is validated, of what it asks once its variables are known."""

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
from tests.equality.oracle.selecting import Asked

TOKENS: Final = 2000
_PAGES: Final = {"resources", "changes", "history"}


def measure_document(document: DocumentNode) -> None:
    """Raise Refusal for the first limit that an operation passes."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    for one in document.definitions:
        if isinstance(one, OperationDefinitionNode):
            levels = list(_levels(one.selection_set, fragments, 0, False, ()))
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
    """Depth of each field after fragments, and whether it is introspection."""
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


def measure_selection(roots: list[Asked]) -> None:
    """Raise Refusal for the first limit that is passed."""
    demands = [one.arguments.get("freshness") or {} for one in roots]
    _check(
        "forced root fields",
        5,
        sum(one.get("forceRefresh") is True or one.get("maxAgeSeconds") == 0 for one in demands),
    )
    _check("levels of linkedResources", 4, max(map(_walk, roots), default=0))
    _check("nodes", 20_000, sum(_nodes(one, 1) for one in roots))


def _check(limit: str, allowed: int, count: int) -> None:
    if count > allowed:
        raise too_large(limit, allowed, min(count, 10**9))


def _walk(asked: Asked) -> int:
    return (asked.name == "linkedResources") + max(map(_walk, asked.below), default=0)


def _nodes(asked: Asked, parents: int) -> int:
    many = 1
    if asked.name in _PAGES:
        many = min(max(asked.arguments["first"], 1), 1000)
    elif asked.name == "linkedResources":
        many = 10
    own = parents * many if many > 1 or asked.name in _PAGES else 0
    return own + sum(_nodes(child, parents * many) for child in asked.below)
