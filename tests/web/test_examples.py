"""The operations which GraphiQL opens with."""

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
    """Collects the names of the selected fields that a vendor owns."""

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
def test_an_example_is_valid_against_the_schema(path: Path) -> None:
    """What a visitor sees first runs."""
    assert [] == validate(SCHEMA, parse(path.read_text(encoding="utf-8")))


def test_each_example_has_a_name_of_its_own() -> None:
    """The names are the titles of the tabs."""
    names = [operation.name.value for operation in map(_operation, EXAMPLES) if operation.name]
    assert len(EXAMPLES) == len(set(names))


def test_the_recorded_example_selects_no_live_field() -> None:
    """It says of itself that no cloud is asked."""
    (recorded,) = [path for path in EXAMPLES if "recorded" in path.stem]
    assert set() == _live_fields(recorded)


def test_the_other_listings_select_live_fields() -> None:
    """They show what a refresh does."""
    listings = [path for path in EXAMPLES if path.stem[2:] in ("machines", "forced", "volumes")]
    assert 3 == len(listings)
    assert all("status" in _live_fields(path) for path in listings)


def test_one_example_forces() -> None:
    """One tab shows `forceRefresh`, and the others do not spend a vendor's calls by surprise."""
    forcing = [path.stem for path in EXAMPLES if "forceRefresh: true" in print_ast(_operation(path))]
    assert ["2-forced"] == forcing


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_fits_the_editor(path: Path) -> None:
    """The explanation above each operation can be read without scrolling sideways."""
    comments = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert comments
    assert max(map(len, comments)) <= 45
