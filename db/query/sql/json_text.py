"""JSON written as text by SQL: constant pieces and columns, concatenated.

The databases' own functions for JSON objects are not used, because the two format numbers differently. Each function here is
named after the JSON that it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, ScalarSelect, Select, String, case, cast, func, literal_column, select

from db.query.sql.dialect import CommaJoined, Concatenation, JsonString

Part: TypeAlias = str | ColumnElement[Any]
Parts: TypeAlias = tuple[Part, ...]
"""Constant texts and SQL expressions, in order. `concat` makes them one text."""

NULL: Final[ColumnElement[str]] = literal_column("'null'", String)
_TRUE: Final[ColumnElement[str]] = literal_column("'true'", String)
_FALSE: Final[ColumnElement[str]] = literal_column("'false'", String)
EMPTY: Final[ColumnElement[str]] = literal_column("''", String)


def constant(text: str) -> ColumnElement[str]:
    """Return a text as an SQL literal. It must come from the code, never from a client."""
    return literal_column("'" + text.replace("'", "''") + "'", String)


def concat(parts: Iterable[Part]) -> ColumnElement[str]:
    """Return the parts as one text. Adjacent constants are merged."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    clauses = [constant(part) if isinstance(part, str) else part for part in merged]
    return clauses[0] if len(clauses) == 1 else Concatenation(*clauses)


def escaped_string(column: ColumnElement[Any]) -> Parts:
    """Return any text as a JSON string, or null."""
    return (JsonString(column),)


def plain_string(column: ColumnElement[Any]) -> Parts:
    """Return a text that never needs escapes, such as an id, an instant or an enum value. It must not be null."""
    return ('"', column, '"')


def plain_string_or_null(column: ColumnElement[Any]) -> Parts:
    """Return a text that never needs escapes, or null."""
    return (func.coalesce(concat(plain_string(column)), NULL),)


def number(column: ColumnElement[Any]) -> Parts:
    """Return an integer, or a number that is stored as text, or null."""
    return (func.coalesce(cast(column, String), NULL),)


def stored_json(column: ColumnElement[Any]) -> Parts:
    """Return a text that already is JSON, or null."""
    return (func.coalesce(column, NULL),)


def boolean(condition: ColumnElement[bool]) -> Parts:
    """Return the boolean of a condition, which must not be null."""
    return (case((condition, _TRUE), else_=_FALSE),)


def array(items: Sequence[Parts]) -> Parts:
    """Return an array of these items."""
    parts: list[Part] = ["["]
    for index, item in enumerate(items):
        parts.extend([","] if index else [])
        parts.extend(item)
    return (*parts, "]")


def object_of(members: Sequence[tuple[str, Parts]]) -> Parts:
    """Return an object. Its keys are GraphQL names, which need no escapes."""
    parts: list[Part] = ["{"]
    for index, (key, value) in enumerate(members):
        parts.append(f'{"," if index else ""}"{key}":')
        parts.extend(value)
    return (*parts, "}")


def array_of_rows(query: Select[Any]) -> ScalarSelect[str]:
    """Return an array with one item for each row of a query, in its order. The query's only column is named `t`."""
    inner = query.subquery()
    joined = func.coalesce(CommaJoined(inner.c.t), EMPTY)
    return select(concat(("[", joined, "]")).label("j")).select_from(inner).scalar_subquery()
