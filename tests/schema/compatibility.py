"""A comparison of two GraphQL schemas: whether a schema still offers everything that was promised."""

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


def find_breaking_changes(schema: GraphQLSchema, promise: GraphQLSchema) -> list[str]:
    """Return one description for each part of `promise` that `schema` lacks, changes or restricts.

    Both schemas are built from SDL. The list is empty if `schema` has the same parts or more.
    """
    return [*_compare_types(schema, promise), *_compare_directives(schema, promise)]


def _compare_types(schema: GraphQLSchema, promise: GraphQLSchema) -> Iterator[str]:
    for name, promised in promise.type_map.items():
        if name.startswith("__"):
            continue
        actual = schema.type_map.get(name)
        if actual is None or type(actual) is not type(promised):
            yield f"type {name}"
        else:
            yield from _compare_type(name, actual, promised)


def _compare_type(name: str, actual: GraphQLNamedType, promised: GraphQLNamedType) -> Iterator[str]:
    if isinstance(promised, GraphQLObjectType | GraphQLInterfaceType):
        assert isinstance(actual, GraphQLObjectType | GraphQLInterfaceType)
        interfaces = {interface.name for interface in actual.interfaces}
        yield from _missing(f"{name} implements", interfaces, {interface.name for interface in promised.interfaces})
        yield from _compare_fields(name, actual.fields, promised.fields)
    elif isinstance(promised, GraphQLEnumType):
        assert isinstance(actual, GraphQLEnumType)
        yield from _missing(name, set(actual.values), set(promised.values))
    elif isinstance(promised, GraphQLInputObjectType):
        assert isinstance(actual, GraphQLInputObjectType)
        yield from _compare_inputs(name, actual.fields, promised.fields)
    elif isinstance(promised, GraphQLScalarType):
        assert isinstance(actual, GraphQLScalarType)
        if promised.specified_by_url not in {None, actual.specified_by_url}:
            yield f"{name} @specifiedBy"


def _missing(where: str, actual: set[str], promised: set[str]) -> Iterator[str]:
    for name in sorted(promised - actual):
        yield f"{where} {name}"


def _compare_fields(
    where: str, actual: Mapping[str, GraphQLField], promised: Mapping[str, GraphQLField]
) -> Iterator[str]:
    for name, field in promised.items():
        if name not in actual or str(actual[name].type) != str(field.type):
            yield f"{where}.{name}: {field.type}"
            continue
        yield from _compare_inputs(f"{where}.{name}", actual[name].args, field.args)
        yield from _missing(f"{where}.{name}", directives(actual[name]), directives(field))


def _compare_inputs(
    where: str,
    actual: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
    promised: Mapping[str, GraphQLArgument] | Mapping[str, GraphQLInputField],
) -> Iterator[str]:
    for name, value in promised.items():
        if name not in actual or _signature(actual[name]) != _signature(value):
            yield f"{where}({name}: {' = '.join(_signature(value))})"
    for name, value in actual.items():
        required = is_required_argument(value) if isinstance(value, GraphQLArgument) else is_required_input_field(value)
        if name not in promised and required:
            yield f"{where}({name}) is required"


def _signature(value: GraphQLArgument | GraphQLInputField) -> tuple[str, ...]:
    """Return the type and, if there is one, the default value, as they are written in SDL."""
    if value.ast_node is None or value.ast_node.default_value is None:
        return (str(value.type),)
    return str(value.type), print_ast(value.ast_node.default_value)


def _compare_directives(schema: GraphQLSchema, promise: GraphQLSchema) -> Iterator[str]:
    actual = {directive.name: directive for directive in schema.directives}
    for directive in promise.directives:
        if is_specified_directive(directive):
            continue
        if directive.name not in actual or not set(directive.locations) <= set(actual[directive.name].locations):
            yield f"directive @{directive.name}"


def directives(field: GraphQLField) -> set[str]:
    """Return the directives on a field of a schema that was built from SDL, such as `@live`."""
    if field.ast_node is None:
        return set()
    return {f"@{directive.name.value}" for directive in field.ast_node.directives or ()}
