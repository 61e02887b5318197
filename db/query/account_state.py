"""The accounts and scopes that a viewer sees. They are read for every operation, because ages are judged by them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from domain.enums import AccountState, ResourceKind, ScopeState, StaleReason
from domain.freshness import ScopeFacts
from domain.health import ScopeHealth, account_state
from domain.records.model import ScopeKey
from domain.timestamps import optional_instant


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A scope.

    `possible`: it may hold a match, because the recorded conditions of the list do not rule it out. `holds`: it is no longer
    configured but still has living resources. `count`, `missing_count`, `detail` (shown only to operators) and the traces are
    None unless they were selected.
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
        """Return the state of the account, derived from the states of its scopes."""
        return account_state(
            self.configured,
            (
                ScopeHealth(row.facts.configured, row.facts.swept_at is not None, row.state, row.facts.problem)
                for row in self.scopes
            ),
        )

    def last_error(self) -> str | None:
        """Return the error detail of the most recently tried scope that has one."""
        failed = [row for row in self.scopes if row.detail is not None and row.facts.tried_at is not None]
        latest = max(failed, key=lambda row: str(row.facts.tried_at), default=None)
        return None if latest is None else latest.detail


class SweptScope(NamedTuple):
    """A scope of an account whose configured scopes have all been swept.

    `first` and `last` are the earliest and the latest instant of all attempts and sweeps of the account.
    """

    account: str
    cooldown: timedelta
    swept_no: int
    swept_at: datetime
    first: datetime
    last: datetime


@dataclass(frozen=True)
class VisibleAccounts:
    """The accounts that the viewer sees, ordered by name."""

    accounts: tuple[AccountRow, ...]

    @cached_property
    def by_id(self) -> Mapping[int, AccountRow]:
        """Accounts by their id in the database."""
        return {account.account_id: account for account in self.accounts}

    @cached_property
    def by_name(self) -> Mapping[str, AccountRow]:
        """Accounts by name."""
        return {account.name: account for account in self.accounts}

    @cached_property
    def scopes(self) -> Mapping[int, ScopeRow]:
        """Scopes by their id in the database."""
        return {row.facts.scope_id: row for account in self.accounts for row in account.scopes}

    @cached_property
    def scope_facts(self) -> Mapping[int, ScopeFacts]:
        """The facts by which freshness is judged, by scope id."""
        return {scope_id: row.facts for scope_id, row in self.scopes.items()}

    @cached_property
    def possible(self) -> frozenset[int]:
        """The ids of the scopes that may hold a match."""
        return frozenset(scope_id for scope_id, row in self.scopes.items() if row.possible)

    @cached_property
    def swept(self) -> Mapping[int, SweptScope]:
        """The scopes of the accounts whose configured scopes have all been swept, by id."""
        return {scope_id: scope for account in self.accounts for scope_id, scope in _swept_scopes(account)}

    @cached_property
    def swept_possible(self) -> tuple[SweptScope, ...] | None:
        """The scopes that may hold a match.

        None if one of them was never swept, or is no longer configured but still has living resources.
        """
        rows = [row for row in self.scopes.values() if row.possible and (row.facts.configured or row.holds)]
        scopes = [self.swept.get(row.facts.scope_id) for row in rows]
        return None if None in scopes else tuple(scope for scope in scopes if scope is not None)


def _swept_scopes(account: AccountRow) -> Iterator[tuple[int, SweptScope]]:
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


def parse_accounts(document: bytes) -> VisibleAccounts:
    """Decode the document that `db.query.sql.accounts.accounts_document` writes."""
    accounts = []
    for account_id, name, vendor, configured, cooldown, scopes in json.loads(document):
        rows = tuple(_scope(name, cooldown, *row) for row in scopes)
        accounts.append(AccountRow(account_id, name, vendor, configured, rows))
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
    facts = ScopeFacts(
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
    return ScopeRow(facts, ScopeState(state), count, detail, possible, holds, *rest)
