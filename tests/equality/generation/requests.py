"""An endless sequence of requests from a seed: half from trees that hypothesis-graphql drew, half from the author's trees."""

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
from tests.equality.generation.argument_values import ArgumentValues
from tests.equality.generation.document import DocumentWriter
from tests.equality.generation.field_tree import TreeField
from tests.equality.generation.mistakes import add_mistake
from tests.equality.generation.optional_variables import optional_variable_requests
from tests.equality.generation.tree_author import OPERATORS, TreeAuthor
from tests.equality.oracle.contract import contract
from tests.equality.oracle.oracle import OracleRequest
from tests.equality.world import EqualityWorld

_READ, _REFRESH, _ADMIN = Permission.READ, Permission.REFRESH, Permission.ADMIN
_VISIBLE: Final = (
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
    Viewer(
        f"{'+'.join(permissions)}/{number}", frozenset(permissions), None if accounts is None else frozenset(accounts)
    )
    for permissions in ((_READ, _REFRESH), (_ADMIN,), (_READ,))
    for number, accounts in enumerate(_VISIBLE)
)
_MISTAKE: Final = 0.045
_NO_TOKEN: Final = 0.003
_REPEATED: Final = 0.5
_OTHER_PERMISSIONS: Final = 0.04
_PATIENT: Final = 0.98
_ABSENT: Final = 0.07
_OPTIONAL: Final = 0.04
_ZERO: Final = 0.04


def vary_request(request: OracleRequest, random: Random, values: ArgumentValues) -> OracleRequest:
    """Return the same text by another viewer, with other values for most variables, and without a value for some."""
    variables: dict[str, Any] = {}
    for name, value in request.variables.items():
        absent = _may_be_null(request.query, name) and random.random() < _ABSENT
        if not absent:
            variables[name] = _vary_value(value, random, values)
        elif random.random() < 0.5:
            variables[name] = None
    viewer = request.viewer or random.choice(VIEWERS)
    others = [one for one in VIEWERS if one.permissions == viewer.permissions or random.random() < _OTHER_PERMISSIONS]
    return replace(request, variables=variables, viewer=random.choice(others))


def _may_be_null(query: str, name: str) -> bool:
    """Return whether the operation declares the variable as nullable."""
    declaration = re.search(rf"\${name}\s*:\s*([^\s,)=@$]+)", query)
    return declaration is not None and not declaration[1].endswith("!")


def _vary_value(value: Any, random: Random, values: ArgumentValues) -> Any:
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
        {name: _vary_value(inner, random, values) for name, inner in value.items()}
        if isinstance(value, dict)
        else value
    )


class RequestGenerator:
    """Generates requests over one world. Each of the `skeletons` is used many times, each time as another document.

    Some texts are repeated soon, by another viewer and with other variables: what is cached of a text must not contain values.
    """

    def __init__(
        self, random: Random, world: EqualityWorld, skeletons: Sequence[list[TreeField]], author: TreeAuthor
    ) -> None:
        self._random = random
        self._values = ArgumentValues(random, world)
        self._skeletons = skeletons
        self._author = author

    def __iter__(self) -> Iterator[OracleRequest]:
        recent: deque[OracleRequest] = deque(maxlen=6)
        while True:
            if recent and self._random.random() < _REPEATED:
                yield vary_request(self._random.choice(recent), self._random, self._values)
                continue
            if self._random.random() < _OPTIONAL:
                yield from optional_variable_requests(self._values, self._random.choice(VIEWERS))
                continue
            request = self._new_request()
            recent.append(request)
            yield request

    def _new_request(self) -> OracleRequest:
        random = self._random
        viewer = random.choice(VIEWERS)
        operator = _ADMIN in viewer.permissions
        if self._skeletons and random.random() < 0.5:
            tree = deepcopy(random.choice(self._skeletons))
            self._values.patient = not operator and _REFRESH not in viewer.permissions and random.random() < _PATIENT
            operator = operator or random.random() < 0.02
            for node in tree:
                self._replace_arguments(node, operator=operator)
            tree = random.sample(tree, min(len(tree), random.choice((1, 1, 1, 2, 3))))
        else:
            self._values.patient = not operator and _REFRESH not in viewer.permissions and random.random() < _PATIENT
            tree = self._author.write_tree(self._values, operator=operator or random.random() < 0.02)
        document = DocumentWriter(contract(), random).write(tree)
        if random.random() < _MISTAKE:
            document = add_mistake(document, random)
        sender = None if random.random() < _NO_TOKEN else viewer
        return OracleRequest(document.query, document.variables, document.operation_name, sender)

    def _replace_arguments(self, node: TreeField, *, operator: bool) -> None:
        """Replace most arguments by ones that match the world, and operators' fields by others for other viewers."""
        if self._values.has_arguments(node.of, node.name) and self._random.random() < 0.93:
            node.arguments = self._values.arguments(node.of, node.name)
        if not operator:
            permitted = [child for child in node.below if (child.of, child.name) not in OPERATORS]
            node.below = permitted or [
                TreeField(child.of, "name" if child.of == "VendorAccount" else "kind") for child in node.below[:1]
            ]
        for child in node.below:
            self._replace_arguments(child, operator=operator)
