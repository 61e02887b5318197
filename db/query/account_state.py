"""The accounts and scopes that a viewer sees: read beside every root field, since ages cannot be judged without them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, exists, func, literal_column, not_, select, true
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query.shape import VIEWER, Shape
from db.query.sql import json_text
from db.query.sql.aliases import alias
from db.query.sql.dialect import Filtering, among
from domain.enums import AccountState, ResourceKind, ScopeState, StaleReason
from domain.freshness import ScopeFacts
from domain.health import ScopeHealth, account_state
from domain.records.model import ScopeKey
from domain.timestamps import optional_instant

RARE: Final = frozenset(
    {
        ("VendorScope", "resourceCount"),
        ("VendorScope", "missingCount"),
        ("VendorAccount", "lastError"),
        ("Freshness", "explain"),
    }
)
"""The fields that need more of every scope than ages do."""
_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A scope.

    `possible`: the recorded conditions of the list do not rule it out. `holds`: it has living resources although it is no longer
    configured. `count`, `missing_count`, `detail` (for operators only) and the traces are None unless they were selected.
    """

    facts: ScopeFacts
    state: ScopeState
    count: int | None
    detail: str | None
    possible: bool
    holds: bool
    failures: int = 0
    missing_count: int | None = None
    sweep_trace: str | None = None
    failed_flights: str | None = None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account and its scopes, ordered by kind and region."""

    account_id: int
    name: str
    vendor: str
    configured: bool
    scopes: tuple[ScopeRow, ...]

    def state(self) -> AccountState:
        """How it fares."""
        return account_state(
            self.configured,
            (
                ScopeHealth(row.facts.configured, row.facts.swept_at is not None, row.state, row.facts.problem)
                for row in self.scopes
            ),
        )

    def last_error(self) -> str | None:
        """What went wrong in the scope that was tried last among those with a problem."""
        troubled = [row for row in self.scopes if row.detail is not None and row.facts.tried_at is not None]
        latest = max(troubled, key=lambda row: str(row.facts.tried_at), default=None)
        return None if latest is None else latest.detail


class SweptScope(NamedTuple):
    """A scope in an account of which every scope was listed. `first` and `last` are of all tries and listings in the account."""

    account: str
    cooldown: timedelta
    swept_no: int
    swept_at: datetime
    first: datetime
    last: datetime


@dataclass(frozen=True)
class VisibleAccounts:
    """All accounts that the viewer sees, ordered by name."""

    accounts: tuple[AccountRow, ...]

    @cached_property
    def by_id(self) -> Mapping[int, AccountRow]:
        """Accounts by their number in the record."""
        return {account.account_id: account for account in self.accounts}

    @cached_property
    def by_name(self) -> Mapping[str, AccountRow]:
        """Accounts by name."""
        return {account.name: account for account in self.accounts}

    @cached_property
    def scopes(self) -> Mapping[int, ScopeRow]:
        """Scopes by their number in the record."""
        return {row.facts.scope_id: row for account in self.accounts for row in account.scopes}

    @cached_property
    def scope_facts(self) -> Mapping[int, ScopeFacts]:
        """What is needed of each to judge freshness."""
        return {scope_id: row.facts for scope_id, row in self.scopes.items()}

    @cached_property
    def possible(self) -> frozenset[int]:
        """The scopes that may hold a match."""
        return frozenset(scope_id for scope_id, row in self.scopes.items() if row.possible)

    @cached_property
    def listed(self) -> Mapping[int, SweptScope]:
        """The scopes of those accounts of which every scope was listed."""
        return {scope_id: told for account in self.accounts for scope_id, told in _listed(account)}

    @cached_property
    def listed_possible(self) -> tuple[SweptScope, ...] | None:
        """Those that may hold a match; None where one of them was not listed, or is no longer configured and holds some."""
        rows = [row for row in self.scopes.values() if row.possible and (row.facts.configured or row.holds)]
        known = [self.listed.get(row.facts.scope_id) for row in rows]
        return None if None in known else tuple(each for each in known if each is not None)


def _listed(account: AccountRow) -> Iterator[tuple[int, SweptScope]]:
    scopes = [row.facts for row in account.scopes if row.facts.configured]
    instants = [instant for scope in scopes for instant in (scope.swept_at, scope.tried_at) if instant is not None]
    if len(instants) < 2 * len(scopes):
        return
    for scope in scopes:
        if scope.swept_at is not None:
            cooldown = timedelta(seconds=scope.cooldown_seconds)
            yield (
                scope.scope_id,
                SweptScope(account.name, cooldown, scope.swept_no, scope.swept_at, min(instants), max(instants)),
            )


def visible(account_id: ColumnElement[int], restricted: bool) -> ColumnElement[bool]:
    """Whether what belongs to this account exists for the viewer."""
    if not restricted:
        return true()
    seen = alias(tables.accounts)
    return Filtering(account_id).in_(select(seen.c.account_id).where(_named(seen)))


def _named(accounts: FromClause) -> ColumnElement[bool]:
    return among(accounts.c.name, bindparam(VIEWER))


def facts(root: Shape, restricted: bool, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    """The JSON that `read_facts` reads. `possible` is a condition over `tables.scopes` and `tables.accounts`."""
    accounts = tables.accounts
    parts = json_text.array(
        [
            json_text.number(accounts.c.account_id),
            json_text.escaped(accounts.c.name),
            json_text.escaped(accounts.c.vendor),
            json_text.flag(accounts.c.configured),
            json_text.number(accounts.c.cooldown_seconds),
            (_scopes(root, possible),),
        ]
    )
    query = select(json_text.written(parts).label("t")).select_from(accounts).order_by(accounts.c.name)
    return json_text.rows(query.where(_named(accounts)) if restricted else query)


def _scopes(root: Shape, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    accounts, scopes, held = tables.accounts, tables.scopes, alias(tables.resources)
    selected = {(shape.type_name, shape.name) for shape in root.walk()}
    living = (held.c.scope_id == scopes.c.scope_id, held.c.status != literal_column("'DELETED'"))
    count = select(func.count()).select_from(held).where(*living).correlate(scopes)
    marks = count.where(held.c.missing_since.is_not(None))
    explained = ("Freshness", "explain") in selected
    holds = exists(select(literal_column("1")).select_from(held).where(*living).correlate(scopes))
    configured = and_(accounts.c.configured, scopes.c.configured)
    parts = json_text.array(
        [
            json_text.number(scopes.c.scope_id),
            json_text.plain(scopes.c.kind),
            json_text.escaped(scopes.c.region),
            json_text.flag(configured),
            json_text.number(scopes.c.swept_no),
            json_text.plain_or_null(scopes.c.swept_at),
            json_text.plain_or_null(scopes.c.tried_at),
            json_text.plain_or_null(scopes.c.problem),
            json_text.plain_or_null(scopes.c.hold_until),
            json_text.plain(scopes.c.state),
            json_text.number(count.scalar_subquery()) if ("VendorScope", "resourceCount") in selected else ("null",),
            json_text.escaped(scopes.c.problem_detail) if ("VendorAccount", "lastError") in selected else ("null",),
            ("true",) if possible is None else json_text.flag(possible),
            ("false",) if possible is None else json_text.flag(and_(not_(configured), holds)),
            json_text.number(scopes.c.failures),
            json_text.number(marks.scalar_subquery()) if ("VendorScope", "missingCount") in selected else ("null",),
            json_text.escaped(scopes.c.sweep_trace) if explained else ("null",),
            json_text.escaped(scopes.c.failed_flights) if explained else ("null",),
        ]
    )
    return json_text.rows(
        select(json_text.written(parts).label("t"))
        .select_from(scopes)
        .where(scopes.c.account_id == accounts.c.account_id)
        .order_by(scopes.c.kind, scopes.c.region)
        .correlate(accounts)
    )


@lru_cache(maxsize=_KEPT)
def read_facts(document: bytes) -> VisibleAccounts:
    """What the text says. Read once: it stays the same from sweep to sweep."""
    accounts = []
    for account_id, name, vendor, configured, cooldown, scopes in json.loads(document):
        read = tuple(_scope(name, cooldown, *row) for row in scopes)
        accounts.append(AccountRow(account_id, name, vendor, configured, read))
    return VisibleAccounts(tuple(accounts))


def _scope(
    account: str,
    cooldown: float,
    scope_id: int,
    kind: str,
    region: str,
    configured: bool,
    swept_no: int,
    swept_at: str | None,
    tried_at: str | None,
    problem: str | None,
    hold_until: str | None,
    state: str,
    count: int | None,
    detail: str | None,
    possible: bool,
    holds: bool,
    *rest: Any,
) -> ScopeRow:
    known = ScopeFacts(
        scope_id=scope_id,
        key=ScopeKey(account, ResourceKind(kind), region or None),
        configured=configured,
        cooldown_seconds=cooldown,
        swept_no=swept_no,
        swept_at=optional_instant(swept_at),
        tried_at=optional_instant(tried_at),
        problem=None if problem is None else StaleReason(problem),
        hold_until=optional_instant(hold_until),
    )
    return ScopeRow(known, ScopeState(state), count, detail, possible, holds, *rest)
