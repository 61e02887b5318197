"""Scheduled sweeps: their pauses, whether they are due, and that they are sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.engine import make_engine
from db.migrations import migrate
from db.record.store import Store
from domain.ports import AccountSetup, KeepFresh
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.background import is_due, pause_seconds, watch_pause_seconds
from reconcile.engine import Reconciler
from tests.clock import ManualClock
from tests.observations import machine
from tests.reconcile.cloud import HeldCloud
from tests.reconcile.listeners import ErrorCollector, ReportQueue

SCHEDULE = KeepFresh(300, 60, 900)


@given(jitter=st.floats(0, 1), moving=st.booleans())
def test_pauses_are_shorter_while_a_status_is_transitional(jitter: float, moving: bool) -> None:
    """Never longer than configured, and at most a tenth shorter, so that accounts drift apart."""
    seconds = pause_seconds(SCHEDULE, moving=moving, jitter=jitter)
    configured = 60 if moving else 300
    assert 0.9 * configured <= seconds <= configured


def test_a_sweep_is_not_due_while_nobody_reads_if_so_configured() -> None:
    """Without `idle_seconds` it is always due, with it only if a reader was there lately."""
    assert is_due(KeepFresh(300, 60), None, 0)
    assert not is_due(SCHEDULE, None, 10_000)
    assert is_due(SCHEDULE, 9_100, 10_000)
    assert not is_due(SCHEDULE, 9_099, 10_000)


def test_a_scope_with_missing_resources_is_swept_after_2_5_and_15_minutes_then_hourly() -> None:
    """Counted from when the resource went missing."""
    pauses = watch_pause_seconds()
    at, minutes = 0.0, []
    for _ in range(5):
        at += next(pauses)
        minutes.append(at / 60)
    assert [2, 5, 15, 75, 135] == minutes


@pytest.mark.parametrize(("idle", "reads", "least"), [(None, False, 3), (60.0, True, 3), (60.0, False, 1)])
async def test_an_account_is_swept_without_readers_or_only_for_them(
    tmp_path: Path, idle: float | None, reads: bool, least: int
) -> None:
    """One sweep at the start, then one after each pause, unless nobody reads and `idle_seconds` is configured."""
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    cloud, reports, errors, clock = HeldCloud(machine("m-1")), ReportQueue(), ErrorCollector(), ManualClock()
    setup = AccountSetup("lab", "held", 30, cloud.scopes, KeepFresh(0.02, 0.02, idle))
    engine = Reconciler(
        Store(database, clock),
        {"lab": cloud},
        [setup],
        FreshnessRules(force_gap_seconds=0),
        AbsenceRules(),
        errors,
        observer=reports,
        clock=clock,
    )
    await engine.start()
    if reads:
        engine.read("lab")
    await reports.wait_for("sweep", least)
    await engine.close()
    await database.dispose()
    assert [] == errors.errors
    assert cloud.sweep_count >= least
    assert (cloud.sweep_count == 1) == (least == 1)
