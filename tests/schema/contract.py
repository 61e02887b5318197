"""Compares two schemas: whether one has all of the other, and is nowhere stricter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    is_required_argument,
    is_required_input_field,
    is_specified_directive,
    print_ast,
)


def lacks(ours: GraphQLSchema, contract: GraphQLSchema) -> list[str]:
    """What the contract has and ours lacks, changes or makes stricter, in words. Empty: equal or more."""
    return [*_types(ours, contract), *_directives(ours, contract)]


def _types(ours: GraphQLSchema, contract: GraphQLSchema) -> Iterator[str]:
    for name, wanted in contract.type_map.items():
        if name.startswith("__"):
            continue
        had = ours.type_map.get(name)
        if had is None or type(had) is not type(wanted):
            yield f"type {name}"
        else:
            yield from _type(name, had, wanted)


def _type(name: str, had: GraphQLNamedType, wanted: GraphQLNamedType) -> Iterator[str]:
    if isinstance(wanted, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(had, GraphQLObjectType | GraphQLInterfaceType)
        yield from _missing(f"{name} implements", {i.name for i in had.interfaces}, {i.name for i in wanted.interfaces})
        yield from _fields(name, had.fields, wanted.fields)
    elif isinstance(wanted, GraphQLEnumType):
        assert isinstance(had, GraphQLEnumType)
        yield from _missing(name, set(had.values), set(wanted.values))
    elif isinstance(wanted, GraphQLInputObjectType):
        assert isinstance(had, GraphQLInputObjectType)
        yield from _inputs(name, had.fields, wanted.fields)
    elif isinstance(wanted, GraphQLScalarType):
        assert isinstance(had, GraphQLScalarType)
        if wanted.specified_by_url not in {None, had.specified_by_url}:
            yield f"{name} @specifiedBy"


def _missing(where: str, had: set[str], wanted: set[str]) -> Iterator[str]:
    for name in sorted(wanted - had):
        yield f"{where} {name}"


def _fields(where: str, had: Mapping[str, GraphQLField], wanted: Mapping[str, GraphQLField]) -> Iterator[str]:
    for name, field in wanted.items():
        if name not in had or str(had[name].type) != str(field.type):
            yield f"{where}.{name}: {field.type}"
            continue
        yield from _inputs(f"{where}.{name}", had[name].args, field.args)
        yield from _missing(f"{where}.{name}", marks(had[name]), marks(field))


def _inputs(
    where: str,
    had: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    wanted: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
) -> Iterator[str]:
    for name, value in wanted.items():
        if name not in had or str(had[name].type) != str(value.type) or default(had[name]) != default(value):
            yield f"{where}({name}: {value.type} = {default(value)})"
    for name, value in had.items():
        required = is_required_argument(value) if isinstance(value, GraphQLArgument) else is_required_input_field(value)
        if name not in wanted and required:
            yield f"{where}({name}) is required"


def _directives(ours: GraphQLSchema, contract: GraphQLSchema) -> Iterator[str]:
    had = {directive.name: directive for directive in ours.directives}
    for directive in contract.directives:
        if is_specified_directive(directive):
            continue
        if directive.name not in had or not set(directive.locations) <= set(had[directive.name].locations):
            yield f"directive @{directive.name}"


def marks(field: GraphQLField) -> set[str]:
    """The directives on a field of a schema that was built from SDL."""
    if field.ast_node is None:
        return set()
    return {f"@{directive.name.value}" for directive in field.ast_node.directives or ()}


def default(value: GraphQLArgument | GraphQLInputField) -> str | None:
    """The default as written in SDL."""
    if value.ast_node is None or value.ast_node.default_value is None:
        return None
    return print_ast(value.ast_node.default_value)
