"""Trees by chance, with an eye to what is rare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Final

from graphql import GraphQLSchema

from tests.equality.asking.tree import Node, object_type
from tests.equality.asking.values import Values
from tests.equality.oracle.demanding import LIVE

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
"""What is asked for so often besides: what leads to it is rare, or what it tells has many values."""
_HEAVY: Final = {"linkedResources", "history", "offerHistory"}


class Author:
    """Writes trees for one world after the other. Fields asked for less often are likelier to be asked for next."""

    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._asked: Counter[tuple[str, str]] = Counter()
        self._recorded = False

    def tree(self, values: Values, *, operator: bool) -> list[Node]:
        """Root fields. `operator` asks for what operators alone may see."""
        self._recorded = self._random.random() < 0.12
        roots = [self._random.choice(_ROOTS) for _ in range(self._random.choice((1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 5)))]
        depth = self._random.choice((1, 2, 3, 4, 5, 7))
        return [self._node("Query", name, values, depth, operator=operator) for name in roots]

    def _node(self, of: str, name: str, values: Values, depth: int, *, operator: bool) -> Node:
        self._asked[of, name] += 1
        node = Node(of, name, values.of(of, name))
        below = object_type(self._schema, node)
        if below is None:
            return node
        names = self._names(below.name, list(below.fields), depth, operator=operator)
        node.below = [self._node(below.name, each, values, depth - 1, operator=operator) for each in names]
        return node

    def _names(self, of: str, fields: list[str], depth: int, *, operator: bool) -> list[str]:
        possible = [
            name for name in fields if self._fits(of, name, depth) and (operator or (of, name) not in OPERATORS)
        ]
        if self._recorded:
            possible = [name for name in possible if name not in LIVE.get(of, ())]
        wanted = min(len(possible), self._random.choice((1, 2, 3, 3, 4, 5, 8)))
        rare = sorted(possible, key=lambda name: self._asked[of, name] * self._random.random())
        if self._random.random() < 0.6:
            # What leads deeper is outnumbered by leaves.
            rare.sort(key=lambda name: object_type(self._schema, Node(of, name)) is None)
            rare[1:] = self._random.sample(rare[1:], len(rare) - 1)
        favoured = [name for name, share in _FAVOURED.get(of, ()) if name in possible and self._random.random() < share]
        found = self._light(dict.fromkeys([*favoured, *rare[:wanted]])) or possible[:1]
        if self._random.random() < 0.15:
            # The same field twice, under two keys.
            found.append(self._random.choice(found))
        self._random.shuffle(found)
        return found

    def _light(self, names: Iterable[str]) -> list[str]:
        """Of the fields that multiply, one is enough."""
        found: list[str] = []
        for name in names:
            if name not in _HEAVY or not _HEAVY & set(found):
                found.append(name)
        return found

    def _fits(self, of: str, name: str, depth: int) -> bool:
        below = object_type(self._schema, Node(of, name))
        if below is None:
            return True
        # Types that hold only objects need the depth to come to a leaf.
        return depth > 1 or (
            any(object_type(self._schema, Node(below.name, each)) is None for each in below.fields) and depth > 0
        )
