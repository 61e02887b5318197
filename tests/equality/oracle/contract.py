"""The committed SDL, walked by graphql-core over dictionaries: a field is its value, or what computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
)

from tests.equality.oracle.demanding import Root
from tests.equality.oracle.refusals import Refusal
from tests.equality.oracle.roots import ANSWERS, a_uuid, nothing

SDL = Path(__file__).parents[3] / "schema" / "schema.graphql"
Hit = tuple[str, str]
"""A field by type and name, or a value by enum and name."""


@dataclass(slots=True)
class Context:
    """One execution. While `looking`, refused root fields answer nothing, so that the others are looked at all the same."""

    roots: dict[str, Root]
    refused: dict[str, Refusal]
    looking: bool = True
    hits: set[Hit] = field(default_factory=set)

    def answer(self, key: str, name: str) -> Any:
        """Of a root field."""
        if key not in self.refused:
            return ANSWERS[name](self.roots[key])
        if self.looking:
            return nothing(name)
        raise self.refused[key]


def _an_instant(value: object) -> datetime:
    if not isinstance(value, str) or len(value) > 64:
        raise TypeError("no DateTime")
    told = datetime.fromisoformat(value)
    if told.tzinfo is None or not 2000 <= told.year <= 2100:
        raise ValueError("no DateTime")
    return told.astimezone(UTC)


def _resolver(of: str, name: str, enum: GraphQLEnumType | None, *, root: bool) -> Callable[..., Any]:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        context: Context = info.context
        context.hits.add((of, name))
        value = context.answer(info.path.key, name) if root else source[name]
        if callable(value):
            value = value(**arguments)
        if enum is not None and value is not None:
            context.hits.add((enum.name, value))
        return value

    return resolve


@cache
def contract() -> GraphQLSchema:
    """The schema, built once."""
    schema = build_schema(SDL.read_text())
    for named in schema.type_map.values():
        if isinstance(named, GraphQLInterfaceType):
            named.resolve_type = lambda *_: "Resource"
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__"):
            for name, told in named.fields.items():
                leaf = get_named_type(told.type)
                enum = leaf if isinstance(leaf, GraphQLEnumType) else None
                told.resolve = _resolver(named.name, name, enum, root=named is schema.query_type)
    for name, parse in (("UUID", a_uuid), ("DateTime", _an_instant)):
        scalar: Any = schema.type_map[name]
        scalar.parse_value = scalar.coerce_input_value = parse
    return schema
