"""Aliases of the tables, used again from statement to statement: to make one copies every column of its table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from sqlalchemy import Table
from sqlalchemy.sql.selectable import NamedFromClause

_MADE: Final[dict[Table, list[NamedFromClause]]] = defaultdict(list)
_TAKEN: ContextVar[Counter[Table]] = ContextVar("taken")


@contextmanager
def one_statement() -> Iterator[None]:
    """What is written inside is one statement: no alias is given twice."""
    token = _TAKEN.set(Counter())
    try:
        yield
    finally:
        _TAKEN.reset(token)


def alias(table: Table) -> NamedFromClause:
    """An alias that nothing else in the statement has. Raises LookupError outside of one."""
    taken, made = _TAKEN.get(), _MADE[table]
    number = taken[table]
    taken[table] += 1
    if number == len(made):
        made.append(table.alias())
    return made[number]
