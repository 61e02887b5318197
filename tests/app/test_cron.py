"""Deletions are found by one-shot runs of `sync` alone, at vendors whose probes answer in every way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from db.engine import read_transaction
from db.tables import resources
from domain.enums import ResourceKind
from supplygraph.cli.sync import sync_scopes
from supplygraph.config.settings import DatabaseSettings, Settings
from supplygraph.gateway import assemble
from tests.clock import START, ManualClock
from tests.doubles.fake import Dice, Fake
from tests.doubles.fakes import fakes_by_vendor
from tests.doubles.fakes.lambda_cloud import LambdaFake
from tests.doubles.fakes.vast import VastFake
from tests.matrix.player import ReceivedRequest
from tests.proofs.test_one_machine_twice import fake_account


class NullVast(VastFake):
    """Answers null for an instance that was destroyed."""

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return 200 in place of a 404."""
        status, content = super().reply(request)
        return (200, {"instances": None}) if status == 404 else (status, content)


class WordyLambda(LambdaFake):
    """Answers a 404 in words that are not documented."""

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return another error code."""
        status, content = super().reply(request)
        return (
            (404, {"error": {"code": "global/unheard-of", "message": "What?"}}) if status == 404 else (status, content)
        )


class BrokenLambda(LambdaFake):
    """Fails if it is asked for an instance that was terminated."""

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return 500 in place of a 404."""
        status, content = super().reply(request)
        return (500, {"error": {"code": "global/internal-error"}}) if status == 404 else (status, content)


class CronScene:
    """A cloud with five machines, listed by runs of `sync` an hour apart. Each run is a process of its own."""

    def __init__(self, folder: Path, fake: Fake, address: str) -> None:
        database = DatabaseSettings(url=SecretStr(f"sqlite+aiosqlite:///{folder / 'record.db'}"))
        account = fake_account("lab", fake, address).model_copy(update={"budget_share": 10_000})
        self._settings = Settings().model_copy(update={"accounts": (account,), "database": database})
        self._now = START

    async def sync(self, hours: float = 1) -> dict[str, str]:
        """Run once, some hours after the last run. Return the status of each machine."""
        clock = ManualClock(self._now)
        self._now = clock.advance(hours * 3600)
        gateway = assemble(self._settings, clock)
        async with gateway.running(background=False):
            rows = await sync_scopes(gateway, [])
            async with read_transaction(gateway.database.engine) as connection:
                machines = await connection.execute(
                    resources.select().where(resources.c.kind == ResourceKind.MACHINES.value)
                )
                statuses = {row.vendor_id: row.status for row in machines}
        assert {None} == {row.outcome.reason for row in rows}
        return statuses


FAKES: Mapping[str, type[Fake]] = {
    **fakes_by_vendor(),
    "null": NullVast,
    "other words": WordyLambda,
    "unanswered": BrokenLambda,
}


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        *((vendor, 1) for vendor in ("aws", "digitalocean", "lambda", "runpod", "vast")),
        *((vendor, 3) for vendor in ("hyperstack", "shadeform", "null", "other words")),
        ("unanswered", 8),
    ],
)
async def test_a_deletion_is_found(name: str, runs: int, tmp_path: Path) -> None:
    """In the first run without the machine if the vendor's words say so, else as soon as runs agree for long enough."""
    fake = FAKES[name](Dice(5), 5, 0)
    async with fake.serving() as address:
        scene = CronScene(tmp_path, fake, address)
        for _ in range(3):
            assert "DELETED" not in (await scene.sync()).values()
        gone = list(fake.machines)[2]
        del fake.machines[gone]
        verdicts = [(await scene.sync())[gone] == "DELETED" for _ in range(runs)]
        statuses = await scene.sync()
    assert [*[False] * (runs - 1), True] == verdicts
    assert [gone] == [vendor_id for vendor_id, status in statuses.items() if status == "DELETED"]


async def test_a_clock_that_is_set_between_runs_deletes_nothing(tmp_path: Path) -> None:
    """A machine that appeared a moment ago is missing from listings, and the clock is years ahead in the next run."""
    fake = NullVast(Dice(5), 5, 0)
    async with fake.serving() as address:
        scene = CronScene(tmp_path, fake, address)
        await scene.sync()
        hidden = list(fake.machines)[2]
        item = fake.machines.pop(hidden)
        for hours in (0.001, 100_000, 0.001, 0.001):
            assert "DELETED" != (await scene.sync(hours))[hidden]
        fake.machines[hidden] = item
        assert "DELETED" not in (await scene.sync(0.001)).values()
