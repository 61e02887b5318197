"""One table of GPU names, so that a GPU model has the same name on every cloud.

A vendor's name is read as a model and as properties of its variant: form (SXM, PCIe, NVL), memory, type of memory.
Properties that the name leaves open are left out. An `H100` may be any of three variants, so its type is `nvidia-h100`;
`NVIDIA H100 80GB HBM3` can only be `nvidia-h100-sxm5-80gb`. A name with any word that is not in the table is used
unchanged, because a new model must not be taken for an old one.

Sources: NVIDIA's and AMD's data sheets for the variants of each model. For the spellings: RunPod's list of GPU types
(docs.runpod.io/references/gpu-types), Lambda's OpenAPI document 1.8.3 (`gpu_description`), Vast's list of `gpu_name`,
Shadeform's `gpu_type`, DigitalOcean's `gpu_info.model`, Hyperstack's flavours, Scaleway's `gpu_info.gpu_name`, EC2's
`gpuInfo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class GpuVariant:
    """One form of a model. Memory in GB; `also` lists other figures that vendors report for the same memory."""

    form: str = ""
    memory_gb: int | None = None
    memory: str = ""
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GpuModel:
    """A GPU model and its variants."""

    maker: str
    family: str
    variants: tuple[GpuVariant, ...]

    @property
    def stem(self) -> str:
        """The part of the type name that all variants share."""
        return f"{self.maker}-{self.family.lower().replace(' ', '-')}"


def _single(family: str, memory_gb: int, form: str = "", maker: str = "nvidia") -> GpuModel:
    return GpuModel(maker, family, (GpuVariant(form, memory_gb),))


def _several(family: str, *variants: GpuVariant, maker: str = "nvidia") -> GpuModel:
    return GpuModel(maker, family, variants)


_EDITIONS: Final = (GpuVariant("server", 96), GpuVariant("workstation", 96), GpuVariant("max-q", 96))

_MODELS: Final = (
    # data centre
    _several("B300", GpuVariant("sxm6", 288, "hbm3e", (270, 275, 279))),
    _several("B200", GpuVariant("sxm6", 180, "hbm3e", (179, 183, 192))),
    _several("GB300", GpuVariant("", 288, "hbm3e", (279,))),
    _several("GB200", GpuVariant("", 186, "hbm3e", (185, 189, 192))),
    # NVIDIA's driver calls the smaller one "GH200 480GB", by the memory of its CPU.
    _several("GH200", GpuVariant("", 96, "hbm3", (480,)), GpuVariant("", 144, "hbm3e", (141,))),
    _several("H200", GpuVariant("sxm5", 141, "hbm3e", (140, 143)), GpuVariant("nvl", 141, "hbm3e", (140, 143))),
    _several(
        "H100", GpuVariant("sxm5", 80, "hbm3"), GpuVariant("pcie", 80, "hbm2e"), GpuVariant("nvl", 94, "hbm3", (93, 96))
    ),
    _several("H20", GpuVariant("sxm5", 96, "hbm3"), GpuVariant("sxm5", 141, "hbm3e")),
    _several("H800", GpuVariant("sxm5", 80, "hbm3"), GpuVariant("pcie", 80, "hbm2e")),
    _several(
        "A100",
        GpuVariant("sxm4", 40, "hbm2"),
        GpuVariant("sxm4", 80, "hbm2e"),
        GpuVariant("pcie", 40, "hbm2"),
        GpuVariant("pcie", 80, "hbm2e"),
    ),
    _single("A100X", 80, "pcie"),
    _several("A800", GpuVariant("sxm4", 80, "hbm2e"), GpuVariant("pcie", 80, "hbm2e"), GpuVariant("pcie", 40, "hbm2")),
    _single("A40", 48),
    _single("A30", 24),
    _single("A16", 16),
    _single("A10G", 24),
    _single("A10", 24),
    _single("A2", 16),
    _single("L40S", 48),
    _single("L40", 48),
    _single("L4", 24),
    _single("T4", 16),
    _single("T4g", 16),
    _several(
        "V100",
        GpuVariant("sxm2", 16, "hbm2"),
        GpuVariant("sxm2", 32, "hbm2"),
        GpuVariant("pcie", 16, "hbm2"),
        GpuVariant("pcie", 32, "hbm2"),
        GpuVariant("fhhl", 16, "hbm2"),
    ),
    _several("P100", GpuVariant("sxm2", 16, "hbm2"), GpuVariant("pcie", 12, "hbm2"), GpuVariant("pcie", 16, "hbm2")),
    _single("P40", 24),
    _single("P4", 8),
    _single("K80", 12),
    _single("M60", 8),
    # workstation
    _several("RTX PRO 6000", *_EDITIONS),
    _several("RTX PRO 5000", GpuVariant("", 48), GpuVariant("", 72)),
    _single("RTX PRO 4500", 32),
    _single("RTX PRO 4000", 24),
    _single("RTX 6000 Ada", 48),
    _single("RTX 5880 Ada", 48),
    _single("RTX 5000 Ada", 32),
    _single("RTX 4500 Ada", 24),
    _single("RTX 4000 Ada", 20),
    _single("RTX 4000 SFF Ada", 20),
    _single("RTX 2000 Ada", 16),
    _single("RTX A6000", 48),
    _single("RTX A5500", 24),
    _single("RTX A5000", 24),
    _single("RTX A4500", 20),
    _single("RTX A4000", 16),
    _several("RTX A2000", GpuVariant("", 6), GpuVariant("", 12)),
    _single("Quadro RTX 8000", 48),
    _single("Quadro RTX 6000", 24),
    _single("Quadro RTX 5000", 16),
    _single("Quadro RTX 4000", 8),
    # consumer
    _single("RTX 5090", 32),
    _single("RTX 5080", 16),
    _single("RTX 5070 Ti", 16),
    _single("RTX 5070", 12),
    _several("RTX 5060 Ti", GpuVariant("", 8), GpuVariant("", 16)),
    _single("RTX 5060", 8),
    _single("RTX 4090", 24),
    _single("RTX 4090 D", 24),
    _single("RTX 4080 SUPER", 16),
    _single("RTX 4080", 16),
    _single("RTX 4070 Ti SUPER", 16),
    _single("RTX 4070 Ti", 12),
    _single("RTX 4070 SUPER", 12),
    _single("RTX 4070", 12),
    _several("RTX 4060 Ti", GpuVariant("", 8), GpuVariant("", 16)),
    _single("RTX 4060", 8),
    _single("RTX 3090 Ti", 24),
    _single("RTX 3090", 24),
    _single("RTX 3080 Ti", 12),
    _several("RTX 3080", GpuVariant("", 10), GpuVariant("", 12)),
    _single("RTX 3070 Ti", 8),
    _single("RTX 3070", 8),
    _single("RTX 3060 Ti", 8),
    _several("RTX 3060", GpuVariant("", 8), GpuVariant("", 12)),
    _single("RTX 2080 Ti", 11),
    _single("RTX 2080", 8),
    _several("GTX 1080 Ti", GpuVariant("", 11)),
    _single("GTX 1080", 8),
    # AMD
    _single("MI355X", 288, "oam", "amd"),
    _single("MI350X", 288, "oam", "amd"),
    _single("MI325X", 256, "oam", "amd"),
    _single("MI300X", 192, "oam", "amd"),
    _single("MI300A", 128, "", "amd"),
    _single("MI250X", 128, "oam", "amd"),
    _single("MI250", 128, "oam", "amd"),
    _single("MI210", 64, "pcie", "amd"),
    _single("MI100", 32, "pcie", "amd"),
    _single("Radeon Pro V520", 8, maker="amd"),
    # accelerators that are rented like GPUs
    _single("Trainium", 32, maker="aws"),
    _single("Trainium2", 96, maker="aws"),
    _single("Inferentia", 8, maker="aws"),
    _single("Inferentia2", 32, maker="aws"),
    _single("Gaudi", 32, maker="intel"),
)

_OTHER_NAMES: Final[Mapping[str, str]] = {
    # without the prefix that NVIDIA uses
    "a6000": "RTX A6000", "a5500": "RTX A5500", "a5000": "RTX A5000", "a4500": "RTX A4500", "a4000": "RTX A4000",
    "rtx 8000": "Quadro RTX 8000", "rtx 6000": "Quadro RTX 6000", "q rtx 8000": "Quadro RTX 8000",
    "q rtx 6000": "Quadro RTX 6000", "rtx 5000": "Quadro RTX 5000", "rtx 4000": "Quadro RTX 4000",
    # Vast
    "rtx 4080 s": "RTX 4080 SUPER", "rtx 4070 s": "RTX 4070 SUPER", "rtx 4070 s ti": "RTX 4070 Ti SUPER",
    "rtx 4070 super ti": "RTX 4070 Ti SUPER",
    # RunPod's display name
    "rtx 4000 ada sff": "RTX 4000 SFF Ada",
    # EC2
    "rtx pro server 6000": "RTX PRO 6000", "rtx pro server 4500": "RTX PRO 4500",
}  # fmt: skip
_IMPLIED: Final[Mapping[str, str]] = {
    # Vendors call the other form by its own name: NVIDIA's driver says "H200" and "H200 NVL".
    "h200": "sxm5",
    "rtx pro server 6000": "server",
}
_MAKERS: Final = frozenset({"nvidia", "geforce", "tesla", "quadro", "amd", "instinct", "radeon"})
_NEUTRAL_WORDS: Final = frozenset(
    {"ac", "blackwell", "core", "edition", "generation", "gpu", "nvlink", "spot", "tensor"}
)
"""Words that do not distinguish variants. NVLink joins cards of any form, and `spot` is how a machine is rented."""
_FORMS: Final[Mapping[str, str]] = {
    "sxm": "sxm", "sxm2": "sxm2", "sxm4": "sxm4", "sxm5": "sxm5", "sxm6": "sxm6", "pcie": "pcie", "nvl": "nvl", "oam": "oam",
    "fhhl": "fhhl", "se": "server", "s": "server", "server": "server", "ws": "workstation", "workstation": "workstation",
    "maxq": "max-q",
}  # fmt: skip
_MEMORIES: Final = frozenset({"hbm2", "hbm2e", "hbm3", "hbm3e"})
_TOLERANCE: Final = 0.07
"""Drivers report slightly less memory than the data sheet."""


def canonical_gpu(name: str | None, memory_gb: float | None = None) -> tuple[str | None, str | None]:
    """Return the type and the family of a GPU, such as `nvidia-h100-sxm5-80gb` and `H100`, for any vendor's name of it.

    `memory_gb` is the memory of one GPU that the vendor reports in addition to the name. It decides between variants
    that the name leaves open. A name that the table does not contain is its own type and has no family. `None` and an
    empty name have neither.
    """
    if not name or not name.strip():
        return None, None
    return _identify(name.strip(), memory_gb) or (name.strip(), None)


@lru_cache(maxsize=1024)
def _identify(name: str, memory_gb: float | None) -> tuple[str, str] | None:
    words = [word for word in _split(name) if word not in _MAKERS]
    for length in range(len(words), 0, -1):
        model_name, properties = " ".join(words[:length]), words[length:]
        model = _MODELS_BY_NAME.get(model_name)
        if model is not None:
            if model_name in _IMPLIED and not _has_form(properties):
                properties = [*properties, _IMPLIED[model_name]]
            variants = _narrow(model.variants, properties)
            return None if variants is None else (_type(model, _narrow_by_memory(variants, memory_gb)), model.family)
    return None


def _split(name: str) -> list[str]:
    text = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    text = re.sub(r"\bmax q( workstation)?\b", "maxq", text)
    text = re.sub(r"\b(rtx|gtx|pro)(?=[a-z]?\d)", r"\1 ", text)
    text = re.sub(r"(?<=\d\d\d\d)(ada|ti|super|d|s)\b", r" \1", text)
    return re.sub(r"\b(\d+) ?g(i?b)?\b", r"\1gb", text).split()


def _has_form(words: Iterable[str]) -> bool:
    return any(word in _FORMS for word in words)


def _narrow(variants: Sequence[GpuVariant], words: Iterable[str]) -> Sequence[GpuVariant] | None:
    """Return the variants that agree with all words; `None` if a word is unknown, or if no variant is left."""
    for word in words:
        # A model that comes in one form only has that form, whether a vendor says so or not.
        is_only_form = word.startswith(("pcie", "sxm")) and not any(variant.form for variant in variants)
        if word in _NEUTRAL_WORDS or is_only_form:
            continue
        size = re.fullmatch(r"(\d{1,4})gb", word)
        if word in _FORMS:
            variants = [variant for variant in variants if variant.form.startswith(_FORMS[word])]
        elif word in _MEMORIES:
            # The table has no memory type for workstation cards, so such a word matches none of them.
            variants = [variant for variant in variants if variant.memory == word]
        elif size:
            variants = [variant for variant in variants if int(size[1]) in (variant.memory_gb, *variant.also)]
        else:
            return None
        if not variants:
            return None
    return variants


def _narrow_by_memory(variants: Sequence[GpuVariant], memory_gb: float | None) -> Sequence[GpuVariant]:
    if memory_gb is None:
        return variants
    fitting = [
        variant
        for variant in variants
        if memory_gb in variant.also
        or (variant.memory_gb and abs(memory_gb - variant.memory_gb) <= _TOLERANCE * variant.memory_gb)
    ]
    # A card with other memory than the data sheet's was modified, or the figure is that of a part: no size is right.
    return fitting or [replace(variant, memory_gb=None) for variant in variants]


def _type(model: GpuModel, variants: Sequence[GpuVariant]) -> str:
    """Return the type name from the properties that all variants share."""
    forms, sizes = {variant.form for variant in variants}, {variant.memory_gb for variant in variants}
    form = forms.pop() if len(forms) == 1 else ""
    size = sizes.pop() if len(sizes) == 1 else None
    return "-".join([model.stem, *([form] if form else []), *([f"{size}gb"] if size else [])])


def _models_by_name() -> Mapping[str, GpuModel]:
    by_family = {model.family: model for model in _MODELS}
    spelt = {" ".join(word for word in _split(model.family) if word not in _MAKERS): model for model in _MODELS}
    return spelt | {name: by_family[family] for name, family in _OTHER_NAMES.items()}


_MODELS_BY_NAME: Final = _models_by_name()
