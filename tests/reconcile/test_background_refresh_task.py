"""The keeper over a real loop: it asks without a reader, and stops asking when told to mind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.engine import make_engine
from db.migrations import migrate
from db.record.store import Store
from domain.ports import AccountSetup, KeepFresh
from domain.rules import AbsenceRules, FreshnessRules
from reconcile.engine import Reconciler
from tests.clock import ManualClock
from tests.observations import machine
from tests.reconcile.cloud import HeldCloud
from tests.reconcile.test_engine import Breakdowns, Reports


@pytest.mark.parametrize(("idle", "reads", "least"), [(None, False, 3), (60.0, True, 3), (60.0, False, 1)])
async def test_an_account_is_kept_fresh_without_readers_or_only_for_them(
    tmp_path: Path, idle: float | None, reads: bool, least: int
) -> None:
    """One sweep at the start; then one a pause, unless nobody reads and the operator minds."""
    database = make_engine(f"sqlite+aiosqlite:///{tmp_path / 'record.db'}")
    await migrate(database)
    cloud, reports, breakdowns, clock = HeldCloud(machine("m-1")), Reports(), Breakdowns(), ManualClock()
    setup = AccountSetup("lab", "held", 30, cloud.scopes, KeepFresh(0.02, 0.02, idle))
    engine = Reconciler(
        Store(database, clock),
        {"lab": cloud},
        [setup],
        FreshnessRules(force_gap_seconds=0),
        AbsenceRules(),
        breakdowns,
        observer=reports,
        clock=clock,
    )
    await engine.start()
    if reads:
        engine.read("lab")
    await reports.until("sweep", least)
    await engine.close()
    await database.dispose()
    assert [] == breakdowns.seen
    assert cloud.swept >= least
    assert (cloud.swept == 1) == (least == 1)
