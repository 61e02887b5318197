"""Documents from trees: keys, fragments, conditions and repetitions, which express the same selection in many forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type

from tests.equality.generation.document_variables import DocumentVariables
from tests.equality.generation.field_tree import TreeField, object_type

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
class WrittenDocument:
    """A document as it is sent, with its variables."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None


class DocumentWriter:
    """Writes one document."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._variables = DocumentVariables(schema, random)
        self._fragments: list[str] = []
        self._fragment_names: dict[str, str] = {}

    def write(self, roots: Sequence[TreeField]) -> WrittenDocument:
        """Return the document of these root fields."""
        self._assign_keys(roots)
        parts = [self._write_selection("Query", list(roots))]
        if self._chance(0.01):
            parts.append("{ " + self._random.choice(_INTROSPECTION) + " }")
        name = self._random.choice(("", "", "Q", "Op_1"))
        selection = parts[0] if len(parts) == 1 else parts[0][:-1] + parts[1][1:]
        declarations = self._variables.declarations()
        head = f"query {name}{declarations}" if name or declarations or self._chance(0.5) else ""
        pieces = [f"{head} {selection}", *self._fragments]
        operation_name = name if name and self._chance(0.3) else None
        if self._chance(0.05) and name:
            pieces.append("query Other { accounts { name } }")
            operation_name = self._random.choice((name, name, name, "Other", None, "Nobody"))
        self._random.shuffle(pieces)
        return WrittenDocument(
            self._random.choice(("\n", " ", "\n\n# é\n")).join(pieces), self._variables.values, operation_name
        )

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _assign_keys(self, nodes: Sequence[TreeField]) -> None:
        """Give every field below one parent a response key of its own."""
        used: set[str] = set()
        for node in nodes:
            if not self._chance(0.15) and node.name not in used:
                node.key = node.name
            else:
                free = [key for key in _KEYS if key not in used and all(key != each.name for each in nodes)]
                node.key = self._random.choice(free) if free and self._chance(0.6) else f"{node.name}_{len(used)}"
            used.add(node.key)
            self._assign_keys(node.below)

    # Selections

    def _write_selection(self, of: str, nodes: list[TreeField], *, abstract: bool = False) -> str:
        parts: list[str] = []
        waiting = list(nodes)
        if self._chance(0.08):
            repeated = self._random.choice(nodes)
            waiting.append(replace(repeated, below=self._random.sample(repeated.below, len(repeated.below) and 1)))
        while waiting:
            group = waiting[: self._random.randint(1, 3)]
            waiting = waiting[len(group) :]
            plain = not abstract or all(each.name == "id" for each in group)
            parts.append(self._write_group(of, group, plain=plain, depth=0))
        if self._chance(0.06):
            parts.insert(self._random.randint(0, len(parts)), self._random.choice(("__typename", "t: __typename")))
        return "{ " + self._random.choice((" ", ", ", "\n")).join(parts) + " }"

    def _write_group(self, of: str, nodes: list[TreeField], *, plain: bool, depth: int) -> str:
        if plain and (self._chance(0.78) or depth > 2):
            return " ".join(self._write_field(each) for each in nodes)
        inner = "{ " + (self._write_group(of, nodes, plain=True, depth=depth + 1)) + " }"
        if self._chance(0.5):
            return f"...{self._fragment_name(of, inner)}{self._directives()}"
        conditions = ["", f" on {of}"] if plain else [f" on {of}"]
        if of == "Resource" and all(each.name == "id" for each in nodes):
            conditions.append(" on Node")
        return f"...{self._random.choice(conditions)}{self._directives()} {inner}"

    def _fragment_name(self, of: str, inner: str) -> str:
        existing = self._fragment_names.get(of + inner)
        if existing is not None:
            return existing
        name = self._fragment_names[of + inner] = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {of} {inner}")
        return name

    def _write_field(self, node: TreeField) -> str:
        parent = self._schema.type_map[node.of]
        assert isinstance(parent, GraphQLObjectType)
        definition = parent.fields[node.name]
        alias = "" if node.key == node.name else f"{node.key}: "
        parts = [
            f"{name}: {self._variables.express(value, definition.args[name])}"
            for name, value in self._shuffle_arguments(node)
        ]
        arguments = f"({self._random.choice((', ', ' ')).join(parts)})" if parts else ""
        below = object_type(self._schema, node)
        abstract = isinstance(get_named_type(definition.type), GraphQLInterfaceType)
        inner = "" if below is None else " " + self._write_selection(below.name, node.below, abstract=abstract)
        return f"{alias}{node.name}{arguments}{self._directives()}{inner}"

    def _shuffle_arguments(self, node: TreeField) -> list[tuple[str, Any]]:
        # The texts of the values do not change: a field that occurs twice under one key has equal arguments.
        return sorted(node.arguments.items(), key=lambda _: self._random.random())

    def _directives(self) -> str:
        if not self._chance(0.07):
            return ""
        included = self._chance(0.7)
        names = ("include", "skip") if self._chance(0.1) else (self._random.choice(("include", "skip")),)
        return "".join(
            f" @{name}(if: {self._variables.condition(holds=included is (name == 'include'))})" for name in names
        )
