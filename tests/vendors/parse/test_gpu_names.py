"""Every GPU model has one name, whatever a vendor calls it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.parse.gpu_names import canonical_gpu

SPELLINGS = {
    ("nvidia-h100-sxm5-80gb", "H100"): ("NVIDIA H100 80GB HBM3", "H100 (80 GB SXM5)", "H100 SXM", "H100-80G-SXM5", "H100-SXM"),
    ("nvidia-h100-pcie-80gb", "H100"): ("NVIDIA H100 PCIe", "H100-80G-PCIe", "H100-80G-PCIe-NVLink", "H100 PCIE"),
    ("nvidia-h100-nvl-94gb", "H100"): ("NVIDIA H100 NVL", "H100 NVL", "H100_nvl"),
    ("nvidia-h100", "H100"): ("H100", "nvidia_h100"),
    ("nvidia-h200-sxm5-141gb", "H200"): ("NVIDIA H200", "H200", "H200-141G-SXM5", "nvidia_h200"),
    ("nvidia-h200-nvl-141gb", "H200"): ("H200 NVL",),
    ("nvidia-a100-80gb", "A100"): ("A100_80G", "A100 80GB"),
    ("nvidia-a100-sxm4-80gb", "A100"): ("NVIDIA A100-SXM4-80GB",),
    ("nvidia-a100-sxm4-40gb", "A100"): ("A100 (40 GB SXM4)",),
    ("nvidia-a100-pcie-80gb", "A100"): ("NVIDIA A100 80GB PCIe", "A100-80G-PCIe-NVLink"),
    ("nvidia-a10-24gb", "A10"): ("A10", "A10 (24 GB PCIe)"),
    ("nvidia-b200-sxm6-180gb", "B200"): ("NVIDIA B200", "B200 (180 GB SXM6)", "B200"),
    ("nvidia-b300-sxm6-288gb", "B300"): ("NVIDIA B300 SXM6 AC",),
    ("nvidia-gh200-96gb", "GH200"): ("GH200 (96 GB)",),
    ("nvidia-v100-sxm2-16gb", "V100"): ("Tesla V100-SXM2-16GB",),
    ("nvidia-v100-16gb", "V100"): ("Tesla V100 (16 GB)",),
    ("nvidia-l40s-48gb", "L40S"): ("NVIDIA L40S", "L40S", "nvidia_l40s"),
    ("nvidia-rtx-a6000-48gb", "RTX A6000"): ("NVIDIA RTX A6000", "RTX A6000 (48 GB)", "A6000", "RTX-A6000"),
    ("nvidia-rtx-6000-ada-48gb", "RTX 6000 Ada"): (
        "NVIDIA RTX 6000 Ada Generation", "nvidia_rtx6000_ada", "RTX6000Ada", "RTX 6000Ada",
    ),
    ("nvidia-rtx-4000-sff-ada-20gb", "RTX 4000 SFF Ada"): ("NVIDIA RTX 4000 SFF Ada Generation", "RTX 4000 Ada SFF"),
    ("nvidia-quadro-rtx-6000-24gb", "Quadro RTX 6000"): ("RTX 6000 (24 GB)", "Quadro RTX 6000", "Q RTX 6000"),
    ("nvidia-rtx-pro-6000-server-96gb", "RTX PRO 6000"): (
        "RTX PRO Server 6000", "RTX-PRO6000-SE", "NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000 S",
    ),
    ("nvidia-rtx-pro-6000-max-q-96gb", "RTX PRO 6000"): ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",),
    ("nvidia-rtx-4090-24gb", "RTX 4090"): ("NVIDIA GeForce RTX 4090", "RTX 4090", "RTX_4090", "RTX4090"),
    ("nvidia-rtx-4070-ti-super-16gb", "RTX 4070 Ti SUPER"): ("RTX 4070S Ti", "NVIDIA GeForce RTX 4070 Ti SUPER"),
    ("amd-mi300x-oam-192gb", "MI300X"): ("AMD Instinct MI300X OAM", "amd_mi300x", "MI300X"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "canonical"), [(name, canonical) for canonical, spellings in SPELLINGS.items() for name in spellings]
)
def test_one_gpu_has_one_name(name: str, canonical: tuple[str, str]) -> None:
    """Every spelling in the vendors' own specifications and lists reads as the same type and family."""
    assert canonical == canonical_gpu(name)


@pytest.mark.parametrize("canonical", SPELLINGS)
def test_a_canonical_name_is_its_own(canonical: tuple[str, str]) -> None:
    """A canonical name is its own canonical name."""
    assert canonical == canonical_gpu(canonical[0])


@pytest.mark.parametrize(
    ("name", "memory_gb", "gpu_type"),
    [
        ("A100 SXM4", 79.5, "nvidia-a100-sxm4-80gb"),
        ("A100", 40, "nvidia-a100-40gb"),
        ("H100", 80, "nvidia-h100-80gb"),
        ("H100", 94, "nvidia-h100-nvl-94gb"),
        ("B200", 183.4, "nvidia-b200-sxm6-180gb"),
        ("A100", 7, "nvidia-a100"),
        ("H100 NVL", 80, "nvidia-h100-nvl"),
        ("RTX 4090", 47.99, "nvidia-rtx-4090"),
        ("GH200 SXM", 95.6, "nvidia-gh200-96gb"),
        ("GH200 480GB", None, "nvidia-gh200-96gb"),
        ("H100 SXM5 spot", None, "nvidia-h100-sxm5-80gb"),
        ("NVIDIA GB300", None, "nvidia-gb300-288gb"),
        ("Trainium2", 96, "aws-trainium2-96gb"),
        ("Gaudi", 32, "intel-gaudi-32gb"),
    ],
)
def test_memory_decides_between_variants(name: str, memory_gb: float | None, gpu_type: str) -> None:
    """The name has priority. A size that no variant has is that of a modified card or of a part: the type names no size."""
    assert gpu_type == canonical_gpu(name, memory_gb)[0]


@pytest.mark.parametrize(
    "name", ["Imaginary RTX 9999", "H100_sxm5x8", "H100 80GB HBM9", "A100 (41 GB)", "H1000", "NVIDIA"]
)
def test_unknown_name_is_unchanged(name: str) -> None:
    """A name with a word that the table does not contain is used unchanged, without a family."""
    assert (name, None) == canonical_gpu(name)


@pytest.mark.parametrize("name", [None, "", "  "])
def test_missing_name(name: str | None) -> None:
    """Without a name there is no type and no family."""
    assert (None, None) == canonical_gpu(name)


@given(st.text(max_size=40), st.none() | st.floats(allow_nan=True))
def test_any_text_can_be_read(name: str, memory_gb: float | None) -> None:
    """No text and no memory size raises an error, and there is no family without a type."""
    gpu_type, family = canonical_gpu(name, memory_gb)
    assert gpu_type is not None or family is None
