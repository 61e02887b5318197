"""Which GPUs an EC2 instance type has. DescribeInstances does not tell it.

Source: `gpuInfo` of EC2's DescribeInstanceTypes, as moto 5.2 ships it; a test compares the two. The table is for the
families that are rented for their GPUs; any other type reads None, which is *unknown*, not *none*. Types with a fraction
of a GPU (g6f, gr6f) are left out: no whole count is true of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Gpus:
    """The model as EC2 calls it, how many, and the memory of one in MiB."""

    model: str
    count: int
    memory_mib: int


_G_SIZES: Final[Mapping[str, int]] = {
    "xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "16xlarge": 1, "12xlarge": 4, "24xlarge": 4, "48xlarge": 8,
}  # fmt: skip
_G7_SIZES: Final[Mapping[str, int]] = {
    "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 2, "24xlarge": 4, "48xlarge": 8,
}  # fmt: skip
_EIGHT: Final[Mapping[str, int]] = {"24xlarge": 8}
_EIGHT_OF_48: Final[Mapping[str, int]] = {"48xlarge": 8}

_FAMILIES: Final[Mapping[str, tuple[str, int, Mapping[str, int]]]] = {
    "g4dn": (
        "T4",
        16_384,
        {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "16xlarge": 1, "12xlarge": 4, "metal": 8},
    ),
    "g5": ("A10G", 22_888, _G_SIZES),
    "g6": ("L4", 22_888, _G_SIZES),
    "g6e": ("L40S", 45_776, _G_SIZES),
    "g7": ("RTX PRO 4500", 32_768, _G7_SIZES),
    "g7e": ("RTX PRO Server 6000", 98_304, _G7_SIZES),
    "gr6": ("L4", 22_888, {"4xlarge": 1, "8xlarge": 1}),
    "p3dn": ("V100", 32_768, _EIGHT),
    "p4d": ("A100", 40_960, _EIGHT),
    "p4de": ("A100", 81_920, _EIGHT),
    "p5": ("H100", 81_920, {"4xlarge": 1, "48xlarge": 8}),
    "p5e": ("H200", 144_384, _EIGHT_OF_48),
    "p5en": ("H200", 144_384, _EIGHT_OF_48),
    "p6-b200": ("B200", 183_359, _EIGHT_OF_48),
    "p6-b300": ("B300", 275_040, _EIGHT_OF_48),
}


def gpus_of(instance_type: str | None) -> Gpus | None:
    """The GPUs of an instance type such as `p5.48xlarge`; None where the table does not know it."""
    family, _, size = (instance_type or "").partition(".")
    model, memory_mib, sizes = _FAMILIES.get(family, ("", 0, {}))
    count = sizes.get(size)
    return Gpus(model, count, memory_mib) if count else None
