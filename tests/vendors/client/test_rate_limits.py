"""Budgets: half of what is documented, readers first, and what the vendor's headers say."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import RateLimited
from tests.clock import START, ManualClock
from vendors.base import RateLimit
from vendors.client.call_context import URGENCY, Urgency
from vendors.client.rate_limits import Budget, BudgetSpent, remaining_of


async def test_half_of_the_documented_calls_may_be_sent_at_once() -> None:
    """The next one is refused with the instant to come back, and nothing waits for it."""
    budget = Budget([RateLimit(20, 1000)], ManualClock())
    for _ in range(10):
        await budget.take("list")
    with pytest.raises(BudgetSpent, match="list: the account's budget") as spent:
        await budget.take("list")
    assert spent.value.retry_at is not None
    assert timedelta(seconds=95) < spent.value.retry_at - START <= timedelta(seconds=100)


async def test_an_account_may_use_another_share() -> None:
    """All of what is documented, or a tenth."""
    whole, tenth = (Budget([RateLimit(20, 1000)], ManualClock(), share) for share in (1, 0.1))

    assert (20, 2) == (whole.remaining().calls, tenth.remaining().calls)


async def test_several_windows_hold_at_once() -> None:
    """The scarcest decides."""
    budget = Budget([RateLimit(1000, 1), RateLimit(4, 3600)], ManualClock())
    for _ in range(2):
        await budget.take("list")
    with pytest.raises(BudgetSpent):
        await budget.take("list")


async def test_a_window_of_one_operation() -> None:
    """What one operation has spent, another still has; a window of all together holds for both."""
    budget = Budget([RateLimit(2, 1000, "machines"), RateLimit(2, 1000, "volumes"), RateLimit(6, 1000)], ManualClock())
    await budget.take("machines")
    with pytest.raises(BudgetSpent, match="machines"):
        await budget.take("machines")
    assert 999 < budget.wait("machines") <= 1000
    assert 0 == budget.wait("volumes")
    await budget.take("volumes")
    await budget.take("one")
    with pytest.raises(BudgetSpent, match="another"):
        await budget.take("another")
    assert 0 == budget.remaining().calls


async def test_what_no_reader_waits_for_leaves_half_to_readers() -> None:
    """A background flight is refused while a reader is still served."""
    budget = Budget([RateLimit(20, 100_000)], ManualClock())
    for _ in range(5):
        await budget.take("list")

    async def behind() -> None:
        URGENCY.set(Urgency(background=True))
        await budget.take("list")

    with pytest.raises(BudgetSpent):
        await asyncio.create_task(behind())
    await budget.take("list")


async def test_a_vendor_that_documents_one_call_can_be_asked() -> None:
    """Half a call is none."""
    await Budget([RateLimit(1, 1000)], ManualClock()).take("list")


async def test_the_vendors_own_word_closes_the_account() -> None:
    """By a refusal with an instant, or a header that says nothing is left; an absurd one is believed for an hour."""
    for until in (60, 10**7):
        budget = Budget([], ManualClock())
        budget.refused(RateLimited("429", START + timedelta(seconds=until)))
        assert min(until, 3600) - 1 < budget.wait() <= min(until, 3600)
        with pytest.raises(RateLimited):
            await budget.take("list")
    budget = Budget([], ManualClock())
    budget.heard({"ratelimit-remaining": "0", "ratelimit-reset": str(int(START.timestamp()) + 30)})
    assert 29 < budget.wait() <= 30
    assert 0 == budget.remaining().calls


async def test_without_limits_nothing_is_refused() -> None:
    """A vendor that documents none has no budget to show."""
    budget = Budget([], ManualClock())
    for _ in range(1000):
        await budget.take("list")
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
def test_headers_are_read_as_their_drafts_say(headers: dict[str, str], expected: tuple[int, float] | None) -> None:
    """Remaining calls, and when that ends."""
    assert expected == remaining_of(headers)


@given(st.dictionaries(st.sampled_from(["ratelimit", "ratelimit-remaining", "ratelimit-reset"]), st.text()))
def test_no_header_breaks_the_reading(headers: dict[str, str]) -> None:
    """Whatever a vendor sends."""
    told = remaining_of(headers)
    assert told is None or told[0] >= 0
