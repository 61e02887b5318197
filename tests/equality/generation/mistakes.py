"""Operations that must be refused: mistakes of every kind, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final

from tests.equality.generation.document import WrittenDocument


def add_mistake(document: WrittenDocument, random: Random) -> WrittenDocument:
    """Return the document with one mistake, or another document that is wrong."""
    return random.choice(_MISTAKES)(document, random)


def _cut(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(document, query=document.query[: random.randint(1, len(document.query))])


def _insert_token(document: WrittenDocument, random: Random) -> WrittenDocument:
    at, token = (
        random.randint(0, len(document.query)),
        random.choice(("}", "é", '"', "$", "...", "\\", "1.", "\u2028", "{", "&", "null")),
    )
    return replace(document, query=document.query[:at] + token + document.query[at:])


def _rename_field(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(document, query=document.query.replace("name", "nome", 1).replace("vendor", "vendeur", 1))


def _rename_argument(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(document, query=document.query.replace("first:", "last:").replace("resourceId:", "id:"))


def _set_wrong_variable(document: WrittenDocument, random: Random) -> WrittenDocument:
    wrong: Any = random.choice(("x", -1, 2**31, 2**70, 1.5, 1e308, [], {}, [None], {"a": 1}, True, "\U0001f600", None))
    names = list(document.variables) or ["v0"]
    return replace(document, variables=document.variables | {random.choice(names): wrong})


def _drop_variable(document: WrittenDocument, random: Random) -> WrittenDocument:
    variables = dict(document.variables)
    if variables:
        variables.pop(random.choice(list(variables)))
    return replace(document, variables=variables)


def _add_unused_fragment(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(document, query=f"{document.query} fragment Unused on Resource {{ id }}")


def _add_fragment_cycle(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(
        document,
        query=f"{document.query} fragment A on Query {{ ...B }} fragment B on Query {{ ...A accounts {{ name }} }}",
    )


def _write_other_operation(document: WrittenDocument, random: Random) -> WrittenDocument:
    return replace(
        document, query=random.choice(("mutation { resource }", "subscription { x }", "{ }", "{ accounts }", "query"))
    )


def _write_large(document: WrittenDocument, random: Random) -> WrittenDocument:
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
    return WrittenDocument(random.choice(texts), {"n": 1000})


def _write_nul(document: WrittenDocument, random: Random) -> WrittenDocument:
    texts = (
        '{ node(id: "a\\u0000") { id } accounts { name } }',
        '{ resources(filter: {nameContains: "\\u0000", vendor: "x"}) { totalCount } }',
        'query ($v: [String!]) { resource(resourceId: "5f0b1e5c-0c0a-5d3c-9b39-0a53f44d6f6a")'
        " { history(fields: $v) { nodes { field } } } }",
    )
    return WrittenDocument(random.choice(texts), {"v": ["name", "\x00"]})


def _write_null_or_absent(document: WrittenDocument, random: Random) -> WrittenDocument:
    texts = (
        "query ($n: Int) { a: accounts { name } resources(first: $n) { totalCount } }",
        "query ($n: Int = 3) { resources { nodes { history(first: $n) { nodes { field } } } } }",
        "query ($n: Boolean) { resources(filter: {includeDeleted: $n}) { totalCount } }",
        "query ($n: Boolean = true) { resources @include(if: $n) { totalCount } }",
        "query ($n: Boolean = true) { resources { totalCount @skip(if: $n) } }",
    )
    return WrittenDocument(random.choice(texts), random.choice(({"n": None}, {})))


_MISTAKES: Final[tuple[Callable[[WrittenDocument, Random], WrittenDocument], ...]] = (
    _cut, _insert_token, _insert_token, _rename_field, _rename_argument, _set_wrong_variable, _set_wrong_variable,
    _drop_variable, _add_unused_fragment, _add_fragment_cycle, _write_other_operation, _write_large, _write_nul,
    _write_null_or_absent,
)  # fmt: skip
