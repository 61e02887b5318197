"""Compiling the shapes of an operation's root fields into its statements.

An operation has one statement for the texts of its answer, one for each distinct set of account data that its root fields need,
and one that reads both at once. Each also returns the data revision, as its last column.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from sqlalchemy import ColumnElement, Dialect, select

from db.query.placeholders import PlaceholderRenderer
from db.query.shape import Shape, Value
from db.query.sql import json_text
from db.query.sql.accounts import DETAIL_FIELDS, accounts_document
from db.query.sql.aliases import statement_aliases
from db.query.sql.builder import StatementBuilder
from db.query.sql.dialect import Utf8Bytes
from db.query.sql.filters import filter_conditions, is_possible_scope
from db.query.sql.roots import LISTS, is_live_criterion, root_text
from db.revision import revision
from domain.cache import LRUCache

_NUMBERS: Final = count()
_ACCOUNT_STATEMENTS: Final = 128
_PARAM: Final = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class DemandShape:
    """The parts of a root field to which a demand may apply. They do not depend on its bound values.

    `live`: it selects, filters, orders or groups by a live field. `scopes`: it may need sweeps of whole scopes, because they may
    hold resources that are not recorded yet. `links`: it selects links or filters by one.
    """

    live: bool
    scopes: bool
    links: bool


@dataclass(frozen=True, slots=True)
class RootColumn:
    """One root field in a statement. `accounts` is the index of the account statement whose result judges its ages."""

    shape: Shape
    accounts: int
    placeholders: tuple[PlaceholderRenderer, ...]
    demand: DemandShape


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement. It returns one row, whose last column is the data revision.

    `params` are the names of the bound values in order. `constants` are the bound values that are the same for every reader.
    """

    sql: str
    params: tuple[str, ...]
    constants: Mapping[str, Any]

    def bind(self, values: Mapping[str, Value]) -> tuple[Any, ...]:
        """Return the values to bind, in order. Raises KeyError if one is missing."""
        if not self.params:
            return ()
        named = {**self.constants, **values}
        return tuple([named[name] for name in self.params])


@dataclass(frozen=True, slots=True)
class AccountStatement(Statement):
    """Reads a viewer's accounts. Equal `needs`, values and data revision give equal results."""

    needs: Hashable


@dataclass(frozen=True, slots=True)
class OperationStatement(Statement):
    """Reads the texts of an operation's root fields. `combined` reads texts and accounts from one state of the database.

    `restricted`: it reads only the accounts in the bound value `VIEWER`. `number` is unique within the process.
    """

    roots: tuple[RootColumn, ...]
    accounts: tuple[AccountStatement, ...]
    combined: Statement
    restricted: bool
    number: int = field(init=False, default_factory=lambda: next(_NUMBERS))


def demand_shape(root: Shape) -> DemandShape:
    """Return the parts of the root field to which a demand may apply."""
    return DemandShape(
        live=is_live_criterion(root) or any(shape.live for shape in root.walk()),
        scopes=root.name in LISTS,
        links="linkedTo" in filter_conditions(root) or any(shape.name == "linkedResources" for shape in root.walk()),
    )


class StatementCompiler:
    """Compiles statements for one database. Compiling takes milliseconds. Not thread-safe: one thread uses it at a time."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        # Most operations need the same account data. Compiling that statement each time would double the work.
        self._account_statements: LRUCache[Hashable, AccountStatement] = LRUCache(_ACCOUNT_STATEMENTS)

    def compile(self, shapes: Sequence[Shape], *, restricted: bool) -> OperationStatement:
        """Return the statements of these root fields. `restricted`: only the accounts in the bound value `VIEWER` are visible."""
        columns, roots, accounts = [], [], list[AccountStatement]()
        with statement_aliases():
            for shape in shapes:
                builder = StatementBuilder(restricted)
                columns.append(Utf8Bytes(json_text.concat(root_text(shape, builder))))
                account_statement = self._account_statement(shape, restricted)
                if account_statement not in accounts:
                    accounts.append(account_statement)
                index = accounts.index(account_statement)
                roots.append(RootColumn(shape, index, tuple(builder.placeholders), demand_shape(shape)))
            texts = self._compile_columns(columns)
        combined = _combine(texts, accounts)
        return OperationStatement(
            texts.sql, texts.params, texts.constants, tuple(roots), tuple(accounts), combined, restricted
        )

    def _account_statement(self, root: Shape, restricted: bool) -> AccountStatement:
        needs = accounts_needed(root), restricted
        statement = self._account_statements.get(needs)
        if statement is None:
            statement = self._compile_accounts(root, restricted, needs)
            self._account_statements.add(needs, statement)
        return statement

    def _compile_accounts(self, root: Shape, restricted: bool, needs: Hashable) -> AccountStatement:
        with statement_aliases():
            possible = is_possible_scope(filter_conditions(root), restricted) if root.name in LISTS else None
            compiled = self._compile_columns([Utf8Bytes(accounts_document(root, restricted, possible))])
        return AccountStatement(compiled.sql, compiled.params, compiled.constants, needs)

    def _compile_columns(self, columns: Sequence[ColumnElement[Any]]) -> Statement:
        query = select(*(column.label(f"c{number}") for number, column in enumerate((*columns, revision()))))
        compiled = query.compile(dialect=self._dialect)
        # The values of readers are None here. They are left out, so that a missing value raises KeyError instead of being null.
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return Statement(str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), constants)


def accounts_needed(root: Shape) -> Hashable:
    """Return a key that is equal for root fields that need the same account data and have the same possible scopes."""
    details = frozenset((shape.type_name, shape.name) for shape in root.walk()) & DETAIL_FIELDS
    return (details, root.argument("filter") or ()) if root.name in LISTS else (details, None)


def _combine(texts: Statement, accounts: Sequence[AccountStatement]) -> Statement:
    """Join statements into one. Each becomes a subquery with one row, whose last column is the revision."""
    subqueries, params, constants = [], list[str](), dict[str, Any]()
    for number, statement in enumerate((texts, *accounts)):
        # PostgreSQL's parameters ($1) are numbered through all statements; SQLite's have no numbers.
        offset = len(params)
        sql = _PARAM.sub(lambda match, offset=offset: f"${int(match[1]) + offset}", statement.sql)  # type: ignore[misc]
        subqueries.append(f"({sql}) AS s{number}")
        # Two statements may have different constants of the same name.
        names = {name: f"s{number}_{name}" for name in statement.constants}
        params += [names.get(name, name) for name in statement.params]
        constants |= {names[name]: value for name, value in statement.constants.items()}
    return Statement(f"SELECT * FROM {', '.join(subqueries)}", tuple(params), constants)  # noqa: S608 - compiled above
