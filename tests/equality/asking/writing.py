"""Writing a tree: keys, fragments, conditions, repetitions; every way of saying the same, and some that say less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type

from tests.equality.asking.tree import Node, object_type
from tests.equality.asking.variables import Variables

_KEYS: Final = (
    "name", "rows", "total", "data", "nodes", "id", "null", "true", "p0", "viewer", "x", "X", "_", "__x", "type", "resource",
    "errors",     "aLongerKeyThanAnyFieldHasSoThatNoDatabaseThatCutsNamesAtSixtyThreeBytesGoesUnnoticed",
)  # fmt: skip
_INTROSPECTION: Final = (
    "__schema { queryType { name kind } mutationType { name } subscriptionType { name } }",
    '__type(name: "Resource") { kind name fields { name type { kind name ofType { name } } } interfaces { name } }',
    'kind: __type(name: "ResourceFilter") { inputFields { name defaultValue type { name kind } } }',
    '__type(name: "Nothing") { name }',
)


@dataclass(slots=True)
class Written:
    """An operation as it is sent."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


class Writing:
    """Writes one operation."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._variables = Variables(schema, random)
        self._fragments: list[str] = []
        self._sets: dict[str, str] = {}

    def written(self, roots: Sequence[Node]) -> Written:
        """The whole document."""
        self._key(roots)
        parts = [self._selection("Query", list(roots))]
        if self._chance(0.01):
            parts.append("{ " + self._random.choice(_INTROSPECTION) + " }")
        name = self._random.choice(("", "", "Q", "Op_1"))
        selection = parts[0] if len(parts) == 1 else parts[0][:-1] + parts[1][1:]
        declared = self._variables.declarations()
        head = f"query {name}{declared}" if name or declared or self._chance(0.5) else ""
        pieces = [f"{head} {selection}", *self._fragments]
        operation_name = name if name and self._chance(0.3) else None
        if self._chance(0.05) and name:
            pieces.append("query Other { accounts { name } }")
            operation_name = self._random.choice((name, name, name, "Other", None, "Nobody"))
        self._random.shuffle(pieces)
        return Written(
            self._random.choice(("\n", " ", "\n\n# é\n")).join(pieces), self._variables.values, operation_name
        )

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _key(self, nodes: Sequence[Node]) -> None:
        """Give every field below one parent a key of its own."""
        taken: set[str] = set()
        for node in nodes:
            if not self._chance(0.15) and node.name not in taken:
                node.key = node.name
            else:
                free = [key for key in _KEYS if key not in taken and all(key != each.name for each in nodes)]
                node.key = self._random.choice(free) if free and self._chance(0.6) else f"{node.name}_{len(taken)}"
            taken.add(node.key)
            self._key(node.below)

    # Selections

    def _selection(self, of: str, nodes: list[Node], *, abstract: bool = False) -> str:
        parts: list[str] = []
        waiting = list(nodes)
        if self._chance(0.08):
            again = self._random.choice(nodes)
            waiting.append(replace(again, below=self._random.sample(again.below, len(again.below) and 1)))
        while waiting:
            taken = waiting[: self._random.randint(1, 3)]
            waiting = waiting[len(taken) :]
            plain = not abstract or all(each.name == "id" for each in taken)
            parts.append(self._group(of, taken, plain=plain, depth=0))
        if self._chance(0.06):
            parts.insert(self._random.randint(0, len(parts)), self._random.choice(("__typename", "t: __typename")))
        return "{ " + self._random.choice((" ", ", ", "\n")).join(parts) + " }"

    def _group(self, of: str, nodes: list[Node], *, plain: bool, depth: int) -> str:
        if plain and (self._chance(0.78) or depth > 2):
            return " ".join(self._field(each) for each in nodes)
        inner = "{ " + (self._group(of, nodes, plain=True, depth=depth + 1)) + " }"
        if self._chance(0.5):
            return f"...{self._fragment(of, inner)}{self._condition()}"
        conditions = ["", f" on {of}"] if plain else [f" on {of}"]
        if of == "Resource" and all(each.name == "id" for each in nodes):
            conditions.append(" on Node")
        return f"...{self._random.choice(conditions)}{self._condition()} {inner}"

    def _fragment(self, of: str, inner: str) -> str:
        known = self._sets.get(of + inner)
        if known is not None:
            return known
        name = self._sets[of + inner] = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {of} {inner}")
        return name

    def _field(self, node: Node) -> str:
        parent = self._schema.type_map[node.of]
        assert isinstance(parent, GraphQLObjectType)
        told = parent.fields[node.name]
        alias = "" if node.key == node.name else f"{node.key}: "
        written = [f"{name}: {self._variables.literal(value, told.args[name])}" for name, value in self._shuffled(node)]
        arguments = f"({self._random.choice((', ', ' ')).join(written)})" if written else ""
        below = object_type(self._schema, node)
        abstract = isinstance(get_named_type(told.type), GraphQLInterfaceType)
        inner = "" if below is None else " " + self._selection(below.name, node.below, abstract=abstract)
        return f"{alias}{node.name}{arguments}{self._condition()}{inner}"

    def _shuffled(self, node: Node) -> list[tuple[str, Any]]:
        # Known by its node: the same field twice under one key has the same arguments in the same words.
        return sorted(node.arguments.items(), key=lambda _: self._random.random())

    def _condition(self) -> str:
        if not self._chance(0.07):
            return ""
        kept = self._chance(0.7)
        names = ("include", "skip") if self._chance(0.1) else (self._random.choice(("include", "skip")),)
        return "".join(
            f" @{name}(if: {self._variables.condition(holds=kept is (name == 'include'))})" for name in names
        )
