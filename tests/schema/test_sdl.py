"""The SDL: committed, no less than the contract, and true about what is live."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
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
from tests.graphql_http.gateway import graph
from tests.schema.contract import lacks, marks

REPOSITORY = Path(__file__).parents[2]
COMMITTED = REPOSITORY / "schema" / "schema.graphql"
CONTRACT = REPOSITORY.parent / "shared" / "contract" / "schema.graphql"


def from_sdl() -> GraphQLSchema:
    """The schema as a client's tools build it."""
    return build_schema(graph().sdl)


def test_committed_sdl_is_current() -> None:
    """The committed SDL is what the types produce: `python -m schema.sdl > schema/schema.graphql` rewrites it."""
    assert COMMITTED.read_text() == graph().sdl


def test_sdl_command_prints_the_sdl(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m schema.sdl` prints the SDL and nothing else."""
    from schema.sdl import main  # noqa: PLC0415  # the command alone needs it

    main()
    assert graph().sdl == capsys.readouterr().out


def test_contract_is_kept() -> None:
    """Every type, field, argument, default, value and directive of the contract is there, and nothing is stricter."""
    if not CONTRACT.exists():
        pytest.skip(f"the contract lies beside the repository, and is not there: {CONTRACT.name}")
    assert [] == lacks(from_sdl(), build_schema(CONTRACT.read_text()))


@pytest.mark.parametrize(
    ("ours", "contract"),
    [
        ("type Query { a: Int }", "type Query { a: Int! }"),
        ("type Query { a: Int }", "type Query { b: Int }"),
        ("type Query { a(x: Int): Int }", "type Query { a(x: Int = 1): Int }"),
        ("type Query { a(x: Int!): Int }", "type Query { a: Int }"),
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
def test_comparison_sees_what_is_less(ours: str, contract: str) -> None:
    """The comparison with the contract notices each way of being less or stricter."""
    assert lacks(build_schema(ours), build_schema(contract)) != []


def test_live_directive_stands_on_live_fields_alone() -> None:
    """`@live` is on exactly the fields that the domain calls live."""
    marked = {
        name: frozenset(field for field, told in graph_type.fields.items() if "@live" in marks(told))
        for name, graph_type in from_sdl().type_map.items()
        if isinstance(graph_type, GraphQLObjectType)
    }
    assert dict(LIVE_FIELDS) == {name: fields for name, fields in marked.items() if fields}


def test_live_fields_say_so_where_directives_are_not_seen() -> None:
    """Introspection shows "Live: " at the head of each live field's description, and of no other."""
    answer = graphql_sync(graph().core, get_introspection_query(descriptions=True))
    assert answer.data is not None
    headed = {
        (told["name"], field["name"])
        for told in answer.data["__schema"]["types"]
        for field in told["fields"] or ()
        if (field["description"] or "").startswith(LIVE_PREFIX)
    }
    assert {(name, field) for name, fields in LIVE_FIELDS.items() for field in fields} == headed


def test_live_field_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live field that no type has cannot go unnoticed."""
    import strawberry  # noqa: PLC0415  # for this type alone

    @strawberry.type
    class Money:
        """A type that is said to have a live field which it lacks."""

        amount: float

    monkeypatch.setattr("schema.live.LIVE_FIELDS", {"Money": frozenset({"lost"})})
    with pytest.raises(TypeError, match="lost"):
        mark_live(Money)


def test_everything_is_described() -> None:
    """Each type, field, argument and value tells what it means: agents read nothing else."""
    silent = []
    for name, graph_type in graph().core.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(graph_type):
            continue
        told = {name: graph_type.description}
        if isinstance(graph_type, GraphQLEnumType):
            told |= {f"{name}.{value}": each.description for value, each in graph_type.values.items()}
        if isinstance(graph_type, GraphQLObjectType | GraphQLInputObjectType):
            told |= {f"{name}.{field}": each.description for field, each in graph_type.fields.items()}
        if isinstance(graph_type, GraphQLObjectType):
            told |= {
                f"{name}.{field}({argument})": each.description
                for field, shown in graph_type.fields.items()
                for argument, each in shown.args.items()
            }
        silent += [where for where, description in told.items() if not (description or "").strip(LIVE_PREFIX)]
    assert [] == silent


def test_enums_have_every_word() -> None:
    """An enum of the graph has the values of the domain's closed set, by their names."""
    for name, graph_type in graph().core.type_map.items():
        if isinstance(graph_type, GraphQLEnumType) and not name.startswith("__"):
            assert [word.name for word in getattr(enums, name)] == list(graph_type.values)


def test_our_schema_package_is_imported() -> None:
    """`schema` is ours, not the package of that name on the index."""
    assert schema.__file__ is not None
    assert REPOSITORY / "schema" == Path(schema.__file__).parent
