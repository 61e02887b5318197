"""Random valid operations over the graph, with aliases, fragments and conditions."""

from __future__ import annotations

from random import Random
from typing import Final

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_abstract_type, is_object_type

ID: Final = "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a"
ARGUMENTS: Final = {
    ("Query", "resource"): [f'(resourceId: "{ID}")', "(resourceId: $id, freshness: {maxAgeSeconds: 3})"],
    ("Query", "resources"): [
        "",
        "(first: $size, after: null)",
        '(filter: {status: [RUNNING, STOPPED], vendor: "aws", includeDeleted: true}, orderBy: {field: NAME})',
        "(filter: $filter, freshness: {forceRefresh: $yes})",
    ],
    ("Query", "resourceTotals"): ["", "(groupBy: [VENDOR, STATUS])", "(groupBy: $keys)"],
    ("Query", "changes"): ["", "(first: 7)"],
    ("Query", "node"): ['(id: "Resource:x")', '(id: "y")'],
    ("Resource", "linkedResources"): ["", "(includeEnded: $yes)", "(includeEnded: false)"],
    ("Resource", "history"): ["", '(first: 3, fields: ["status"])', '(since: "2026-01-31T12:00:00Z")'],
}
CONDITIONS: Final = [
    "@skip(if: true)",
    "@skip(if: $no)",
    "@include(if: $yes)",
    "@include(if: false)",
    "@include(if: $no)",
]
VARIABLE_DEFINITIONS: Final = {
    "$id": "UUID!",
    "$size": "Int! = 5",
    "$filter": "ResourceFilter",
    "$keys": "[TotalsKey!]! = [VENDOR]",
    "$yes": "Boolean!",
    "$no": "Boolean! = false",
}
VARIABLES: Final = {"id": ID, "filter": {"status": "ERROR", "linkedTo": ID}, "yes": True}


class OperationAuthor:
    """Writes one operation. An alias stands for its arguments, so that fields with the same key can always be merged."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._fragments: dict[str, tuple[str, str]] = {}

    def document(self) -> str:
        """Return the text of the operation with its fragments."""
        assert self._schema.query_type is not None
        selection = self._selection(self._schema.query_type, 4)
        text = "\n".join(
            [selection, *(f"fragment {name} on {on} {inner}" for name, (on, inner) in self._fragments.items())]
        )
        # An operation that declares a variable without using it is not valid.
        definitions = [f"{name}: {definition}" for name, definition in VARIABLE_DEFINITIONS.items() if name in text]
        return f"query Random{'(' + ', '.join(definitions) + ')' if definitions else ''} {text}"

    def _selection(self, parent: GraphQLObjectType, depth: int) -> str:
        parts = [self._part(parent, depth) for _ in range(self._random.randint(1, 4))]
        return "{ " + " ".join(parts) + " }"

    def _part(self, parent: GraphQLObjectType, depth: int) -> str:
        roll = self._random.random()
        if roll < 0.12 and depth:
            on = self._random.choice(["", f"on {parent.name}", *(f"on {i.name}" for i in parent.interfaces)])
            inner = self._selection(parent, depth - 1) if "Node" not in on else "{ id }"
            return f"... {on} {self._condition()} {inner}"
        if roll < 0.3 and depth:
            return f"...{self._fragment(parent, depth)} {self._condition()}"
        if roll < 0.35:
            return "__typename"
        return self._field(parent, depth)

    def _fragment(self, parent: GraphQLObjectType, depth: int) -> str:
        existing = [name for name, (on, _) in self._fragments.items() if on == parent.name]
        if existing and self._random.random() < 0.5:
            return self._random.choice(existing)
        text = self._selection(parent, depth - 1)
        # It gets its name after its text is written, so it can only spread finished fragments and there are no cycles.
        name = f"F{len(self._fragments)}"
        self._fragments[name] = (parent.name, text)
        return name

    def _field(self, parent: GraphQLObjectType, depth: int) -> str:
        name, field = self._random.choice(list(parent.fields.items()))
        field_type = get_named_type(field.type)
        if is_abstract_type(field_type):
            (field_type,) = self._schema.get_possible_types(field_type)
            inner = "{ id ... on Resource " + self._selection(field_type, max(depth - 1, 0)) + " }"
        elif is_object_type(field_type):
            inner = self._selection(field_type, depth - 1) if depth else "{ __typename }"
        else:
            inner = ""
        arguments = ARGUMENTS.get((parent.name, name), [""])
        number = self._random.randrange(len(arguments))
        alias = f"{name}_{number}: " if number or self._random.random() < 0.2 else ""
        return f"{alias}{name}{arguments[number]} {self._condition()} {inner}"

    def _condition(self) -> str:
        return self._random.choice(CONDITIONS) if self._random.random() < 0.25 else ""
