"""Prices from a vendor's price list, through the whole gateway: their source, their time, and what a change of them means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from supplygraph.config.settings import AccountSettings
from tests.doubles.fake import Dice
from tests.doubles.fakes import shadeform
from tests.doubles.fakes.shadeform import ShadeformFake
from tests.matrix.player import ReceivedRequest
from tests.proofs.support.gateway_server import serve_accounts
from vendors import registry

QUERY = """{ resources(filter: {resourceType: [BLOCK_DISK]}) { nodes {
  pricingTotalHourly currency pricingSource pricingAsOf lastSyncedAt
  offerHistory { role offer { priceHourly } }
} } }"""


class PriceListFake(ShadeformFake):
    """A fake whose price list may change, or fail."""

    factor = 1.0
    failing = False

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Answer with the present price list."""
        status, body = super().reply(request)
        if request.path != "/volumes/types":
            return status, body
        kinds = [
            kind | {"price_per_gb_per_hour": str(float(kind["price_per_gb_per_hour"]) * self.factor)}
            for kind in body["volume_types"]
        ]
        return (500, {}) if self.failing else (200, {"volume_types": kinds})


def roles(node: dict[str, Any]) -> list[tuple[str, float | None]]:
    """Return the roles of its offers with their prices."""
    return sorted(
        ((entry["role"], entry["offer"]["priceHourly"]) for entry in node["offerHistory"]), key=lambda pair: pair[0]
    )


async def test_a_price_of_the_catalogue(tmp_path: Path) -> None:
    """It has its source and time, stays while the list fails, and makes new terms when it changes, and only then."""
    fake = PriceListFake(Dice(3), 0, 1)
    (volume,) = fake.volumes.values()
    volume.item |= {"cloud": "massedcompute", "fixed_size": True, "size_in_gb": 1000}
    hourly = 1000 * float(shadeform.PRICES["massedcompute"])
    own = registry.find("shadeform").settings_type.model_validate(fake.settings("key"))
    async with (
        fake.serving() as address,
        serve_accounts(tmp_path, AccountSettings(name="lab", vendor="shadeform", endpoint=address, own=own)) as gateway,
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
