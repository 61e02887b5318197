"""The GPUs and the memory of EC2 instance types, neither of which DescribeInstances reports.

Source: `gpuInfo` and `memoryInfo` of EC2's DescribeInstanceTypes, as shipped with moto 5.2; a test compares the two.
Families that moto does not have (g3, g4ad, p2, p3, p6e-gb200, dl1) and AWS's own accelerators are from the EC2 user
guide's pages on accelerated computing. A family without accelerators has 0. Any other type reads `None`: unknown. Types
with a fraction of a GPU (g6f, gr6f) are left out, because no integer count is true of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class InstanceGpus:
    """The GPUs of an instance type: model as EC2 names it, count, memory of one GPU in MiB, memory of the instance in GiB."""

    model: str
    count: int
    memory_mib: int
    instance_gib: int


_FAMILIES: Final[Mapping[str, tuple[str, int, str]]] = {
    "g4dn": ("T4", 16_384, "xlarge:1/16 2xlarge:1/32 4xlarge:1/64 8xlarge:1/128 12xlarge:4/192 16xlarge:1/256 metal:8/384"),
    "g5": (
        "A10G", 22_888,
        ("xlarge:1/16 2xlarge:1/32 4xlarge:1/64 8xlarge:1/128 12xlarge:4/192 "
        "16xlarge:1/256 24xlarge:4/384 48xlarge:8/768"),
    ),
    "g5g": ("T4g", 16_384, "xlarge:1/8 2xlarge:1/16 4xlarge:1/32 8xlarge:1/64 16xlarge:2/128 metal:2/128"),
    "g6": (
        "L4", 22_888,
        ("xlarge:1/16 2xlarge:1/32 4xlarge:1/64 8xlarge:1/128 12xlarge:4/192 "
        "16xlarge:1/256 24xlarge:4/384 48xlarge:8/768"),
    ),
    "g6e": (
        "L40S", 45_776,
        ("xlarge:1/32 2xlarge:1/64 4xlarge:1/128 8xlarge:1/256 12xlarge:4/384 "
        "16xlarge:1/512 24xlarge:4/768 48xlarge:8/1536"),
    ),
    "g7": ("RTX PRO 4500", 32_768, "2xlarge:1/32 4xlarge:1/64 8xlarge:1/128 12xlarge:2/192 24xlarge:4/384 48xlarge:8/768"),
    "g7e": (
        "RTX PRO Server 6000", 98_304,
        ("2xlarge:1/64 4xlarge:1/128 8xlarge:1/256 12xlarge:2/512 "
        "24xlarge:4/1024 48xlarge:8/2048"),
    ),
    "gr6": ("L4", 22_888, "4xlarge:1/128 8xlarge:1/256"),
    "g3": ("M60", 8_192, "4xlarge:1/122 8xlarge:2/244 16xlarge:4/488"),
    "g4ad": ("Radeon Pro V520", 8_192, "xlarge:1/16 2xlarge:1/32 4xlarge:1/64 8xlarge:2/128 16xlarge:4/256"),
    "p2": ("K80", 12_288, "xlarge:1/61 8xlarge:8/488 16xlarge:16/732"),
    "p3": ("V100", 16_384, "2xlarge:1/61 8xlarge:4/244 16xlarge:8/488"),
    "p6e-gb200": ("GB200", 189_440, "36xlarge:4/960"),
    "trn1": ("Trainium", 32_768, "2xlarge:1/32 32xlarge:16/512"),
    "trn1n": ("Trainium", 32_768, "32xlarge:16/512"),
    "trn2": ("Trainium2", 98_304, "3xlarge:1/128 48xlarge:16/2048"),
    "inf1": ("Inferentia", 8_192, "xlarge:1/8 2xlarge:1/16 6xlarge:4/48 24xlarge:16/192"),
    "inf2": ("Inferentia2", 32_768, "xlarge:1/16 8xlarge:1/128 24xlarge:6/384 48xlarge:12/768"),
    "dl1": ("Gaudi", 32_768, "24xlarge:8/768"),
    "p3dn": ("V100", 32_768, "24xlarge:8/768"),
    "p4d": ("A100", 40_960, "24xlarge:8/1152"),
    "p4de": ("A100", 81_920, "24xlarge:8/1152"),
    "p5": ("H100", 81_920, "4xlarge:1/256 48xlarge:8/2048"),
    "p5e": ("H200", 144_384, "48xlarge:8/2048"),
    "p5en": ("H200", 144_384, "48xlarge:8/2048"),
    "p6-b200": ("B200", 183_359, "48xlarge:8/2048"),
    "p6-b300": ("B300", 275_040, "48xlarge:8/4096"),
}  # fmt: skip
"""By family: the model, the memory of one GPU in MiB, and for each size the number of GPUs and the instance's memory in GiB."""


def _table() -> Mapping[str, InstanceGpus]:
    types: dict[str, InstanceGpus] = {}
    for family, (model, memory_mib, sizes) in _FAMILIES.items():
        for entry in sizes.split():
            size, _, figures = entry.partition(":")
            count, _, instance_gib = figures.partition("/")
            types[f"{family}.{size}"] = InstanceGpus(model, int(count), memory_mib, int(instance_gib))
    return types


_TYPES: Final = _table()
_WITHOUT_GPUS: Final = re.compile(r"(?:(?:a|c|d|h|hpc|i|im|is|m|mac|r|t|x|z)\d|u)[a-z0-9-]*\.[a-z0-9-]+")
"""The families without accelerators: general purpose, and optimized for compute, memory or storage (EC2's naming conventions)."""


def gpus_of(instance_type: str | None) -> InstanceGpus | None:
    """Return the GPUs of an instance type such as `p5.48xlarge`; `None` if the table does not contain it."""
    return _TYPES.get(instance_type or "")


def has_no_gpus(instance_type: str | None) -> bool:
    """Return whether an instance type belongs to a family without accelerators, such as `m5.large`."""
    return _WITHOUT_GPUS.fullmatch(instance_type or "") is not None
