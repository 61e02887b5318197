"""The machine types, regions, contracts and images of the simulated cloud. Prices are invented."""

from __future__ import annotations

from typing import Final

from sandbox.resources import RentalOffer, Sku

REGIONS: Final = ("us-east", "us-west", "eu-north")
CONTRACTS: Final = ("ondemand", "spot", "reserved")
IMAGES: Final = ("ubuntu-24.04-cuda-12.8", "ubuntu-22.04-cuda-12.4", "pytorch-2.8", "debian-12")
VOLUME_FORMS: Final = ("block", "shared")
BLOCK_HOURLY_PER_GB: Final = 0.00014
SHARED_HOURLY_PER_GB: Final = 0.00028

SKUS: Final = {
    sku.name: sku
    for sku in (
        Sku("h100-sxm.8x", "vm", "H100 SXM", 8, 80, 208, 1800, 2000, 23.92, 13.6, 0.28),
        Sku("h100-sxm.1x", "vm", "H100 SXM", 1, 80, 26, 225, 250, 2.99, 1.7, 0.035),
        Sku("h200-sxm.8x", "bare_metal", "H200 SXM", 8, 141, 224, 2048, 30000, 30.4, 18.4, 30.4),
        Sku("a100-80gb.4x", "vm", "A100 80GB", 4, 80, 96, 800, 1000, 7.16, 3.8, 0.14),
        Sku("l40s.1x", "container", "L40S", 1, 48, 16, 96, 100, 0.86, 0.42, 0.0),
        Sku("rtx-4090.2x", "container", "RTX 4090", 2, 24, 24, 128, 200, 0.88, 0.46, 0.0),
        Sku("b200.8x", "vm", "B200", 8, 180, 224, 2900, 4000, 39.92, 24.8, 0.56),
        Sku("cpu.16", "vm", None, 0, 0, 16, 64, 100, 0.34, 0.12, 0.014),
    )
}


def volume_hourly(form: str, size_gb: int) -> float:
    """Return the rate of a volume in USD per hour."""
    return round(size_gb * (SHARED_HOURLY_PER_GB if form == "shared" else BLOCK_HOURLY_PER_GB), 6)


def list_offers() -> tuple[RentalOffer, ...]:
    """Return every combination of type, contract and region. The offers are the same for all tenants."""
    return tuple(
        RentalOffer(f"{sku.name}:{contract}:{region}", sku, contract, region, sku.hourly(contract))
        for sku in SKUS.values()
        for contract in CONTRACTS
        for region in REGIONS
    )
