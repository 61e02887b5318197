"""The texts and numbers of worlds and of filters: few, so that ties and matches are common."""

from __future__ import annotations

from typing import Final

NAMES: Final = (
    None, "", "a", "A", "b%", "b_", "trainer-1", "Trainer-1", "trainer-10", "Straße", "STRASSE", "é", "e\u0301",
    "É",    "\U0001f600", "\uffff", 'quote"back\\slash', "tab\tnew\nline", "\x01\x1f\x7f",
    "\u2028", "</script>", "\ufb00", "\u0130", "x" * 200,
)  # fmt: skip
CONTAINED: Final = (
    "", "a", "TRAINER", "%", "_", "ss", "ß", "é", "\u0301", "\U0001f600", '"', "\\", "\n", "ff", "i", "\u0307", "nothing",
)  # fmt: skip
GPU_TYPES: Final = (None, "nvidia-h100-sxm5-80gb", "A100", "h100", "é")
GPU_FAMILIES: Final = (None, "H100", "A100", "")
REGIONS: Final = ("unknown", "us-east-1", "eu-west-1", "region-1", "mars")
VENDORS: Final = ("sandbox", "aws", "lambda", "runpod", "vast", "nowhere")
ACCOUNTS: Final = ("east", "west", "Lab é", "gone", "down", "locked", "new", "odd", "nobody")
PRICES: Final = (None, 0.0, 0.1, 0.2, 0.30000000000000004, 2.5, 1e-7, 123456789.123, 1e22)
CURRENCIES: Final = (None, "USD", "USD", "EUR", "")
SIZES: Final = (None, 0.5, 8.0, 80.0, 1e16, 5e-324, 3.0000000000000004)
FACTS: Final[tuple[dict[str, object], ...]] = (
    {},
    {"tier": "gold", "Tier": None},
    {"é": [1, 2.5, None, True, {"\U0001f600": "\u2028"}], "": []},
    {"big": 2**53 + 1, "bigger": 2**63, "small": -(2**63), "float": 1e22, "tiny": 1e-7, "whole": 1.0},
)
FIELDS: Final = (
    "resource", "name", "status", "vendorStatus", "statusMessage", "access", "spec", "linkedResources", "pricingTotalHourly",
    "currency", "pricingSource", "pricingAsOf", "validFrom", "validTo", "missingSince",
)  # fmt: skip
