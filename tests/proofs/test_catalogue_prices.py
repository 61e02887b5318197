"""Prices that come from a vendor's price list, through the front door: their source, their time, and what a change of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from supplygraph.config.settings import AccountSettings
from tests.doubles.fake import Dice
from tests.doubles.fakes import shadeform
from tests.doubles.fakes.shadeform import ShadeformFake
from tests.matrix.player import ReceivedRequest
from tests.proofs.served import served
from vendors import registry

QUERY = """{ resources(filter: {resourceType: [BLOCK_DISK]}, freshness: {maxWaitSeconds: 20}) { nodes {
  pricingTotalHourly currency pricingSource pricingAsOf lastSyncedAt
  offerHistory { role offer { priceHourly } }
} } }"""


class Priced(ShadeformFake):
    """One volume of a fixed size whose price list may change, or fail."""

    factor = 1.0
    failing = False

    def reply(self, asked: ReceivedRequest) -> tuple[int, Any]:
        """As its price list is now."""
        status, told = super().reply(asked)
        if asked.path != "/volumes/types":
            return status, told
        kinds = [
            kind | {"price_per_gb_per_hour": str(float(kind["price_per_gb_per_hour"]) * self.factor)}
            for kind in told["volume_types"]
        ]
        return (500, {}) if self.failing else (200, {"volume_types": kinds})


def roles(node: dict[str, Any]) -> list[tuple[str, float | None]]:
    """What its offers were to it, oldest first."""
    return sorted(((one["role"], one["offer"]["priceHourly"]) for one in node["offerHistory"]), key=lambda one: one[0])


async def test_a_price_of_the_catalogue(tmp_path: Path) -> None:
    """Told with its source and time; kept while the list fails; new terms once it changes, and only then."""
    fake = Priced(Dice(3), 0, 1)
    (volume,) = fake.volumes.values()
    volume.item |= {"cloud": "massedcompute", "fixed_size": True, "size_in_gb": 1000}
    hourly = 1000 * float(shadeform.PRICES["massedcompute"])
    own = registry.find("shadeform").settings_type.model_validate(fake.settings("key"))
    async with (
        fake.serving() as address,
        served(tmp_path, AccountSettings(name="lab", vendor="shadeform", endpoint=address, own=own)) as gateway,
    ):
        (first,) = (await gateway.data(QUERY))["resources"]["nodes"]
        fake.failing = True
        gateway.clock.advance(7200)
        (failed,) = (await gateway.data(QUERY))["resources"]["nodes"]
        fake.failing, fake.factor = False, 2.0
        gateway.clock.advance(7200)
        (later,) = (await gateway.data(QUERY))["resources"]["nodes"]

    assert (hourly, "USD", "CATALOGUE") == (first["pricingTotalHourly"], first["currency"], first["pricingSource"])
    assert first["pricingAsOf"] == failed["pricingAsOf"] < failed["lastSyncedAt"] < later["pricingAsOf"]
    assert [("OBSERVED", hourly)] == roles(first) == roles(failed)
    assert hourly == failed["pricingTotalHourly"]
    assert 2 * hourly == later["pricingTotalHourly"]
    assert [("OBSERVED", hourly), ("RETERMED", 2 * hourly)] == roles(later)
