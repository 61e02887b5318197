"""The committed SDL, executed by graphql-core over dictionaries of values, or of functions that compute them."""

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

from tests.equality.oracle.refusals import OracleRefusal
from tests.equality.oracle.root_field import OracleRootField
from tests.equality.oracle.roots import ROOT_ANSWERS, empty_answer, parse_uuid

SDL = Path(__file__).parents[3] / "schema" / "schema.graphql"
Hit = tuple[str, str]
"""A field by type and name, or an enum value by enum and name."""


@dataclass(slots=True)
class OracleContext:
    """One execution. While `noting`, refused root fields have empty answers, so that the others note their resources."""

    roots: dict[str, OracleRootField]
    refused: dict[str, OracleRefusal]
    noting: bool = True
    hits: set[Hit] = field(default_factory=set)

    def answer(self, key: str, name: str) -> Any:
        """Return the value of a root field. Raises OracleRefusal."""
        if key not in self.refused:
            return ROOT_ANSWERS[name](self.roots[key])
        if self.noting:
            return empty_answer(name)
        raise self.refused[key]


def _parse_instant(value: object) -> datetime:
    if not isinstance(value, str) or len(value) > 64:
        raise TypeError("not a DateTime")
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None or not 2000 <= instant.year <= 2100:
        raise ValueError("not a DateTime")
    return instant.astimezone(UTC)


def _resolver(of: str, name: str, enum: GraphQLEnumType | None, *, root: bool) -> Callable[..., Any]:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        context: OracleContext = info.context
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
    """Return the schema, which is built once."""
    schema = build_schema(SDL.read_text())
    for named in schema.type_map.values():
        if isinstance(named, GraphQLInterfaceType):
            named.resolve_type = lambda *_: "Resource"
        if isinstance(named, GraphQLObjectType) and not named.name.startswith("__"):
            for name, definition in named.fields.items():
                leaf = get_named_type(definition.type)
                enum = leaf if isinstance(leaf, GraphQLEnumType) else None
                definition.resolve = _resolver(named.name, name, enum, root=named is schema.query_type)
    for name, parse in (("UUID", parse_uuid), ("DateTime", _parse_instant)):
        scalar: Any = schema.type_map[name]
        scalar.parse_value = scalar.coerce_input_value = parse
    return schema
