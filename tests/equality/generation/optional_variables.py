"""Handwritten operations whose variables are sometimes absent: the number of values that a field binds depends on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from domain.viewer import Viewer
from tests.equality import vocabulary as words
from tests.equality.generation.argument_values import ArgumentValues
from tests.equality.oracle.cursors import encode_cursor
from tests.equality.oracle.oracle import OracleRequest

_TEXTS: Final = (
    "query ($vendor: [String!], $id: UUID!) "
    "{ resources(filter: {vendor: $vendor}) { totalCount } resource(resourceId: $id) { resourceId } }",
    "query ($account: [String!], $vendor: [String!], $n: Int! = 3) { resources(filter: {account: $account, vendor: $vendor}, "
    "first: $n) { nodes { resourceId history(first: $n) { nodes { field } } } } }",
    "query ($after: String, $n: Int!) "
    "{ a: resources(after: $after, first: $n) { nodes { resourceId } } b: resources(first: $n) { nodes { resourceId } } }",
    "query ($id: UUID!, $since: DateTime, $n: Int! = 2) { resource(resourceId: $id) "
    "{ resourceId history(since: $since) { nodes { field } } again: history(first: $n) { nodes { field } } } }",
    "query ($linked: UUID, $id: UUID!, $n: Int) { resources(filter: {linkedTo: $linked}, first: $n) { totalCount } "
    "resource(resourceId: $id) { resourceId name } changes(first: $n) { totalCount: __typename nodes { field } } }",
)
_OPTIONAL: Final = ("vendor", "account", "after", "since", "linked")
_IN_A_ROW: Final = 5


def optional_variable_requests(values: ArgumentValues, viewer: Viewer) -> Iterator[OracleRequest]:
    """Yield several requests with one of the texts, all by one viewer."""
    text, random = values.one(*_TEXTS), values.random
    makers: Mapping[str, Callable[[], Any]] = {
        "vendor": lambda: random.sample(words.VENDORS, 2),
        "account": lambda: random.sample(sorted(values.world.accounts), min(2, len(values.world.accounts))),
        "after": lambda: encode_cursor(
            "CREATED_AT:DESC", f"2026-03-01T{random.randint(10, 12)}:00:00.000000Z", values.resource_id()
        ),
        "since": lambda: f"2026-03-01T11:{random.randint(10, 59)}:00Z",
        "linked": values.resource_id,
        "id": values.resource_id,
        "n": lambda: random.randint(1, 4),
    }
    names = [name for name in makers if f"${name}:" in text]
    for _ in range(_IN_A_ROW):
        absent = {name for name in _OPTIONAL if values.chance(0.5)}
        variables = {name: makers[name]() for name in names if name not in absent}
        variables |= {name: None for name in names if name in absent and values.chance(0.3)}
        yield OracleRequest(text, variables, None, viewer)
