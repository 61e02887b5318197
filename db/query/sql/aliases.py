"""Aliases of tables. They are reused between statements, because creating one copies every column of its table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from sqlalchemy import Table
from sqlalchemy.sql.selectable import NamedFromClause

_ALIASES: Final[dict[Table, list[NamedFromClause]]] = defaultdict(list)
_USE_COUNTS: ContextVar[Counter[Table]] = ContextVar("use_counts")


@contextmanager
def statement_aliases() -> Iterator[None]:
    """Build one statement inside the block. `alias` returns no alias twice there."""
    token = _USE_COUNTS.set(Counter())
    try:
        yield
    finally:
        _USE_COUNTS.reset(token)


def alias(table: Table) -> NamedFromClause:
    """Return an alias that the current statement does not use yet. Raises LookupError outside of `statement_aliases`."""
    use_counts, aliases = _USE_COUNTS.get(), _ALIASES[table]
    number = use_counts[table]
    use_counts[table] += 1
    if number == len(aliases):
        aliases.append(table.alias())
    return aliases[number]
