"""Values in a document: literals, or variables with or without a default."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
)

_AS_VARIABLE = 0.25


class DocumentVariables:
    """The variables of one operation, declared as they are used. `values` are sent with it."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._declarations: list[str] = []
        self._texts: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def declarations(self) -> str:
        """Return the declarations, as they follow the name of the operation."""
        return "(" + self._random.choice((", ", " ")).join(self._declarations) + ")" if self._declarations else ""

    def condition(self, *, holds: bool) -> str:
        """Return a boolean of this value for a directive."""
        if self._chance(0.3):
            return str(holds).lower()
        name = self._name()
        if self._chance(0.4):
            self._declarations.append(f"${name}: Boolean! = {str(holds).lower()}")
            return f"${name}"
        self._declarations.append(f"${name}: Boolean{self._random.choice(('!', f' = {str(not holds).lower()}'))}")
        self.values[name] = holds
        return f"${name}"

    def express(self, value: Any, place: GraphQLArgument | GraphQLInputField) -> str:
        """Return the text of a value. The same value at the same place has one text within an operation."""
        key = json.dumps([id(place), value])
        if key not in self._texts:
            self._texts[key] = self._express(value, place.type, defaulted=place.default_value is not Undefined)
        return self._texts[key]

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _name(self) -> str:
        return f"{self._random.choice(('v', 'first', 'id', 'p', 'filter'))}{len(self._declarations)}"

    def _express(self, value: Any, of: GraphQLInputType, *, defaulted: bool = False) -> str:
        if self._chance(_AS_VARIABLE):
            return self._variable(value, of, defaulted=defaulted)
        return self._literal(value, of)

    def _variable(self, value: Any, of: GraphQLInputType, *, defaulted: bool) -> str:
        name, nullable = self._name(), of.of_type if isinstance(of, GraphQLNonNull) else of
        declaration = f"${name}: {nullable}"
        if value is None:
            self.values |= {name: None} if self._chance(0.5) else {}
        elif self._chance(0.35):
            # The default is the value, or the value overrides it.
            default = value if self._chance(0.6) or isinstance(nullable, GraphQLInputObjectType) else _other(value)
            declaration += f"{self._random.choice(('', '!'))} = {_plain(default, nullable)}"
            self.values |= {name: value} if default != value or self._chance(0.2) else {}
        else:
            loose = self._chance(0.3) and (defaulted or not isinstance(of, GraphQLNonNull))
            declaration += "" if loose else "!"
            self.values[name] = value
            if loose and self._chance(0.1):
                self.values |= {name: None}
        self._declarations.append(declaration)
        return f"${name}"

    def _literal(self, value: Any, of: GraphQLInputType) -> str:
        inner = of.of_type if isinstance(of, GraphQLNonNull) else of
        if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
            fields = [f"{name}: {self._inner(each, inner.fields[name])}" for name, each in value.items()]
            return "{" + self._random.choice((", ", " ")).join(fields) + "}"
        if isinstance(inner, GraphQLList) and isinstance(value, list):
            if len(value) == 1 and self._chance(0.2):
                return self._literal(value[0], inner.of_type)
            return "[" + ", ".join(self._item(each, inner.of_type) for each in value) + "]"
        return _plain(value, inner, ascii_only=self._chance(0.5))

    def _inner(self, value: Any, place: GraphQLInputField) -> str:
        return self._express(value, place.type, defaulted=place.default_value is not Undefined)

    def _item(self, value: Any, of: GraphQLInputType) -> str:
        return self._express(value, of) if self._chance(0.2) else self._literal(value, of)


def _other(value: Any) -> Any:
    """Return another value of the same type."""
    match value:
        case bool():
            return not value
        case int():
            return 1
        case float():
            return 2.5
        case list():
            return []
    return value


def _plain(value: Any, of: GraphQLInputType, *, ascii_only: bool = False) -> str:
    """Return a literal without variables."""
    inner = of.of_type if isinstance(of, GraphQLNonNull) else of
    if value is None:
        return "null"
    if isinstance(inner, GraphQLInputObjectType) and isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_plain(each, inner.fields[name].type)}" for name, each in value.items()) + "}"
    if isinstance(inner, GraphQLList):
        items = value if isinstance(value, list) else [value]
        return "[" + ", ".join(_plain(each, inner.of_type, ascii_only=ascii_only) for each in items) + "]"
    if isinstance(inner, GraphQLEnumType):
        return str(value)
    return json.dumps(value, ensure_ascii=ascii_only)
