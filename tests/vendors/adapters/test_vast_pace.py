"""Vast's pages of 25 at half its documented pace: the sweep of a thousand instances ends within its flight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from domain.enums import ResourceKind, StaleReason
from domain.records.model import ScopeKey
from reconcile.flights import FlightOutcome
from supplygraph.config.settings import AccountSettings, DatabaseSettings, Settings
from supplygraph.gateway import assemble
from tests.doubles.fake import Dice
from tests.doubles.fakes.vast import VastFake
from tests.simulated_time import LoopClock, run
from vendors.api_key import KeySettings

INSTANCES = 1_000
SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)


@dataclass(frozen=True)
class PacedSweep:
    """The result of a sweep of a whole gateway: outcome, simulated seconds, calls, and recorded resources."""

    outcome: FlightOutcome
    seconds: float
    calls: int
    recorded: int


def run_sweep(folder: Path, flight_seconds: float | None = None) -> PacedSweep:
    """Sweep an account of a thousand instances at the fake, whose responses take a fifth of a second."""

    async def work(clock: LoopClock) -> PacedSweep:
        fake = VastFake(Dice(1), INSTANCES, 0)
        fake.latency_seconds = 0.2
        async with fake.serving() as address:
            own = KeySettings.model_validate(fake.settings("key-of-the-fake"))
            account = AccountSettings(
                name="lab", vendor="vast", endpoint=address, own=own, flight_seconds=flight_seconds
            )
            database = DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}"))
            gateway = assemble(Settings(accounts=(account,), database=database), clock)
            async with gateway.running(background=False):
                started_at = clock.steady()
                outcome = await gateway.reconciler.sweep(SCOPE)
                scopes = {scope.key: scope for scope in await gateway.store.scopes()}
                return PacedSweep(outcome, clock.steady() - started_at, len(fake.requests), scopes[SCOPE].held)

    return run(work)


def test_thousand_instances_fit_into_a_flight(tmp_path: Path) -> None:
    """40 pages, one every two seconds: a complete sweep that takes longer than the flight of any other vendor."""
    sweep = run_sweep(tmp_path)

    assert (None, 40, INSTANCES) == (sweep.outcome.reason, sweep.calls, sweep.recorded)
    assert 78 <= sweep.seconds < 90


def test_configured_flight_seconds(tmp_path: Path) -> None:
    """The account's setting has priority over the vendor's default."""
    sweep = run_sweep(tmp_path, flight_seconds=10)

    assert (StaleReason.TIMED_OUT, 0) == (sweep.outcome.reason, sweep.recorded)
    assert 10 <= sweep.seconds < 11
