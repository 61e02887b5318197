"""Identities and timelines of accounts on both databases: across names, and across processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import read_transaction
from db.record.account_admin import rename
from db.record.store import Store
from db.tables import accounts, offers, provenance, resources
from domain.records.identity import account_identity
from domain.records.timeline import Pause
from reconcile.elapsed_clock import ElapsedClock
from tests.clock import ManualClock
from tests.db.sweeps import LAB, MACHINES, sweep
from tests.observations import complete, machine

LISTING = complete(machine("m-1"), machine("m-2"))


async def recorded(engine: AsyncEngine) -> dict[str, dict[str, str]]:
    """Return the UUIDs of the recorded machines, by account and vendor id."""
    joined = select(accounts.c.name, resources.c.vendor_id, resources.c.resource_id).join_from(accounts, resources)
    by_account: dict[str, dict[str, str]] = {}
    async with read_transaction(engine) as connection:
        for row in await connection.execute(joined):
            by_account.setdefault(row.name, {})[row.vendor_id] = row.resource_id
    return by_account


async def sweep_accounts(store: Store, clock: ManualClock, names: Sequence[str]) -> None:
    """Configure accounts with these names, and sweep the same two machines in each."""
    await store.configure([replace(LAB, name=name) for name in names])
    for name in names:
        await sweep(store, clock, MACHINES._replace(account=name), LISTING)


@pytest.mark.parametrize("used_next", [["new"], ["lab"], ["new", "lab"], ["lab", "new"]])
async def test_a_renamed_account_keeps_its_uuids_and_its_old_name_is_free(
    engine: AsyncEngine, store: Store, clock: ManualClock, used_next: list[str]
) -> None:
    """Whichever names are used next: another account with the old name has UUIDs of its own, also for equal vendor ids."""
    await sweep_accounts(store, clock, ["lab"])
    before = (await recorded(engine))["lab"]
    await rename(engine, "lab", "new")
    await sweep_accounts(store, clock, used_next)
    after = await recorded(engine)
    assert before == after["new"]
    assert {"new", *used_next} == set(after)
    assert set(before) == set(after[used_next[0]])
    assert len(after) * 2 == len({uuid for uuids in after.values() for uuid in uuids.values()})


async def test_a_name_can_go_round(engine: AsyncEngine, store: Store, clock: ManualClock) -> None:
    """Three accounts had the name one after the other, and each one keeps its UUIDs."""
    earlier: dict[str, dict[str, str]] = {}
    for new_name in ("first", "second", "third"):
        await sweep_accounts(store, clock, [*earlier, "lab"])
        earlier[new_name] = (await recorded(engine))["lab"]
        await rename(engine, "lab", new_name)
    await sweep_accounts(store, clock, list(earlier))
    assert earlier == await recorded(engine)


async def test_accounts_of_one_name_share_no_offer(engine: AsyncEngine, store: Store, clock: ManualClock) -> None:
    """Equal terms are an offer of each account."""
    await sweep_accounts(store, clock, ["lab"])
    await rename(engine, "lab", "new")
    await sweep_accounts(store, clock, ["lab", "new"])
    owners = (
        select(resources.c.account_id, offers.c.account_id)
        .join_from(provenance, resources)
        .join(offers, offers.c.offer_id == provenance.c.offer_id)
    )
    async with read_transaction(engine) as connection:
        pairs = {tuple(row) for row in await connection.execute(owners)}
    assert 2 == len(pairs)
    assert all(resource_account == offer_account for resource_account, offer_account in pairs)


def test_a_free_identity_is_found() -> None:
    """It depends on the name and on the other identities alone, so it is the same after a loss of the database."""
    first = account_identity("lab", ())
    second = account_identity("lab", {first})
    assert first == account_identity("lab", {"account:other", "lab"})
    assert second == account_identity("lab", {first, "account:other"})
    assert 3 == len({first, second, account_identity("lab", {first, second})})


async def test_the_timeline_is_recorded(store: Store, clock: ManualClock) -> None:
    """A process goes on where the one before has ended; the time in between is a pause."""
    await store.configure([LAB])
    for start, pauses in ((0.0, ()), (70.0, (Pause(10.0, 60.0),)), (110.0, (Pause(10.0, 60.0), Pause(80.0, 30.0)))):
        process = ElapsedClock(clock.steady)
        for elapsed in (start, start + 10):
            ticket = await store.draw("lab", process.advance("lab"))
            process.record("lab", ticket.timeline)
            assert (elapsed, pauses) == (ticket.timeline.elapsed, ticket.timeline.pauses)
            if elapsed == start:
                clock.advance(10)
                clock.step(100_000)
        clock.advance(60.0 if start == 0.0 else 30.0)


async def test_the_timelines_of_accounts_are_independent(store: Store, clock: ManualClock) -> None:
    """A flight of one account says nothing about the time between two flights of another."""
    await store.configure([LAB, replace(LAB, name="other")])
    process = ElapsedClock(clock.steady)
    process.record("lab", (await store.draw("lab", process.advance("lab"))).timeline)
    clock.advance(60)
    assert 0 == (await store.draw("other", process.advance("other"))).timeline.elapsed
    assert 60 == (await store.draw("lab", process.advance("lab"))).timeline.elapsed
