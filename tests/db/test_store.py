"""The store: what is written is what was decided, once, in order, whoever else writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import make_engine, read_transaction
from db.migrations import migrate
from db.record.store import Store
from db.tables import history, links, metadata, resources
from domain.enums import ResourceKind, ResourceStatus
from domain.errors import ConfigurationError
from domain.ports import AccountSetup
from domain.records.history import live_state, replay
from domain.records.model import Changes, LockedState, ScopeKey
from domain.records.observation import NOT_REPORTED, Observation, SweepResult
from domain.rules import AbsenceRules
from domain.timestamps import to_text
from reconcile.rules.absence import EvidenceWindows
from reconcile.rules.decision import Credential, DecisionContext, decide_sweep
from reconcile.runner import named_keys
from tests.clock import ManualClock
from tests.databases import DatabaseBackend
from tests.observations import attached, complete, machine, volume

LAB = AccountSetup("lab", "lambda", 30, ((ResourceKind.MACHINES, None), (ResourceKind.VOLUMES, None)))
MACHINES = ScopeKey("lab", ResourceKind.MACHINES, None)
VOLUMES = ScopeKey("lab", ResourceKind.VOLUMES, None)


def ground(clock: ManualClock, *, probes: bool = True) -> DecisionContext:
    """What decisions here are made by."""
    return DecisionContext(
        EvidenceWindows(AbsenceRules()),
        Credential("salt", lambda salt: f"hash of {salt}"),
        ResourceKind.MACHINES,
        probes,
        clock.now(),
        lambda failures: 5.0 * failures,
    )


async def sweep(store: Store, clock: ManualClock, scope: ScopeKey, result: SweepResult) -> Changes:
    """Draw, decide and apply, as a flight does."""
    ticket = await store.draw(scope.account)
    return await store.apply(
        scope,
        named_keys(result.observations),
        whole=True,
        decide=lambda held: decide_sweep(held, ticket, result, ground(clock)),
    )


async def count(engine: AsyncEngine, table: str) -> int:
    """How many rows a table has."""
    async with read_transaction(engine) as connection:
        return int(await connection.scalar(select(func.count()).select_from(metadata.tables[table])) or 0)


async def test_migrating_twice_and_beside_another_changes_nothing(kept: DatabaseBackend) -> None:
    """Five processes that start at once on one empty database end with one whole schema."""
    async with kept.empty() as url:
        engines = [make_engine(url) for _ in range(5)]
        await asyncio.gather(*(migrate(engine) for engine in engines))
        await migrate(engines[0])
        async with engines[0].connect() as connection:
            names = await connection.run_sync(lambda sync: set(sync.dialect.get_table_names(sync)))
        assert set(metadata.tables) | {"alembic_version"} == names
        for engine in engines:
            await engine.dispose()


async def test_configuring_keeps_what_is_no_longer_configured(store: Store) -> None:
    """A scope that leaves the configuration keeps its row, and takes it up again when it comes back."""
    await store.configure([LAB])
    first = await store.scopes()
    await store.configure([])
    assert {False} == {scope.configured for scope in await store.scopes()}
    await store.configure([LAB])
    assert first == await store.scopes()


async def test_an_account_whose_vendor_changes_is_refused(store: Store) -> None:
    """The error names the account and both vendors, and nothing was changed."""
    await store.configure([LAB])
    with pytest.raises(ConfigurationError, match=r"'lab' was recorded with the vendor 'lambda'.*'aws'"):
        await store.configure([AccountSetup("lab", "aws", 30, ())])
    assert {True} == {scope.configured for scope in await store.scopes()}


async def test_numbers_rise_by_one_whoever_draws(store: Store) -> None:
    """Fifty flights that are sent at once have fifty numbers without a gap."""
    await store.configure([LAB])
    tickets = await asyncio.gather(*(store.draw("lab") for _ in range(50)))
    assert list(range(1, 51)) == sorted(ticket.number for ticket in tickets)


async def test_a_first_sweep_records_everything_told(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """The record reads back as the value that was decided; it has a snapshot and an observed offer."""
    await store.configure([LAB])
    changes = await sweep(store, clock, MACHINES, complete(machine("m-1"), machine("m-2", name=None)))
    ids = [record.resource_id for record in changes.resources]
    read = {record.vendor_id: record for record in await store.resources(ids)}
    assert {record.vendor_id: record for record in changes.resources} == read
    counts = [await count(engine, table) for table in ("resources", "history", "provenance", "offers")]
    assert [2, 2, 2, 1] == counts


async def test_a_sweep_that_finds_nothing_new_writes_only_its_scope(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """The same listing again writes no row of a resource, however many there are."""
    await store.configure([LAB])
    told = complete(*(machine(f"m-{number}") for number in range(300)))
    await sweep(store, clock, MACHINES, told)
    clock.advance(30)
    again = await sweep(store, clock, MACHINES, told)
    assert ((), (), (), ()) == (again.resources, again.history, again.opened, again.provenance)
    assert again.scope is not None
    assert clock.now() == again.scope.swept_at
    assert 300 == await count(engine, "history")


async def test_a_link_is_shown_from_both_ends_once_both_are_recorded(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """An attachment told before its volume was seen is adopted by the volume, and keeps its first instant."""
    await store.configure([LAB])
    await sweep(store, clock, MACHINES, complete(machine("m-1", links=(attached("v-1"),))))
    since = clock.now()
    clock.advance(60)
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    async with read_transaction(engine) as connection:
        rows = (await connection.execute(select(links).order_by(links.c.link_type))).all()
    assert ["ATTACHED_STORAGE", "ATTACHED_TO"] == [row.link_type for row in rows]
    assert [True, True] == [row.from_id is not None and row.to_id is not None for row in rows]
    assert {to_text(since)} == {row.linked_since for row in rows}


async def test_a_detached_volume_ends_its_link_and_a_second_attachment_is_a_new_one(
    store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Closing writes the end in both directions; attaching again opens a second pair."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(volume("v-1")))
    for told in ((attached("v-1"),), (), (attached("v-1"),)):
        clock.advance(60)
        await sweep(store, clock, MACHINES, complete(machine("m-1", links=told)))
    async with read_transaction(engine) as connection:
        ends = list(await connection.scalars(select(links.c.linked_until).where(links.c.owned)))
    assert [False, True] == sorted(end is None for end in ends)
    assert 4 == await count(engine, "links")


async def test_an_unattached_and_a_silent_owner_differ(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """A listing that does not carry attachments closes nothing."""
    await store.configure([LAB])
    await sweep(store, clock, MACHINES, complete(machine("m-1", links=(attached("v-1"),))))
    await sweep(store, clock, MACHINES, complete(replace(machine("m-1"), links=NOT_REPORTED)))
    async with read_transaction(engine) as connection:
        assert [None, None] == list(await connection.scalars(select(links.c.linked_until)))


async def test_a_failing_decision_leaves_nothing_behind(store: Store, clock: ManualClock, engine: AsyncEngine) -> None:
    """All of an apply is one transaction."""
    await store.configure([LAB])
    ticket = await store.draw("lab")
    result = complete(machine("m-1"), machine("m-1-twin"))

    def twice(held: LockedState) -> Changes:
        decided = decide_sweep(held, ticket, result, ground(clock))
        return Changes(decided.scope, (*decided.resources, decided.resources[0]), decided.history)

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.apply(MACHINES, [], whole=True, decide=twice)
    assert [0, 0] == [await count(engine, "resources"), await count(engine, "history")]
    assert [None] == [scope.swept_at for scope in await store.scopes() if scope.key == MACHINES]


def _random_sweeps(random: Random, steps: int) -> Sequence[tuple[Observation, ...]]:
    statuses = [ResourceStatus.RUNNING, ResourceStatus.STOPPED, ResourceStatus.STOPPING, ResourceStatus.ERROR]
    return [
        tuple(
            machine(
                f"m-{number}",
                status=random.choice(statuses),
                name=random.choice(["a", "b", None]),
                links=tuple(attached(f"v-{other}") for other in range(3) if random.random() < 0.3),
            )
            for number in range(4)
            if random.random() < 0.8
        )
        for _ in range(steps)
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_the_history_replayed_gives_the_present_also_after_pruning(
    seed: int, store: Store, clock: ManualClock, engine: AsyncEngine
) -> None:
    """Whatever was observed, snapshot and changes add up to the record, before and after old entries are folded."""
    await store.configure([LAB])
    await sweep(store, clock, VOLUMES, complete(*(volume(f"v-{number}") for number in range(3))))
    for told in _random_sweeps(Random(seed), 12):
        clock.advance(40)
        await sweep(store, clock, MACHINES, complete(*told))

    async def check() -> int:
        async with read_transaction(engine) as connection:
            ids = list(await connection.scalars(select(resources.c.resource_id)))
            rows = (await connection.execute(select(history).order_by(history.c.seq))).all()
        for record in await store.resources(UUID(one) for one in ids):
            mine = [row for row in rows if row.resource_id == str(record.resource_id)]
            state = replay((row.field, json.loads(row.before), json.loads(row.after)) for row in mine)
            assert live_state(record.live) == {name: state[name] for name in live_state(record.live)}
            assert (None if record.missing_since is None else to_text(record.missing_since)) == state["missingSince"]
        return len(rows)

    before = await check()
    gone = await store.prune(clock.now() - timedelta(seconds=200))
    assert before - gone == await check()
    assert gone > 0
