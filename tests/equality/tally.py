"""What was asked and answered how often, and what of the contract was asked too seldom."""

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
from tests.equality.oracle.oracle import Answer
from tests.equality.oracle.selecting import Asked


@dataclass(slots=True)
class Tally:
    """Counts of operations. `ran`: neither refused nor forbidden as a whole.

    `hits`: how many answered ones held a field, an argument, a value of an enum, an order.
    """

    operations: int = 0
    valid: int = 0
    ran: int = 0
    planned: int = 0
    over_http: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)

    def add(self, answer: Answer) -> None:
        """One operation that was answered alike by all."""
        self.operations += 1
        self.valid += answer.valid
        codes = {error["extensions"]["code"] for error in answer.body.get("errors", ())}
        self.outcomes.update(codes or {"answered"})
        self.outcomes.update({"answered beside errors"} if codes and answer.body.get("data") else ())
        found = {".".join(hit) for hit in answer.hits}
        for root in answer.roots if answer.status == 200 else ():
            for asked in root.every():
                found.update(_arguments(asked))
        self.hits.update(found)

    def join(self, other: Tally) -> None:
        """Add another's counts."""
        self.operations += other.operations
        self.valid += other.valid
        self.ran += other.ran
        self.planned += other.planned
        self.over_http += other.over_http
        self.outcomes += other.outcomes
        self.hits += other.hits

    def seldom(self, least: int) -> dict[str, int]:
        """What of the contract was hit less often than this."""
        return {name: self.hits[name] for name in sorted(set(every())) if self.hits[name] < least}


def every() -> Iterator[str]:
    """All that the contract names: fields, arguments, values of enums; and the orders of lists in both directions."""
    for named in contract().type_map.values():
        if named.name.startswith("__"):
            continue
        match named:
            case GraphQLObjectType():
                for name, told in named.fields.items():
                    yield f"{named.name}.{name}"
                    yield from (f"{named.name}.{name}({argument})" for argument in told.args)
            case GraphQLInputObjectType():
                yield from (f"{named.name}.{name}" for name in named.fields)
            case GraphQLEnumType():
                yield from (f"{named.name}.{name}" for name in named.values)
    for order in contract().type_map["ResourceOrderField"].values:  # type: ignore[attr-defined]  # an enum
        yield from (f"{order} {direction}" for direction in ("ASC", "DESC"))


def _arguments(asked: Asked) -> Iterator[str]:
    """The arguments that say something: those that are not what they are by default."""
    parent: Any = contract().type_map[asked.of]
    for name, value in asked.arguments.items():
        told: GraphQLArgument = parent.fields[asked.name].args[name]
        if _says(told, value):
            yield f"{asked.of}.{asked.name}({name})"
            yield from _values(told.type, value)
    order = asked.arguments.get("orderBy")
    if asked.name == "resources" and order:
        yield f"{order['field']} {order['direction']}"


def _values(of: GraphQLInputType, value: Any) -> Iterator[str]:
    named = get_named_type(of)
    if isinstance(named, GraphQLInputObjectType) and isinstance(value, Mapping):
        for name, inner in value.items():
            if _says(named.fields[name], inner):
                yield f"{named.name}.{name}"
            yield from _values(named.fields[name].type, inner)
    elif isinstance(named, GraphQLEnumType) and value is not None:
        yield from (f"{named.name}.{each}" for each in (value if isinstance(value, list) else [value]))


def _says(told: GraphQLArgument | GraphQLInputField, value: Any) -> bool:
    return value is not None and (told.default_value is Undefined or told.default_value != value)
