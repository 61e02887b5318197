"""Counts of operations, and of how often each name of the contract was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    Undefined,
    get_named_type,
)

from tests.equality.oracle.contract import contract
from tests.equality.oracle.oracle import OracleAnswer
from tests.equality.oracle.selection import SelectedField


@dataclass(slots=True)
class OperationTally:
    """Counts of operations. `ran`: neither refused nor forbidden as a whole.

    `hits`: in how many answered operations a field, an argument, an enum value or an order occurred.
    """

    operations: int = 0
    valid: int = 0
    ran: int = 0
    planned: int = 0
    over_http: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)

    def add(self, answer: OracleAnswer) -> None:
        """Count one operation with its answer."""
        self.operations += 1
        self.valid += answer.valid
        codes = {error["extensions"]["code"] for error in answer.body.get("errors", ())}
        self.outcomes.update(codes or {"answered"})
        self.outcomes.update({"answered with errors"} if codes and answer.body.get("data") else ())
        names = {".".join(hit) for hit in answer.hits}
        for root in answer.roots if answer.status == 200 else ():
            for selected in root.walk():
                names.update(_argument_names(selected))
        self.hits.update(names)

    def join(self, other: OperationTally) -> None:
        """Add the counts of another tally."""
        self.operations += other.operations
        self.valid += other.valid
        self.ran += other.ran
        self.planned += other.planned
        self.over_http += other.over_http
        self.outcomes += other.outcomes
        self.hits += other.hits

    def rare_names(self, least: int) -> dict[str, int]:
        """Return the names of the contract that were hit less often than this."""
        return {name: self.hits[name] for name in sorted(set(contract_names())) if self.hits[name] < least}


def contract_names() -> Iterator[str]:
    """Yield all names of the contract: fields, arguments and enum values; and the orders of lists in both directions."""
    for named in contract().type_map.values():
        if named.name.startswith("__"):
            continue
        match named:
            case GraphQLObjectType():
                for name, definition in named.fields.items():
                    yield f"{named.name}.{name}"
                    yield from (f"{named.name}.{name}({argument})" for argument in definition.args)
            case GraphQLInputObjectType():
                yield from (f"{named.name}.{name}" for name in named.fields)
            case GraphQLEnumType():
                yield from (f"{named.name}.{name}" for name in named.values)
    for order in contract().type_map["ResourceOrderField"].values:  # type: ignore[attr-defined]  # an enum
        yield from (f"{order} {direction}" for direction in ("ASC", "DESC"))


def _argument_names(selected: SelectedField) -> Iterator[str]:
    """Yield the names in the arguments that differ from their defaults."""
    parent: Any = contract().type_map[selected.of]
    for name, value in selected.arguments.items():
        argument: GraphQLArgument = parent.fields[selected.name].args[name]
        if _is_significant(argument, value):
            yield f"{selected.of}.{selected.name}({name})"
            yield from _value_names(argument.type, value)
    order = selected.arguments.get("orderBy")
    if selected.name == "resources" and order:
        yield f"{order['field']} {order['direction']}"


def _value_names(of: GraphQLInputType, value: Any) -> Iterator[str]:
    named = get_named_type(of)
    if isinstance(named, GraphQLInputObjectType) and isinstance(value, Mapping):
        for name, inner in value.items():
            if _is_significant(named.fields[name], inner):
                yield f"{named.name}.{name}"
            yield from _value_names(named.fields[name].type, inner)
    elif isinstance(named, GraphQLEnumType) and value is not None:
        yield from (f"{named.name}.{each}" for each in (value if isinstance(value, list) else [value]))


def _is_significant(argument: GraphQLArgument | GraphQLInputField, value: Any) -> bool:
    return value is not None and (argument.default_value is Undefined or argument.default_value != value)
