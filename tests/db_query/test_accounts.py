"""Accounts and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import AccountState, ScopeState, StaleReason
from domain.health import ScopeHealth, account_state
from domain.viewer import Viewer
from tests.db_query.support.queries import f, fetch, root
from tests.db_query.support.rows import RowWorld, ago

_SCOPES = f("scopes", "kind region sweptAt resourceCount state reason nextAllowedAt")
_OK = ScopeHealth(configured=True, listed=True, state=ScopeState.OK, problem=None)
_FAILED = ScopeHealth(configured=True, listed=True, state=ScopeState.FAILED, problem=StaleReason.VENDOR_DOWN)
_NEW = ScopeHealth(configured=True, listed=False, state=ScopeState.NEVER_SWEPT, problem=None)
_REJECTED = ScopeHealth(configured=True, listed=False, state=ScopeState.FAILED, problem=StaleReason.AUTH_REJECTED)
_SUSPECT = ScopeHealth(configured=True, listed=True, state=ScopeState.SUSPECT, problem=None)
_CUT = ScopeHealth(configured=True, listed=False, state=ScopeState.PARTIAL, problem=StaleReason.TIMED_OUT)
_REMOVED = ScopeHealth(configured=False, listed=True, state=ScopeState.FAILED, problem=StaleReason.AUTH_REJECTED)


async def _fetch_accounts(world: RowWorld, viewer: Viewer | None = None, *fields: Any) -> Any:
    field = root("accounts", *(fields or ("name vendor state lastError", _SCOPES)))
    async with world.database() as engine:
        return await (fetch(engine, field, viewer) if viewer else fetch(engine, field))


class TestAccountState:
    """The state of an account is the worst one that applies."""

    @pytest.mark.parametrize(
        ("expected", "scopes"),
        [
            (AccountState.OK, [_OK, _OK]),
            (AccountState.OK, [_OK, _REMOVED]),
            (AccountState.DEGRADED, [_OK, _FAILED]),
            (AccountState.DEGRADED, [_OK, _NEW]),
            (AccountState.DEGRADED, [_OK, _CUT]),
            (AccountState.DOWN, [_FAILED, _FAILED]),
            (AccountState.NEVER_SYNCED, [_NEW, _NEW]),
            (AccountState.NEVER_SYNCED, [_CUT]),
            (AccountState.NEVER_SYNCED, []),
            (AccountState.SUSPECT, [_SUSPECT, _FAILED]),
            (AccountState.AUTH_REJECTED, [_REJECTED, _SUSPECT, _OK]),
        ],
    )
    def test_of_scopes(self, expected: AccountState, scopes: list[ScopeHealth]) -> None:
        """Only configured scopes count."""
        assert expected is account_state(configured=True, scopes=scopes)

    def test_removed(self) -> None:
        """An account that is no longer configured is removed, whatever the states of its scopes."""
        assert account_state(configured=False, scopes=[_REJECTED]) is AccountState.REMOVED


class TestAccountsField:
    """The root field `accounts` and the objects below it."""

    async def test_by_name(self) -> None:
        """Accounts are ordered by name, and their scopes by kind and region."""
        world = RowWorld()
        west = world.add_account("west", "aws")
        world.add_account("east")
        for kind, region in (("VOLUMES", "b"), ("MACHINES", "b"), ("MACHINES", "a")):
            world.add_scope(west, kind, region)
        accounts = await _fetch_accounts(world)
        assert [
            ("east", "NEVER_SYNCED", []),
            ("west", "OK", [("MACHINES", "a"), ("MACHINES", "b"), ("VOLUMES", "b")]),
        ] == [
            (account["name"], account["state"], [(scope["kind"], scope["region"]) for scope in account["scopes"]])
            for account in accounts
        ]

    async def test_a_scope(self) -> None:
        """An empty region is null, tombstones do not count, and a sweep in the future is not reported."""
        world = RowWorld()
        scope = world.add_scope(
            world.add_account("lab"),
            swept_at=ago(-60),
            state="FAILED",
            problem="RATE_LIMITED",
            problem_detail="429",
            hold_until=ago(-9),
        )
        world.add_resource(scope)
        world.add_resource(scope, status="DELETED")
        (account,) = await _fetch_accounts(world)
        assert {
            "kind": "MACHINES",
            "region": None,
            "sweptAt": None,
            "resourceCount": 1,
            "state": "FAILED",
            "reason": "RATE_LIMITED",
            "nextAllowedAt": ago(-9),
        } == account["scopes"][0]
        assert ("DOWN", "429") == (account["state"], account["lastError"])

    async def test_a_hold_that_is_over(self) -> None:
        """`nextAllowedAt` is null once the hold has passed."""
        world = RowWorld()
        world.add_scope(world.add_account("lab"), hold_until=ago(1))
        (account,) = await _fetch_accounts(world, None, f("scopes", "nextAllowedAt"))
        assert {"scopes": [{"nextAllowedAt": None}]} == account

    async def test_removed(self) -> None:
        """A scope is removed if its region or its account is no longer configured."""
        world = RowWorld()
        world.add_scope(world.add_account("gone", configured=False))
        lab = world.add_account("lab")
        world.add_scope(lab, region="a")
        world.add_scope(lab, region="b", configured=False)
        accounts = await _fetch_accounts(world, None, "state", f("scopes", "state"))
        assert [
            {"state": "REMOVED", "scopes": [{"state": "REMOVED"}]},
            {"state": "OK", "scopes": [{"state": "OK"}, {"state": "REMOVED"}]},
        ] == accounts

    async def test_invisible_accounts_are_left_out(self) -> None:
        """For a restricted viewer, other accounts do not exist."""
        world = RowWorld()
        for name in ("east", "west"):
            world.add_account(name)
        assert [{"name": "west"}] == await _fetch_accounts(
            world, Viewer("w", frozenset(), frozenset({"west", "no"})), "name"
        )
        assert await _fetch_accounts(world, Viewer("nobody", frozenset(), frozenset()), "name") == []
