"""Budgets: half of the documented limits, readers first, and what the vendor's headers report."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RateLimited
from tests.clock import START, ManualClock
from vendors.base import RateLimit
from vendors.client.call_context import CallContext
from vendors.client.rate_limits import Budget, BudgetSpent, parse_remaining


async def test_half_of_the_documented_calls_may_be_sent_at_once() -> None:
    """The next call is refused at once, with the time to come back."""
    budget = Budget([RateLimit(20, 1000)], ManualClock())
    for _ in range(10):
        await budget.acquire("list", CallContext())
    with pytest.raises(BudgetSpent, match="list: the account's budget") as error:
        await budget.acquire("list", CallContext())
    assert error.value.retry_at is not None
    assert timedelta(seconds=95) < error.value.retry_at - START <= timedelta(seconds=100)


async def test_other_shares() -> None:
    """All of the documented limit, or a tenth of it."""
    whole, tenth = (Budget([RateLimit(20, 1000)], ManualClock(), share) for share in (1, 0.1))

    assert (20, 2) == (whole.remaining().calls, tenth.remaining().calls)


async def test_several_limits() -> None:
    """The scarcest limit decides."""
    budget = Budget([RateLimit(1000, 1), RateLimit(4, 3600)], ManualClock())
    for _ in range(2):
        await budget.acquire("list", CallContext())
    with pytest.raises(BudgetSpent):
        await budget.acquire("list", CallContext())


async def test_limit_of_one_operation() -> None:
    """Operations with limits of their own do not affect each other; a common limit applies to all operations."""
    budget = Budget([RateLimit(2, 1000, "machines"), RateLimit(2, 1000, "volumes"), RateLimit(6, 1000)], ManualClock())
    await budget.acquire("machines", CallContext())
    with pytest.raises(BudgetSpent, match="machines"):
        await budget.acquire("machines", CallContext())
    assert 999 < budget.wait_seconds("machines") <= 1000
    assert 0 == budget.wait_seconds("volumes")
    await budget.acquire("volumes", CallContext())
    await budget.acquire("one", CallContext())
    with pytest.raises(BudgetSpent, match="another"):
        await budget.acquire("another", CallContext())
    assert 0 == budget.remaining().calls


async def test_background_flights_leave_half_to_readers() -> None:
    """A background flight is refused while a reader's call is still sent."""
    budget = Budget([RateLimit(20, 100_000)], ManualClock())
    for _ in range(5):
        await budget.acquire("list", CallContext())

    with pytest.raises(BudgetSpent):
        await budget.acquire("list", CallContext(background=True))
    await budget.acquire("list", CallContext())


async def test_limit_of_one_call() -> None:
    """Half a call would be none."""
    await Budget([RateLimit(1, 1000)], ManualClock()).acquire("list", CallContext())


async def test_vendor_closes_the_account() -> None:
    """A refusal with a time, or a header without remaining calls, closes the account, for an hour at most."""
    for until in (60, 10**7):
        budget = Budget([], ManualClock())
        budget.observe_rate_limit(RateLimited("429", START + timedelta(seconds=until)))
        assert min(until, 3600) - 1 < budget.wait_seconds() <= min(until, 3600)
        with pytest.raises(RateLimited):
            await budget.acquire("list", CallContext())
    budget = Budget([], ManualClock())
    budget.observe_headers({"ratelimit-remaining": "0", "ratelimit-reset": str(int(START.timestamp()) + 30)})
    assert 29 < budget.wait_seconds() <= 30
    assert 0 == budget.remaining().calls


async def test_no_limits() -> None:
    """A vendor without documented limits has no budget to show."""
    budget = Budget([], ManualClock())
    for _ in range(1000):
        await budget.acquire("list", CallContext())
    assert (None, None) == (budget.remaining().calls, budget.remaining().resets_at)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ratelimit": '"default";r=50;t=30'}, (50, 30.0)),
        ({"ratelimit": '"minute";r=9;t=30, "day";r=0;t=4000'}, (0, 4000.0)),
        ({"ratelimit": "limit=100, remaining=7, reset=50"}, (7, 50.0)),
        ({"ratelimit-remaining": "4816", "ratelimit-reset": "1444931833"}, (4816, 1444931833.0)),
        ({"x-ratelimit-remaining": "0"}, (0, 0.0)),
        ({"ratelimit": "nonsense"}, None),
        ({"ratelimit-remaining": "-1"}, None),
        ({}, None),
    ],
)
def test_headers_are_read_as_documented(headers: dict[str, str], expected: tuple[int, float] | None) -> None:
    """The remaining calls, and when the window is reset."""
    assert expected == parse_remaining(headers)


@given(st.dictionaries(st.sampled_from(["ratelimit", "ratelimit-remaining", "ratelimit-reset"]), st.text()))
def test_any_header_is_valid(headers: dict[str, str]) -> None:
    """The result is valid for every header that a vendor sends."""
    remaining = parse_remaining(headers)
    assert remaining is None or remaining[0] >= 0
