"""Tests of the example operations that GraphiQL opens on the first visit."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    FieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    parse,
    print_ast,
    validate,
    visit,
)

from tests.web.stand_in import SDL

EXAMPLES = sorted((Path(__file__).parents[2] / "web" / "examples").glob("*.graphql"))
SCHEMA = build_schema(SDL.read_text(encoding="utf-8"))


class _LiveFields(Visitor):
    """Collects the names of the selected live fields, whose values come from a vendor."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_rest: object) -> None:
        definition = self.types.get_field_def()
        assert definition is not None
        assert definition.ast_node is not None
        if any(directive.name.value == "live" for directive in definition.ast_node.directives or ()):
            self.names.add(node.name.value)


def _operation(path: Path) -> OperationDefinitionNode:
    (operation,) = parse(path.read_text(encoding="utf-8")).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def _live_fields(path: Path) -> set[str]:
    types = TypeInfo(SCHEMA)
    live = _LiveFields(types)
    visit(_operation(path), TypeInfoVisitor(types, live))
    return live.names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_valid_against_the_schema(path: Path) -> None:
    """Each example runs as it is."""
    assert [] == validate(SCHEMA, parse(path.read_text(encoding="utf-8")))


def test_example_names_are_unique() -> None:
    """The operation names are the titles of the tabs."""
    names = [operation.name.value for operation in map(_operation, EXAMPLES) if operation.name]
    assert len(EXAMPLES) == len(set(names))


def test_recorded_example_selects_no_live_field() -> None:
    """Its comment says that no cloud is called."""
    (recorded,) = [path for path in EXAMPLES if "recorded" in path.stem]
    assert set() == _live_fields(recorded)


def test_other_listings_select_live_fields() -> None:
    """They demonstrate a refresh."""
    listings = [path for path in EXAMPLES if path.stem[2:] in ("machines", "forced", "volumes")]
    assert 3 == len(listings)
    assert all("status" in _live_fields(path) for path in listings)


def test_only_one_example_forces_a_refresh() -> None:
    """One tab shows `forceRefresh`; the others make no unexpected vendor calls."""
    forcing = [path.stem for path in EXAMPLES if "forceRefresh: true" in print_ast(_operation(path))]
    assert ["2-forced"] == forcing


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_comments_fit_the_editor(path: Path) -> None:
    """The comment above each operation can be read without horizontal scrolling."""
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert comments
    assert max(map(len, comments)) <= 45
