"""Vast's pages of 25 at half its documented pace: accounts of a thousand instances end within their own flight."""

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
from tests.leaping import LoopClock, run
from vendors.api_key import KeySettings

MANY = 1_000
SCOPE = ScopeKey("lab", ResourceKind.MACHINES, None)


@dataclass(frozen=True)
class Swept:
    """How the sweep of a whole gateway ended: what it came to, simulated seconds, calls, and how many are recorded."""

    outcome: FlightOutcome
    seconds: float
    calls: int
    recorded: int


def swept(folder: Path, flight_seconds: float | None = None) -> Swept:
    """Sweep an account of a thousand instances at the fake, whose answers take a fifth of a second."""

    async def work(clock: LoopClock) -> Swept:
        fake = VastFake(Dice(1), MANY, 0)
        fake.latency_seconds = 0.2
        async with fake.serving() as address:
            own = KeySettings.model_validate(fake.settings("key-of-the-fake"))
            account = AccountSettings(
                name="lab", vendor="vast", endpoint=address, own=own, flight_seconds=flight_seconds
            )
            database = DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}"))
            gateway = assemble(Settings(accounts=(account,), database=database), clock)
            async with gateway.running(background=False):
                began = clock.steady()
                outcome = await gateway.reconciler.sweep(SCOPE)
                scopes = {scope.key: scope for scope in await gateway.store.scopes()}
                return Swept(outcome, clock.steady() - began, len(fake.asked), scopes[SCOPE].held)

    return run(work)


def test_a_thousand_instances_end_within_the_vendors_own_flight(tmp_path: Path) -> None:
    """40 pages, one every two seconds: longer than any other vendor's flight may take, and whole."""
    told = swept(tmp_path)

    assert (None, 40, MANY) == (told.outcome.reason, told.calls, told.recorded)
    assert 78 <= told.seconds < 90


def test_an_accounts_own_flight_is_bounded_by_its_own_setting(tmp_path: Path) -> None:
    """What the operator sets holds above what the vendor's file says."""
    told = swept(tmp_path, flight_seconds=10)

    assert (StaleReason.TIMED_OUT, 0) == (told.outcome.reason, told.recorded)
    assert 10 <= told.seconds < 11
