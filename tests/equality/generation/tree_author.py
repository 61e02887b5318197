"""Random trees that favour what is rare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Final

from graphql import GraphQLSchema

from tests.equality.generation.argument_values import ArgumentValues
from tests.equality.generation.field_tree import TreeField, object_type
from tests.equality.oracle.root_field import LIVE

_ROOTS: Final = (
    "resources",
    "resources",
    "resources",
    "resource",
    "resource",
    "resourceTotals",
    "changes",
    "accounts",
    "node",
)
OPERATORS: Final = {
    ("VendorAccount", "lastError"), ("VendorAccount", "budget"), ("VendorAccount", "calls"), ("VendorScope", "breaker"),
}  # fmt: skip
"""The fields that need the permission `admin`."""
_FAVOURED: Final = {
    "ResourceConnection": (("nodes", 0.5), ("edges", 0.3), ("pageInfo", 0.2)),
    "ResourceEdge": (("node", 0.6), ("cursor", 0.5)),
    "ResourceChangeConnection": (("nodes", 0.5), ("edges", 0.2), ("pageInfo", 0.2)),
    "Resource": (("freshness", 0.3), ("offerHistory", 0.12), ("linkedResources", 0.12)),
    "LinkedResource": (("linkType", 0.5), ("freshness", 0.3)),
    "OfferProvenance": (("offer", 0.6), ("role", 0.5), ("offerType", 0.5)),
    "Offer": (("contractType", 0.6), ("offerType", 0.4)),
    "Freshness": (("state", 0.6), ("reason", 0.6), ("source", 0.3), ("explain", 0.3)),
    "Explanation": (("failedAttempts", 0.4), ("source", 0.3), ("nextAllowedAt", 0.3), ("operation", 0.3)),
    "VendorAccount": (("state", 0.5), ("scopes", 0.4), ("budget", 0.2), ("calls", 0.2)),
    "VendorScope": (("state", 0.5), ("reason", 0.5), ("breaker", 0.5)),
    "CoverageGap": (("reason", 0.6), ("account", 0.3)),
    "ResourceChange": (("source", 0.4),),
}
"""Fields that are also selected with this probability: what leads to them is rare, or they have many values."""
_HEAVY: Final = {"linkedResources", "history", "offerHistory"}


class TreeAuthor:
    """Writes trees for one world after the other. Fields that were selected less often are more likely to be selected next."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._counts: Counter[tuple[str, str]] = Counter()
        self._recorded = False

    def write_tree(self, values: ArgumentValues, *, operator: bool) -> list[TreeField]:
        """Return root fields. With `operator` the tree may select what needs the permission `admin`."""
        self._recorded = self._random.random() < 0.12
        roots = [self._random.choice(_ROOTS) for _ in range(self._random.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 5)))]
        depth = self._random.choice((1, 2, 3, 4, 5, 7))
        return [self._write_field("Query", name, values, depth, operator=operator) for name in roots]

    def _write_field(self, of: str, name: str, values: ArgumentValues, depth: int, *, operator: bool) -> TreeField:
        self._counts[of, name] += 1
        node = TreeField(of, name, values.arguments(of, name))
        below = object_type(self._schema, node)
        if below is None:
            return node
        names = self._choose_names(below.name, list(below.fields), depth, operator=operator)
        node.below = [self._write_field(below.name, each, values, depth - 1, operator=operator) for each in names]
        return node

    def _choose_names(self, of: str, fields: list[str], depth: int, *, operator: bool) -> list[str]:
        possible = [
            name for name in fields if self._fits(of, name, depth) and (operator or (of, name) not in OPERATORS)
        ]
        if self._recorded:
            possible = [name for name in possible if name not in LIVE.get(of, ())]
        count = min(len(possible), self._random.choice((1, 2, 3, 3, 4, 5, 8)))
        rare = sorted(possible, key=lambda name: self._counts[of, name] * self._random.random())
        if self._random.random() < 0.6:
            # Fields with a selection are outnumbered by leaves.
            rare.sort(key=lambda name: object_type(self._schema, TreeField(of, name)) is None)
            rare[1:] = self._random.sample(rare[1:], len(rare) - 1)
        favoured = [name for name, share in _FAVOURED.get(of, ()) if name in possible and self._random.random() < share]
        names = self._without_heavy(dict.fromkeys([*favoured, *rare[:count]])) or possible[:1]
        if self._random.random() < 0.15:
            # The same field twice, under two keys.
            names.append(self._random.choice(names))
        self._random.shuffle(names)
        return names

    def _without_heavy(self, names: Iterable[str]) -> list[str]:
        """Return the names with at most one of the fields that multiply the answer."""
        light: list[str] = []
        for name in names:
            if name not in _HEAVY or not _HEAVY & set(light):
                light.append(name)
        return light

    def _fits(self, of: str, name: str, depth: int) -> bool:
        below = object_type(self._schema, TreeField(of, name))
        if below is None:
            return True
        # Types that hold only objects need the depth to reach a leaf.
        return depth > 1 or (
            any(object_type(self._schema, TreeField(below.name, each)) is None for each in below.fields) and depth > 0
        )
