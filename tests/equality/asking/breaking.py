"""Operations that must be refused: mistakes of every kind, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from tests.equality.asking.writing import Written


def broken(written: Written, random: Random) -> Written:
    """With one mistake."""
    return random.choice(_MISTAKES)(written, random)


def _cut(written: Written, random: Random) -> Written:
    return replace(written, query=written.query[: random.randint(1, len(written.query))])


def _odd(written: Written, random: Random) -> Written:
    at, odd = (
        random.randint(0, len(written.query)),
        random.choice(("}", "é", '"', "$", "...", "\\", "1.", "\u2028", "{", "&", "null")),
    )
    return replace(written, query=written.query[:at] + odd + written.query[at:])


def _unknown_field(written: Written, random: Random) -> Written:
    return replace(written, query=written.query.replace("name", "nome", 1).replace("vendor", "vendeur", 1))


def _unknown_argument(written: Written, random: Random) -> Written:
    return replace(written, query=written.query.replace("first:", "last:").replace("resourceId:", "id:"))


def _wrong_variable(written: Written, random: Random) -> Written:
    wrong: Any = random.choice(("x", -1, 2**31, 2**70, 1.5, 1e308, [], {}, [None], {"a": 1}, True, "\U0001f600", None))
    names = list(written.variables) or ["v0"]
    return replace(written, variables=written.variables | {random.choice(names): wrong})


def _missing_variable(written: Written, random: Random) -> Written:
    variables = dict(written.variables)
    if variables:
        variables.pop(random.choice(list(variables)))
    return replace(written, variables=variables)


def _unused(written: Written, random: Random) -> Written:
    return replace(written, query=f"{written.query} fragment Unused on Resource {{ id }}")


def _cycle(written: Written, random: Random) -> Written:
    return replace(
        written,
        query=f"{written.query} fragment A on Query {{ ...B }} fragment B on Query {{ ...A accounts {{ name }} }}",
    )


def _mutation(written: Written, random: Random) -> Written:
    return replace(
        written, query=random.choice(("mutation { resource }", "subscription { x }", "{ }", "{ accounts }", "query"))
    )


def _large(written: Written, random: Random) -> Written:
    links = "linkedResources { resource { " * 5 + "id" + " } }" * 5
    forced = " ".join(f"f{n}: accounts {{ name }}" for n in range(21))
    texts = (
        f"{{ resources {{ nodes {{ {links} }} }} }}",
        f"{{ {forced} }}",
        "{ resources(first: 1000) { nodes { history(first: 21) { nodes { field } } } } }",
        "{ " + " ".join(f"r{n}: resourceTotals(freshness: {{maxAgeSeconds: 0}}) {{ count }}" for n in range(6)) + " }",
        "{ accounts { " + " ".join(f"n{n}: name" for n in range(501)) + " } }",
        "{ accounts { " + "name " * 2001 + "} }",
        "query ($n: Int!) { changes(first: $n) { nodes { resource { linkedResources { resource { history(first: $n)"
        " { nodes { field } } } } } } } }",
    )
    return Written(random.choice(texts), {"n": 1000})


def _nul(written: Written, random: Random) -> Written:
    texts = (
        '{ node(id: "a\\u0000") { id } accounts { name } }',
        '{ resources(filter: {nameContains: "\\u0000", vendor: "x"}) { totalCount } }',
        'query ($v: [String!]) { resource(resourceId: "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a")'
        " { history(fields: $v) { nodes { field } } } }",
    )
    return Written(random.choice(texts), {"v": ["name", "\x00"]})


def _absent_null(written: Written, random: Random) -> Written:
    texts = (
        "query ($n: Int) { a: accounts { name } resources(first: $n) { totalCount } }",
        "query ($n: Int = 3) { resources { nodes { history(first: $n) { nodes { field } } } } }",
        "query ($n: Boolean) { resources(filter: {includeDeleted: $n}) { totalCount } }",
        "query ($n: Boolean = true) { resources @include(if: $n) { totalCount } }",
        "query ($n: Boolean = true) { resources { totalCount @skip(if: $n) } }",
    )
    return Written(random.choice(texts), random.choice(({"n": None}, {})))


_MISTAKES: Final[tuple[Callable[[Written, Random], Written], ...]] = (
    _cut, _odd, _odd, _unknown_field, _unknown_argument, _wrong_variable, _wrong_variable, _missing_variable, _unused, _cycle,
    _mutation, _large, _nul, _absent_null,
)  # fmt: skip
