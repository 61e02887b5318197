"""What vendors call their GPUs, and what we do: one table, so that one model has one name on every cloud.

A name is read into a model and what it says of the variant: form (SXM, PCIe, NVL), memory, kind of memory. What that leaves
open is left out: an `H100` may be any of three, so its type is `nvidia-h100`; `NVIDIA H100 80GB HBM3` can only be
`nvidia-h100-sxm5-80gb`. A name with any word that is not in here is kept as it was told: a new model must not be taken for an
old one.

Sources: NVIDIA's and AMD's data sheets of each model for its variants; for the spellings RunPod's list of GPU types
(docs.runpod.io/references/gpu-types), Lambda's OpenAPI document 1.8.3 (`gpu_description`), Vast's list of `gpu_name`,
Shadeform's `gpu_type`, DigitalOcean's `gpu_info.model`, Hyperstack's flavours, Scaleway's `gpu_info.gpu_name`, EC2's `gpuInfo`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final


@dataclass(frozen=True, slots=True)
class _Variant:
    """One form of a model. `also` are other figures by which vendors tell the same memory, in GB."""

    form: str = ""
    memory_gb: int | None = None
    memory: str = ""
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Model:
    maker: str
    family: str
    variants: tuple[_Variant, ...]

    @property
    def stem(self) -> str:
        return f"{self.maker}-{self.family.lower().replace(' ', '-')}"


def _one(family: str, memory_gb: int, form: str = "", maker: str = "nvidia") -> _Model:
    return _Model(maker, family, (_Variant(form, memory_gb),))


def _several(family: str, *variants: _Variant, maker: str = "nvidia") -> _Model:
    return _Model(maker, family, variants)


_EDITIONS: Final = (_Variant("server", 96), _Variant("workstation", 96), _Variant("max-q", 96))

_MODELS: Final = (
    # data centre
    _several("B300", _Variant("sxm6", 288, "hbm3e", (270, 275, 279))),
    _several("B200", _Variant("sxm6", 180, "hbm3e", (179, 183, 192))),
    _several("GB300", _Variant("", 288, "hbm3e", (279,))),
    _several("GB200", _Variant("", 186, "hbm3e", (185, 189, 192))),
    _several("GH200", _Variant("", 96, "hbm3"), _Variant("", 144, "hbm3e", (141,))),
    _several("H200", _Variant("sxm5", 141, "hbm3e", (140, 143)), _Variant("nvl", 141, "hbm3e", (140, 143))),
    _several(
        "H100", _Variant("sxm5", 80, "hbm3"), _Variant("pcie", 80, "hbm2e"), _Variant("nvl", 94, "hbm3", (93, 96))
    ),
    _several("H20", _Variant("sxm5", 96, "hbm3"), _Variant("sxm5", 141, "hbm3e")),
    _several("H800", _Variant("sxm5", 80, "hbm3"), _Variant("pcie", 80, "hbm2e")),
    _several(
        "A100",
        _Variant("sxm4", 40, "hbm2"),
        _Variant("sxm4", 80, "hbm2e"),
        _Variant("pcie", 40, "hbm2"),
        _Variant("pcie", 80, "hbm2e"),
    ),
    _one("A100X", 80, "pcie"),
    _several("A800", _Variant("sxm4", 80, "hbm2e"), _Variant("pcie", 80, "hbm2e"), _Variant("pcie", 40, "hbm2")),
    _one("A40", 48),
    _one("A30", 24),
    _one("A16", 16),
    _one("A10G", 24),
    _one("A10", 24),
    _one("A2", 16),
    _one("L40S", 48),
    _one("L40", 48),
    _one("L4", 24),
    _one("T4", 16),
    _one("T4g", 16),
    _several(
        "V100",
        _Variant("sxm2", 16, "hbm2"),
        _Variant("sxm2", 32, "hbm2"),
        _Variant("pcie", 16, "hbm2"),
        _Variant("pcie", 32, "hbm2"),
        _Variant("fhhl", 16, "hbm2"),
    ),
    _several("P100", _Variant("sxm2", 16, "hbm2"), _Variant("pcie", 12, "hbm2"), _Variant("pcie", 16, "hbm2")),
    _one("P40", 24),
    _one("P4", 8),
    _one("K80", 12),
    _one("M60", 8),
    # workstation
    _several("RTX PRO 6000", *_EDITIONS),
    _several("RTX PRO 5000", _Variant("", 48), _Variant("", 72)),
    _one("RTX PRO 4500", 32),
    _one("RTX PRO 4000", 24),
    _one("RTX 6000 Ada", 48),
    _one("RTX 5880 Ada", 48),
    _one("RTX 5000 Ada", 32),
    _one("RTX 4500 Ada", 24),
    _one("RTX 4000 Ada", 20),
    _one("RTX 4000 SFF Ada", 20),
    _one("RTX 2000 Ada", 16),
    _one("RTX A6000", 48),
    _one("RTX A5500", 24),
    _one("RTX A5000", 24),
    _one("RTX A4500", 20),
    _one("RTX A4000", 16),
    _several("RTX A2000", _Variant("", 6), _Variant("", 12)),
    _one("Quadro RTX 8000", 48),
    _one("Quadro RTX 6000", 24),
    _one("Quadro RTX 5000", 16),
    _one("Quadro RTX 4000", 8),
    # consumer
    _one("RTX 5090", 32),
    _one("RTX 5080", 16),
    _one("RTX 5070 Ti", 16),
    _one("RTX 5070", 12),
    _several("RTX 5060 Ti", _Variant("", 8), _Variant("", 16)),
    _one("RTX 5060", 8),
    _one("RTX 4090", 24),
    _one("RTX 4090 D", 24),
    _one("RTX 4080 SUPER", 16),
    _one("RTX 4080", 16),
    _one("RTX 4070 Ti SUPER", 16),
    _one("RTX 4070 Ti", 12),
    _one("RTX 4070 SUPER", 12),
    _one("RTX 4070", 12),
    _several("RTX 4060 Ti", _Variant("", 8), _Variant("", 16)),
    _one("RTX 4060", 8),
    _one("RTX 3090 Ti", 24),
    _one("RTX 3090", 24),
    _one("RTX 3080 Ti", 12),
    _several("RTX 3080", _Variant("", 10), _Variant("", 12)),
    _one("RTX 3070 Ti", 8),
    _one("RTX 3070", 8),
    _one("RTX 3060 Ti", 8),
    _several("RTX 3060", _Variant("", 8), _Variant("", 12)),
    _one("RTX 2080 Ti", 11),
    _one("RTX 2080", 8),
    _several("GTX 1080 Ti", _Variant("", 11)),
    _one("GTX 1080", 8),
    # AMD
    _one("MI355X", 288, "oam", "amd"),
    _one("MI350X", 288, "oam", "amd"),
    _one("MI325X", 256, "oam", "amd"),
    _one("MI300X", 192, "oam", "amd"),
    _one("MI300A", 128, "", "amd"),
    _one("MI250X", 128, "oam", "amd"),
    _one("MI250", 128, "oam", "amd"),
    _one("MI210", 64, "pcie", "amd"),
    _one("MI100", 32, "pcie", "amd"),
)

_OTHER_NAMES: Final[Mapping[str, str]] = {
    # without the word that its maker puts before it
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
    # The other form is called by its own name everywhere: NVIDIA's driver says "H200" and "H200 NVL".
    "h200": "sxm5",
    "rtx pro server 6000": "server",
}
_MAKERS: Final = frozenset({"nvidia", "geforce", "tesla", "quadro", "amd", "instinct", "radeon"})
_SILENT: Final = frozenset({"ac", "blackwell", "core", "edition", "generation", "gpu", "nvlink", "tensor"})
"""Words that tell no two variants apart. NVLink joins cards of any form."""
_FORMS: Final[Mapping[str, str]] = {
    "sxm": "sxm", "sxm2": "sxm2", "sxm4": "sxm4", "sxm5": "sxm5", "sxm6": "sxm6", "pcie": "pcie", "nvl": "nvl", "oam": "oam",
    "fhhl": "fhhl", "se": "server", "s": "server", "server": "server", "ws": "workstation", "workstation": "workstation",
    "maxq": "max-q",
}  # fmt: skip
_MEMORIES: Final = frozenset({"hbm2", "hbm2e", "hbm3", "hbm3e"})
_TOLERANCE: Final = 0.07
"""Drivers tell a little less memory than the data sheet."""


def canonical_gpu(told: str | None, memory_gb: float | None = None) -> tuple[str | None, str | None]:
    """The type and the family of a GPU by any vendor's name for it: `nvidia-h100-sxm5-80gb` and `H100`.

    `memory_gb` is what the vendor tells of one GPU's memory beside the name; it decides between variants that the name leaves
    open. A name that the table does not know is its own type and has no family; None and an empty name have neither.
    """
    if not told or not told.strip():
        return None, None
    found = _found(told.strip(), memory_gb)
    return found if found is not None else (told.strip(), None)


@lru_cache(maxsize=1024)
def _found(told: str, memory_gb: float | None) -> tuple[str, str] | None:
    words = [word for word in _words(told) if word not in _MAKERS]
    for length in range(len(words), 0, -1):
        name = " ".join(words[:length])
        model = _KNOWN.get(name)
        if model is not None:
            rest = [*words[length:], *([_IMPLIED[name]] if name in _IMPLIED and not _told_form(words[length:]) else [])]
            variants = _narrowed(model.variants, rest)
            return None if variants is None else (_type(model, _by_memory(variants, memory_gb)), model.family)
    return None


def _words(told: str) -> list[str]:
    text = re.sub(r"[^a-z0-9]+", " ", told.lower()).strip()
    text = re.sub(r"\bmax q( workstation)?\b", "maxq", text)
    text = re.sub(r"\b(rtx|gtx|pro)(?=[a-z]?\d)", r"\1 ", text)
    text = re.sub(r"(?<=\d\d\d\d)(ada|ti|super|d|s)\b", r" \1", text)
    return re.sub(r"\b(\d+) ?g(i?b)?\b", r"\1gb", text).split()


def _told_form(words: Iterable[str]) -> bool:
    return any(word in _FORMS for word in words)


def _narrowed(variants: Sequence[_Variant], words: Iterable[str]) -> Sequence[_Variant] | None:
    """The variants that all words agree with; None where one of them means nothing here, or none is left."""
    for word in words:
        # Cards that come in one form only are PCIe, whether a vendor says so or not.
        if word in _SILENT or (word == "pcie" and not any(one.form for one in variants)):
            continue
        size = re.fullmatch(r"(\d{1,4})gb", word)
        if word in _FORMS:
            variants = [one for one in variants if one.form.startswith(_FORMS[word])]
        elif word in _MEMORIES:
            # A workstation's memory is not told by its kind.
            variants = [one for one in variants if one.memory == word]
        elif size:
            variants = [one for one in variants if int(size[1]) in (one.memory_gb, *one.also)]
        else:
            return None
        if not variants:
            return None
    return variants


def _by_memory(variants: Sequence[_Variant], memory_gb: float | None) -> Sequence[_Variant]:
    if memory_gb is None:
        return variants
    fitting = [
        one
        for one in variants
        if memory_gb in one.also or (one.memory_gb and abs(memory_gb - one.memory_gb) <= _TOLERANCE * one.memory_gb)
    ]
    return fitting or variants


def _type(model: _Model, variants: Sequence[_Variant]) -> str:
    """What all the variants share."""
    forms, sizes = {one.form for one in variants}, {one.memory_gb for one in variants}
    form = forms.pop() if len(forms) == 1 else ""
    size = sizes.pop() if len(sizes) == 1 else None
    return "-".join([model.stem, *([form] if form else []), *([f"{size}gb"] if size else [])])


def _known() -> Mapping[str, _Model]:
    by_family = {model.family: model for model in _MODELS}
    spelt = {" ".join(word for word in _words(model.family) if word not in _MAKERS): model for model in _MODELS}
    return spelt | {name: by_family[family] for name, family in _OTHER_NAMES.items()}


_KNOWN: Final = _known()
