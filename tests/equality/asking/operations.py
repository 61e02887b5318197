"""Requests from a seed, without end: half from trees that hypothesis-graphql drew, half from authored ones."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any, Final

from domain.enums import Permission
from domain.viewer import Viewer
from tests.equality.asking.author import OPERATORS, Author
from tests.equality.asking.breaking import broken
from tests.equality.asking.coming import coming
from tests.equality.asking.tree import Node
from tests.equality.asking.values import Values
from tests.equality.asking.writing import Writing
from tests.equality.oracle.contract import contract
from tests.equality.oracle.oracle import Request
from tests.equality.world import World

_READ, _REFRESH, _ADMIN = Permission.READ, Permission.REFRESH, Permission.ADMIN
_SEEN: Final = (
    None,
    None,
    None,
    {"east"},
    {"west", "Lab é"},
    {"east", "west", "gone"},
    {"down", "locked", "new", "odd"},
    set[str](),
    {"nobody"},
)
VIEWERS: Final = tuple(
    Viewer(f"{'+'.join(permissions)}/{number}", frozenset(permissions), None if seen is None else frozenset(seen))
    for permissions in ((_READ, _REFRESH), (_ADMIN,), (_READ,))
    for number, seen in enumerate(_SEEN)
)
_BROKEN: Final = 0.045
_UNKNOWN: Final = 0.003
_AGAIN: Final = 0.5
_LESS: Final = 0.04
_PATIENT: Final = 0.98
_GONE: Final = 0.07
_COMING: Final = 0.04
_ZERO: Final = 0.04


def again(request: Request, random: Random, values: Values) -> Request:
    """The same text by another viewer, most of its variables with other values of their kinds, some with none."""
    told: dict[str, Any] = {}
    for name, value in request.variables.items():
        gone = _may_be_null(request.query, name) and random.random() < _GONE
        if not gone:
            told[name] = _another(value, random, values)
        elif random.random() < 0.5:
            told[name] = None
    mine = request.viewer or random.choice(VIEWERS)
    others = [one for one in VIEWERS if one.permissions == mine.permissions or random.random() < _LESS]
    return replace(request, variables=told, viewer=random.choice(others))


def _may_be_null(query: str, name: str) -> bool:
    """Whether the operation says so of a variable."""
    declared = re.search(rf"\${name}\s*:\s*([^\s,)=@$]+)", query)
    return declared is not None and not declared[1].endswith("!")


def _another(value: Any, random: Random, values: Values) -> Any:
    if random.random() < 0.3:
        return value
    match value:
        case bool():
            return not value
        case int():
            return 0 if random.random() < _ZERO else random.choice((1, 2, 3, 5, 10, 50))
        case str() if len(value) in {32, 36} and "-" in value[:9]:
            return values.resource_id()
        case list():
            return random.sample(value, random.randint(0, len(value)))
    return (
        {name: _another(inner, random, values) for name, inner in value.items()} if isinstance(value, dict) else value
    )


class Operations:
    """Requests over one world. `skeletons` are used again and again, each time written in another way.

    Some texts come again soon, by another viewer and with other variables: what is kept of a text must not hold its first values.
    """

    def __init__(self, random: Random, world: World, skeletons: Sequence[list[Node]], author: Author) -> None:
        self._random = random
        self._values = Values(random, world)
        self._skeletons = skeletons
        self._author = author

    def __iter__(self) -> Iterator[Request]:
        recent: deque[Request] = deque(maxlen=6)
        while True:
            if recent and self._random.random() < _AGAIN:
                yield again(self._random.choice(recent), self._random, self._values)
                continue
            if self._random.random() < _COMING:
                yield from coming(self._values, self._random.choice(VIEWERS))
                continue
            request = self._request()
            recent.append(request)
            yield request

    def _request(self) -> Request:
        random = self._random
        viewer = random.choice(VIEWERS)
        operator = _ADMIN in viewer.permissions
        if self._skeletons and random.random() < 0.5:
            tree = deepcopy(random.choice(self._skeletons))
            self._values.patient = not operator and _REFRESH not in viewer.permissions and random.random() < _PATIENT
            operator = operator or random.random() < 0.02
            for node in tree:
                self._meant(node, operator=operator)
            tree = random.sample(tree, min(len(tree), random.choice((1, 1, 1, 2, 3))))
        else:
            self._values.patient = not operator and _REFRESH not in viewer.permissions and random.random() < _PATIENT
            tree = self._author.tree(self._values, operator=operator or random.random() < 0.02)
        written = Writing(contract(), random).written(tree)
        if random.random() < _BROKEN:
            written = broken(written, random)
        known = None if random.random() < _UNKNOWN else viewer
        return Request(written.query, written.variables, written.operation_name, known)

    def _meant(self, node: Node, *, operator: bool) -> None:
        """Most arguments that mean nothing become ones that do; what only operators may see is asked for by them."""
        if self._values.takes(node.of, node.name) and self._random.random() < 0.93:
            node.arguments = self._values.of(node.of, node.name)
        if not operator:
            kept = [child for child in node.below if (child.of, child.name) not in OPERATORS]
            node.below = kept or [
                Node(child.of, "name" if child.of == "VendorAccount" else "kind") for child in node.below[:1]
            ]
        for child in node.below:
            self._meant(child, operator=operator)
