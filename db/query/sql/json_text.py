"""JSON written as text by SQL: chained pieces. The databases' own JSON functions print numbers their own builder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, ScalarSelect, Select, String, case, cast, func, literal_column, select

from db.query.sql.dialect import Chained, Joined, JsonText

Part: TypeAlias = str | ColumnElement[Any]
Parts: TypeAlias = tuple[Part, ...]
"""Constant texts and expressions in turn: one text once `written`."""

NULL: Final[ColumnElement[str]] = literal_column("'null'", String)
_TRUE: Final[ColumnElement[str]] = literal_column("'true'", String)
_FALSE: Final[ColumnElement[str]] = literal_column("'false'", String)
EMPTY: Final[ColumnElement[str]] = literal_column("''", String)


def constant(text: str) -> ColumnElement[str]:
    """A text of ours, written into the statement."""
    return literal_column("'" + text.replace("'", "''") + "'", String)


def concat(parts: Iterable[Part]) -> ColumnElement[str]:
    """The parts as one text; constants that stand side by side become one."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    clauses = [constant(part) if isinstance(part, str) else part for part in merged]
    return clauses[0] if len(clauses) == 1 else Chained(*clauses)


def escaped(column: ColumnElement[Any]) -> Parts:
    """Any text, null kept."""
    return (JsonText(column),)


def plain(column: ColumnElement[Any]) -> Parts:
    """A text that never needs escapes (an id, an instant, a word of ours) and is never null."""
    return ('"', column, '"')


def plain_or_null(column: ColumnElement[Any]) -> Parts:
    """As `plain`, null kept."""
    return (func.coalesce(concat(plain(column)), NULL),)


def number(column: ColumnElement[Any]) -> Parts:
    """An integer, or a number that is kept as its text; null kept."""
    return (func.coalesce(cast(column, String), NULL),)


def raw(column: ColumnElement[Any]) -> Parts:
    """Text that is JSON already; null kept."""
    return (func.coalesce(column, NULL),)


def flag(condition: ColumnElement[bool]) -> Parts:
    """A condition that is never null."""
    return (case((condition, _TRUE), else_=_FALSE),)


def array(items: Sequence[Parts]) -> Parts:
    """A JSON array of a fixed length."""
    parts: list[Part] = ["["]
    for index, item in enumerate(items):
        parts.extend([","] if index else [])
        parts.extend(item)
    return (*parts, "]")


def record(fields: Sequence[tuple[str, Parts]]) -> Parts:
    """A JSON object. Keys are GraphQL names or annotations of ours: they need no escapes."""
    parts: list[Part] = ["{"]
    for index, (key, value) in enumerate(fields):
        parts.append(f'{"," if index else ""}"{key}":')
        parts.extend(value)
    return (*parts, "}")


def rows(query: Select[Any]) -> ScalarSelect[str]:
    """A JSON array of what the query's only column, named `t`, writes: one item a row, in the query's order."""
    inner = query.subquery()
    joined = func.coalesce(Joined(inner.c.t), EMPTY)
    return select(concat(("[", joined, "]")).label("j")).select_from(inner).scalar_subquery()
