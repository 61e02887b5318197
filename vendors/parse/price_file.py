"""An operator's own price list, for vendors whose listings report no prices.

    as_of = 2026-11-01
    [us-east-1]
    "p5.48xlarge" = 55.04

Prices are in US dollars per hour, by region and sku, on demand. `as_of` is when they were read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import ConfigurationError
from vendors.parse.fields import FieldReader


@dataclass(frozen=True, slots=True)
class PriceFile:
    """The prices of a price file: US dollars per hour, by region and sku."""

    as_of: datetime
    hourly: Mapping[str, Mapping[str, float]]

    def rate(self, region: str | None, sku: str | None) -> float | None:
        """Return the price on demand in US dollars per hour; `None` if the file does not list it."""
        return self.hourly.get(region or "", {}).get(sku or "")


def load(path: Path) -> PriceFile:
    """Read a price file. Raise ConfigurationError, which says what is wrong in the file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigurationError(f"price_file '{path}' cannot be read.") from None
    except ValueError as error:
        raise ConfigurationError(f"price_file '{path}' is not TOML: {error}.") from None
    date = content.pop("as_of", None)
    as_of = FieldReader({"as_of": date if date is None else str(date)}).timestamp("as_of")
    if as_of is None:
        raise ConfigurationError(f"price_file '{path}' needs as_of, the date when its prices were read.")
    return PriceFile(as_of, {region: _read_prices(path, region, table) for region, table in content.items()})


def _read_prices(path: Path, region: str, table: object) -> Mapping[str, float]:
    if not isinstance(table, dict):
        raise ConfigurationError(f"price_file '{path}': '{region}' must be a table of sku = price.")
    reader = FieldReader(table)
    prices: dict[str, float] = {}
    for sku in table:
        price = reader.price(sku)
        if price is None:
            raise ConfigurationError(
                f"price_file '{path}': the price of '{sku}' in '{region}' must be a number of 0 or more."
            )
        prices[sku] = price
    return prices
