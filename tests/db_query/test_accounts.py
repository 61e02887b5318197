"""Accounts and scopes."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import AccountState, ScopeState, StaleReason
from domain.health import ScopeHealth, account_state
from domain.viewer import Viewer
from tests.db_query.queries import answered, f, root
from tests.db_query.rows import World, ago

_SCOPES = f("scopes", "kind region sweptAt resourceCount state reason nextAllowedAt")
_OK = ScopeHealth(configured=True, listed=True, state=ScopeState.OK, problem=None)
_FAILED = ScopeHealth(configured=True, listed=True, state=ScopeState.FAILED, problem=StaleReason.VENDOR_DOWN)
_NEW = ScopeHealth(configured=True, listed=False, state=ScopeState.NEVER_SWEPT, problem=None)
_REJECTED = ScopeHealth(configured=True, listed=False, state=ScopeState.FAILED, problem=StaleReason.AUTH_REJECTED)
_SUSPECT = ScopeHealth(configured=True, listed=True, state=ScopeState.SUSPECT, problem=None)
_CUT = ScopeHealth(configured=True, listed=False, state=ScopeState.PARTIAL, problem=StaleReason.TIMED_OUT)
_REMOVED = ScopeHealth(configured=False, listed=True, state=ScopeState.FAILED, problem=StaleReason.AUTH_REJECTED)


async def _accounts(world: World, viewer: Viewer | None = None, *fields: Any) -> Any:
    asked = root("accounts", *(fields or ("name vendor state lastError", _SCOPES)))
    async with world.recorded() as engine:
        return await (answered(engine, asked, viewer) if viewer else answered(engine, asked))


class TestState:
    """An account's state is the worst that is true."""

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
        """Told by its configured scopes."""
        assert expected is account_state(configured=True, scopes=scopes)

    def test_removed(self) -> None:
        """What is not configured is removed, however it fared."""
        assert account_state(configured=False, scopes=[_REJECTED]) is AccountState.REMOVED


class TestAccounts:
    """The root field, and what is nested in it."""

    async def test_by_name(self) -> None:
        """All of them by name, with their scopes by kind and region."""
        world = World()
        west = world.account("west", "aws")
        world.account("east")
        for kind, region in (("VOLUMES", "b"), ("MACHINES", "b"), ("MACHINES", "a")):
            world.scope(west, kind, region)
        told = await _accounts(world)
        assert [
            ("east", "NEVER_SYNCED", []),
            ("west", "OK", [("MACHINES", "a"), ("MACHINES", "b"), ("VOLUMES", "b")]),
        ] == [
            (one["name"], one["state"], [(scope["kind"], scope["region"]) for scope in one["scopes"]]) for one in told
        ]

    async def test_a_scope(self) -> None:
        """A region that is none reads null, tombstones do not count, holds and sweeps of the future are not told as past."""
        world = World()
        scope = world.scope(
            world.account("lab"),
            swept_at=ago(-60),
            state="FAILED",
            problem="RATE_LIMITED",
            problem_detail="429",
            hold_until=ago(-9),
        )
        world.resource(scope)
        world.resource(scope, status="DELETED")
        (account,) = await _accounts(world)
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
        """`nextAllowedAt` is told only while it lies ahead."""
        world = World()
        world.scope(world.account("lab"), hold_until=ago(1))
        (account,) = await _accounts(world, None, f("scopes", "nextAllowedAt"))
        assert {"scopes": [{"nextAllowedAt": None}]} == account

    async def test_removed(self) -> None:
        """A region that is no longer configured, and every region of an account that is not."""
        world = World()
        world.scope(world.account("gone", configured=False))
        lab = world.account("lab")
        world.scope(lab, region="a")
        world.scope(lab, region="b", configured=False)
        told = await _accounts(world, None, "state", f("scopes", "state"))
        assert [
            {"state": "REMOVED", "scopes": [{"state": "REMOVED"}]},
            {"state": "OK", "scopes": [{"state": "OK"}, {"state": "REMOVED"}]},
        ] == told

    async def test_visible_ones(self) -> None:
        """An account that the viewer may not see does not exist."""
        world = World()
        for name in ("east", "west"):
            world.account(name)
        assert [{"name": "west"}] == await _accounts(world, Viewer("w", frozenset(), frozenset({"west", "no"})), "name")
        assert await _accounts(world, Viewer("nobody", frozenset(), frozenset()), "name") == []
