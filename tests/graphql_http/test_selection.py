"""The selection contains the fields and arguments that graphql-core resolves when it executes the operation."""

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
from tests.graphql_http.random_operations import ID, VARIABLES, OperationAuthor

ResolvedFields = dict[tuple[str, ...], tuple[str, str, str]]
LEAF_VALUES: Mapping[str, object] = {"Int": 1, "Float": 1.5, "Boolean": True}
INDEPENDENT_SCHEMA = build_schema(graph().sdl)


def select_roots(text: str, **variables: object) -> tuple[Selected, ...]:
    """Return the selected root fields of an operation on the schema of the gateway."""
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(graph().core, operation.variable_definitions or (), dict(variables))
    assert isinstance(values, VariableValues)
    return collect_fields(graph().core, document, operation, values).roots


def walk(fields: tuple[Selected, ...], parent: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Selected]]:
    """Yield every selected field with its path of response keys."""
    for field in fields:
        yield (*parent, field.key), field
        yield from walk(field.fields, (*parent, field.key))


def to_plain(value: Any) -> Any:
    """Return arguments of either schema in one form. The independent schema has no UUIDs and instants."""
    if isinstance(value, Mapping):
        return {name: to_plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value) if isinstance(value, UUID) else value


def execute(schema: GraphQLSchema, text: str, variables: Mapping[str, object]) -> ResolvedFields:
    """Return the fields that graphql-core resolves, by path of response keys."""
    fields: ResolvedFields = {}

    def resolve(_source: object, info: GraphQLResolveInfo[Any], **arguments: object) -> object:
        path = tuple(key for key in info.path.as_list() if isinstance(key, str))
        fields[path] = (info.parent_type.name, info.field_name, str(to_plain(arguments)))
        return make_value(info.return_type)

    result = execute_sync(
        schema,
        parse(text),
        variable_values=dict(variables),
        field_resolver=resolve,
        type_resolver=lambda *_: "Resource",
    )
    assert result.errors is None
    return fields


def make_value(field_type: Any) -> object:
    """Return a value of this type."""
    if is_non_null_type(field_type):
        return make_value(field_type.of_type)
    if is_list_type(field_type):
        return [make_value(field_type.of_type)]
    named = get_named_type(field_type)
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    return LEAF_VALUES.get(named.name, "text") if is_leaf_type(named) else {}


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_selection_equals_execution(random: Random) -> None:
    """For any operation, paths, types, fields and arguments are the same."""
    text = OperationAuthor(INDEPENDENT_SCHEMA, random).document()
    assert [] == validate(INDEPENDENT_SCHEMA, parse(text))
    selected_fields = {
        path: (selected.type_name, selected.name, str(to_plain(selected.arguments)))
        for path, selected in walk(select_roots(text, **VARIABLES))
        # graphql-core resolves it without a resolver.
        if selected.name != "__typename"
    }
    assert execute(INDEPENDENT_SCHEMA, text, VARIABLES) == selected_fields


def test_fields_with_the_same_key_are_merged_at_every_level() -> None:
    """A field that occurs in several places is selected once, at the position of its first occurrence."""
    (root,) = select_roots(
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
    ] == [path for path, _ in walk((root,))]


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
def test_arguments_have_one_form(text: str, variables: Mapping[str, object]) -> None:
    """Literals, variables and defaults give the same plain values. Enums are names, and UUIDs stay UUIDs."""
    (root,) = select_roots(text, **variables)
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
    assert type(root.arguments["orderBy"]["direction"]) is str  # type: ignore[index] # the assertion above shows that it is a dict


def test_omitted_arguments_differ_from_null() -> None:
    """An omitted argument is absent or has its default, and null is None."""
    omitted, null = select_roots(
        "{ a: resources { totalCount } b: resources(filter: null, after: null) { totalCount } }"
    )
    (totals,) = select_roots("{ resourceTotals { count } }")
    assert {"first": 50} == omitted.arguments
    assert {"first": 50, "filter": None, "after": None} == null.arguments
    assert {"groupBy": []} == totals.arguments


def test_instants_are_aware() -> None:
    """A DateTime becomes an aware datetime in UTC."""
    (root,) = select_roots(
        f'{{ resource(resourceId: "{ID}") {{ history(since: "2026-01-31T14:00:00+02:00") {{ nodes {{ field }} }} }} }}'
    )
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == root.fields[0].arguments["since"]


def test_fields_below_an_interface_have_the_object_type() -> None:
    """The fields of `node` belong to the type Resource, so live fields are recognized."""
    (root,) = select_roots('{ node(id: "x") { id ... on Resource { status } ... on Node { id } } }')
    assert [("Resource", "id", False), ("Resource", "status", True)] == [
        (field.type_name, field.name, field.live) for field in root.fields
    ]


def test_introspection_is_left_out() -> None:
    """Introspection fields are not part of the selection."""
    assert () == select_roots('{ __typename __schema { types { name } } __type(name: "Resource") { name } }')


@pytest.mark.parametrize(
    ("text", "variables", "argument"),
    [
        ("query($n: Int) { resources(first: $n) { totalCount } }", {"n": None}, "first"),
        ('{ resources(filter: {vendor: ["a\\u0000b"]}) { totalCount } }', {}, "vendor"),
        ("query($after: String) { changes(after: $after) { nodes { field } } }", {"after": "\x00"}, "after"),
        ("query($b: Boolean = true) { accounts @include(if: $b) { name } }", {"b": None}, "if"),
    ],
)
def test_invalid_values_name_their_argument(text: str, variables: Mapping[str, object], argument: str) -> None:
    """An error that depends on variables is reported for the argument in which they occur."""
    with pytest.raises(BadUserInput) as caught:
        select_roots(text, **variables)
    assert argument == caught.value.argument
