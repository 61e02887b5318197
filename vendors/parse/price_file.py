"""An operator's own price list, for vendors whose listings tell no price.

    as_of = 2026-11-01
    [us-east-1]
    "p5.48xlarge" = 55.04

US dollars an hour by region and sku, on demand. `as_of` is when the prices were read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import ConfigurationError
from vendors.parse.fields import DropCounter, FieldReader


@dataclass(frozen=True, slots=True)
class PriceFile:
    """Region to sku to US dollars an hour."""

    as_of: datetime
    hourly: Mapping[str, Mapping[str, float]]

    def rate(self, region: str | None, sku: str | None) -> float | None:
        """US dollars an hour on demand, None where the file tells none."""
        return self.hourly.get(region or "", {}).get(sku or "")


def load(path: Path) -> PriceFile:
    """Read a price file. Raises ConfigurationError with what is wrong in it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigurationError(f"price_file '{path}' cannot be read.") from None
    except ValueError as error:
        raise ConfigurationError(f"price_file '{path}' is not TOML: {error}.") from None
    drops = DropCounter()
    told = raw.pop("as_of", None)
    as_of = FieldReader({"as_of": told if told is None else str(told)}, drops).instant("as_of")
    if as_of is None:
        raise ConfigurationError(f"price_file '{path}' needs as_of, the date on which its prices were read.")
    hourly = {region: _rates(path, region, rates) for region, rates in raw.items()}
    return PriceFile(as_of, hourly)


def _rates(path: Path, region: str, rates: object) -> Mapping[str, float]:
    if not isinstance(rates, dict):
        raise ConfigurationError(f"price_file '{path}': '{region}' must be a table of sku = price.")
    taker = FieldReader(rates, DropCounter())
    read: dict[str, float] = {}
    for sku in rates:
        price = taker.price(sku)
        if price is None:
            raise ConfigurationError(
                f"price_file '{path}': the price of '{sku}' in '{region}' is no amount of 0 or more."
            )
        read[sku] = price
    return read
