"""The SDL: it is committed, offers every promised name, and marks exactly the live fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_introspection_query,
    graphql_sync,
    is_specified_scalar_type,
)

import schema
from domain import enums
from domain.selection import LIVE_FIELDS
from schema.live import LIVE_PREFIX, mark_live
from schema.sdl import main as print_sdl
from tests.graphql_http.gateway import graph
from tests.schema.compatibility import directives, find_breaking_changes

REPOSITORY = Path(__file__).parents[2]
COMMITTED = REPOSITORY / "schema" / "schema.graphql"
PUBLIC = Path(__file__).with_name("public.graphql")


def schema_from_sdl() -> GraphQLSchema:
    """Build the schema from its SDL, as the tools of a client do."""
    return build_schema(graph().sdl)


def test_committed_sdl_is_current() -> None:
    """The committed file is the SDL of the types; `python -m schema.sdl > schema/schema.graphql` writes it."""
    assert COMMITTED.read_text(encoding="utf-8") == graph().sdl


def test_sdl_command_prints_the_sdl(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m schema.sdl` prints the SDL and nothing else."""
    print_sdl()
    assert graph().sdl == capsys.readouterr().out


def test_public_names_are_unchanged() -> None:
    """The schema has each public type, field, argument, default, value and directive, and requires nothing more."""
    assert [] == find_breaking_changes(schema_from_sdl(), build_schema(PUBLIC.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("actual", "promised"),
    [
        ("type Query { a: Int }", "type Query { a: Int! }"),
        ("type Query { a: Int }", "type Query { b: Int }"),
        ("type Query { a(x: Int): Int }", "type Query { a(x: Int = 1): Int }"),
        ("type Query { a(x: Int!): Int }", "type Query { a: Int }"),
        ("type Query { a(x: Int!): Int }", "type Query { a(x: Int): Int }"),
        ("type Query { a: E } enum E { A }", "type Query { a: E } enum E { A B }"),
        ("type Query { a(i: I): Int } input I { x: Int y: Int! }", "type Query { a(i: I): Int } input I { x: Int }"),
        ("type Query { a: Int }", "directive @live on FIELD_DEFINITION type Query { a: Int }"),
        (
            "directive @live on FIELD_DEFINITION type Query { a: Int }",
            "directive @live on FIELD_DEFINITION type Query { a: Int @live }",
        ),
        ("scalar S type Query { a: S }", 'scalar S @specifiedBy(url: "https://a.example") type Query { a: S }'),
        ("type Query { a: Int }", "interface N { a: Int } type Query implements N { a: Int }"),
    ],
)
def test_breaking_changes_are_reported(actual: str, promised: str) -> None:
    """The comparison reports each kind of missing, changed or restricted part."""
    assert find_breaking_changes(build_schema(actual), build_schema(promised)) != []


@pytest.mark.parametrize(
    ("actual", "promised"),
    [
        ("type Query { a: Int b: Int }", "type Query { a: Int }"),
        ("type Query { a(x: Int, y: Int! = 1): Int }", "type Query { a(x: Int): Int }"),
        ("type Query { a: E } enum E { A B }", "type Query { a: E } enum E { A }"),
    ],
)
def test_additions_are_compatible(actual: str, promised: str) -> None:
    """New fields, optional arguments and enum values do not break a client."""
    assert find_breaking_changes(build_schema(actual), build_schema(promised)) == []


def test_live_directive_is_on_live_fields_only() -> None:
    """`@live` is on exactly the fields that the domain calls live."""
    live_fields = {
        name: frozenset(field for field, definition in graph_type.fields.items() if "@live" in directives(definition))
        for name, graph_type in schema_from_sdl().type_map.items()
        if isinstance(graph_type, GraphQLObjectType)
    }
    assert dict(LIVE_FIELDS) == {name: fields for name, fields in live_fields.items() if fields}


def test_descriptions_of_live_fields_begin_with_a_prefix() -> None:
    """Introspection does not show directives, so the description of each live field, and no other, begins with "Live: "."""
    introspection = graphql_sync(graph().core, get_introspection_query(descriptions=True))
    assert introspection.data is not None
    prefixed = {
        (graph_type["name"], field["name"])
        for graph_type in introspection.data["__schema"]["types"]
        for field in graph_type["fields"] or ()
        if (field["description"] or "").startswith(LIVE_PREFIX)
    }
    assert {(name, field) for name, fields in LIVE_FIELDS.items() for field in fields} == prefixed


def test_a_live_field_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name in the list of live fields that the type lacks raises an error."""

    @strawberry.type(name="Money")
    class MoneyWithoutLiveField:
        """A type without the field that the list names."""

        amount: float

    monkeypatch.setattr("schema.live.LIVE_FIELDS", {"Money": frozenset({"lost"})})
    with pytest.raises(TypeError, match="lost"):
        mark_live(MoneyWithoutLiveField)


def test_everything_has_a_description() -> None:
    """Each type, field, argument and enum value is described. For many clients this is the only documentation."""
    undescribed = [
        place
        for name, graph_type in graph().core.type_map.items()
        if not name.startswith("__") and not is_specified_scalar_type(graph_type)
        for place, description in descriptions(name, graph_type)
        if not (description or "").strip(LIVE_PREFIX)
    ]
    assert [] == undescribed


def descriptions(name: str, graph_type: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Return the description of a type and of each of its parts, with the name of the part."""
    yield name, graph_type.description
    if isinstance(graph_type, GraphQLEnumType):
        yield from ((f"{name}.{value}", definition.description) for value, definition in graph_type.values.items())
    if isinstance(graph_type, GraphQLObjectType | GraphQLInputObjectType):
        yield from ((f"{name}.{field}", definition.description) for field, definition in graph_type.fields.items())
    if isinstance(graph_type, GraphQLObjectType):
        for field, definition in graph_type.fields.items():
            yield from ((f"{name}.{field}({key})", argument.description) for key, argument in definition.args.items())


def test_enums_have_every_value() -> None:
    """An enum of the graph has the members of the domain's enum, by their names."""
    for name, graph_type in graph().core.type_map.items():
        if isinstance(graph_type, GraphQLEnumType) and not name.startswith("__"):
            assert [member.name for member in getattr(enums, name)] == list(graph_type.values)


def test_our_schema_package_is_imported() -> None:
    """`schema` is the package of this repository, not the one of that name on the package index."""
    assert schema.__file__ is not None
    assert REPOSITORY / "schema" == Path(schema.__file__).parent
