"""The selection is what graphql-core asks for when it executes the same operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    parse,
    validate,
)
from graphql.execution import VariableValues, get_variable_values
from graphql.language import OperationDefinitionNode
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import BadUserInput
from domain.selection import Selected
from resolvers.operation.selection import collect_fields
from tests.graphql_http.gateway import graph
from tests.graphql_http.operations import ID, VARIABLES, Author

Asked = dict[tuple[str, ...], tuple[str, str, str]]
LEAVES: Mapping[str, object] = {"Int": 1, "Float": 1.5, "Boolean": True}
INDEPENDENT = build_schema(graph().sdl)


def selection(text: str, **variables: object) -> tuple[Selected, ...]:
    """The reduction of an operation by our schema."""
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(graph().core, operation.variable_definitions or (), dict(variables))
    assert isinstance(values, VariableValues)
    return collect_fields(graph().core, document, operation, values).roots


def flat(roots: tuple[Selected, ...], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Selected]]:
    """Every selected field with its path of response keys."""
    for root in roots:
        yield (*above, root.key), root
        yield from flat(root.fields, (*above, root.key))


def plain(value: Any) -> Any:
    """Arguments of either schema in one form: the independent one knows no UUIDs and instants."""
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value) if isinstance(value, UUID) else value


def executed(schema: GraphQLSchema, text: str, variables: Mapping[str, object]) -> Asked:
    """What graphql-core asks its resolvers for, by path of response keys."""
    asked: Asked = {}

    def resolve(_source: object, info: GraphQLResolveInfo[Any], **arguments: object) -> object:
        path = tuple(key for key in info.path.as_list() if isinstance(key, str))
        asked[path] = (info.parent_type.name, info.field_name, str(plain(arguments)))
        return value_of(info.return_type)

    result = execute_sync(
        schema,
        parse(text),
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=lambda *_: "Resource",
    )
    assert result.errors is None
    return asked


def value_of(told: Any) -> object:
    """Something of this type."""
    if is_non_null_type(told):
        return value_of(told.of_type)
    if is_list_type(told):
        return [value_of(told.of_type)]
    named = get_named_type(told)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    return LEAVES.get(named.name, "text") if is_leaf_type(named) else {}


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_reduction_is_what_execution_asks_for(random: Random) -> None:
    """For any operation: the same paths, types, fields and arguments."""
    text = Author(INDEPENDENT, random).document()
    assert [] == validate(INDEPENDENT, parse(text))
    reduced = {
        path: (selected.type_name, selected.name, str(plain(selected.arguments)))
        for path, selected in flat(selection(text, **VARIABLES))
        # It has no resolver that could be asked.
        if selected.name != "__typename"
    }
    assert executed(INDEPENDENT, text, VARIABLES) == reduced


def test_fields_of_one_key_are_merged_at_every_level() -> None:
    """What is selected in several places is selected once, in the order of first mention."""
    (root,) = selection(
        "{ resources { nodes { name spec { gpuType } } } ...More resources { totalCount } }"
        " fragment More on Query { resources { nodes { spec { gpuCount gpuType } vendor } } }"
    )
    assert [
        ("resources",),
        ("resources", "nodes"),
        ("resources", "nodes", "name"),
        ("resources", "nodes", "spec"),
        ("resources", "nodes", "spec", "gpuType"),
        ("resources", "nodes", "spec", "gpuCount"),
        ("resources", "nodes", "vendor"),
        ("resources", "totalCount"),
    ] == [path for path, _ in flat((root,))]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (
            f'{{ resources(filter: {{status: RUNNING, linkedTo: "{ID}"}}, orderBy: {{field: STATUS}}) {{ totalCount }} }}',
            {},
        ),
        (
            "query($f: ResourceFilter, $o: ResourceOrder) { resources(filter: $f, orderBy: $o) { totalCount } }",
            {"f": {"status": ["RUNNING"], "linkedTo": ID.replace("-", "")}, "o": {"field": "STATUS"}},
        ),
        (
            "query($s: ResourceStatus = RUNNING, $u: UUID) {"
            " resources(filter: {status: [$s], linkedTo: $u}, orderBy: {field: STATUS, direction: DESC}) { totalCount } }",
            {"u": ID},
        ),
    ],
)
def test_arguments_are_the_same_however_they_are_written(text: str, variables: Mapping[str, object]) -> None:
    """Literals, variables and defaults become the same plain values, enums by name, UUIDs as such."""
    (root,) = selection(text, **variables)
    assert {
        "filter": {
            "status": ["RUNNING"],
            "linkedTo": UUID(ID),
            "includeDeleted": False,
            "includeDuplicates": False,
        },
        "orderBy": {"field": "STATUS", "direction": "DESC"},
        "first": 50,
    } == root.arguments
    assert type(root.arguments["orderBy"]["direction"]) is str  # type: ignore[index]  # shown to be a dict above


def test_what_is_left_out_is_absent_and_null_is_null() -> None:
    """Left out and null stay apart; lists of totals keys have their default."""
    left_out, null = selection("{ a: resources { totalCount } b: resources(filter: null, after: null) { totalCount } }")
    (totals,) = selection("{ resourceTotals { count } }")
    assert {"first": 50} == left_out.arguments
    assert {"first": 50, "filter": None, "after": None} == null.arguments
    assert {"groupBy": []} == totals.arguments


def test_instants_are_aware() -> None:
    """A DateTime becomes an aware datetime in UTC."""
    (root,) = selection(
        f'{{ resource(resourceId: "{ID}") {{ history(since: "2026-01-31T14:00:00+02:00") {{ nodes {{ field }} }} }} }}'
    )
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == root.fields[0].arguments["since"]


def test_live_fields_below_an_interface_are_known() -> None:
    """Below `node` the type is the one that answers, so that a live field is seen as one."""
    (root,) = selection('{ node(id: "x") { id ... on Resource { status } ... on Node { id } } }')
    assert [("Resource", "id", False), ("Resource", "status", True)] == [
        (field.type_name, field.name, field.live) for field in root.fields
    ]


def test_introspection_is_left_out() -> None:
    """What the schema alone answers is no part of the selection."""
    assert () == selection('{ __typename __schema { types { name } } __type(name: "Resource") { name } }')


@pytest.mark.parametrize(
    ("text", "variables", "argument"),
    [
        ("query($n: Int) { resources(first: $n) { totalCount } }", {"n": None}, "first"),
        ('{ resources(filter: {vendor: ["a\\u0000b"]}) { totalCount } }', {}, "vendor"),
        ("query($after: String) { changes(after: $after) { nodes { field } } }", {"after": "\x00"}, "after"),
        ("query($b: Boolean = true) { accounts @include(if: $b) { name } }", {"b": None}, "if"),
    ],
)
def test_values_that_turn_out_wrong_name_their_argument(
    text: str, variables: Mapping[str, object], argument: str
) -> None:
    """What only the variables show to be wrong is the reader's mistake, by the argument's name."""
    with pytest.raises(BadUserInput) as caught:
        selection(text, **variables)
    assert argument == caught.value.argument
