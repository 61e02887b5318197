"""Answers that were recorded of vendors without a specification for Prism, by the operations that an account asks for.

Scaleway's are of its SDK's package, EC2's of libcloud's. What no recording has, a price list, is the fake's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from xml.etree.ElementTree import Element

import yaml
from defusedxml.ElementTree import fromstring

from tests.doubles.fake import Dice, Fake
from tests.doubles.fakes.scaleway import ScalewayFake
from tests.matrix.player import Asked

_COPIES: Final = 5


@dataclass(frozen=True)
class Recorded:
    """An answer: JSON, or the root of an XML document."""

    told: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def _package(name: str) -> Path:
    found = find_spec(name)
    return Path((found and found.origin) or "").parent


def of_ec2(asked: Asked) -> Recorded:
    """Of the action: a listing of many, also where one is asked for."""
    names = {"DescribeInstances": "describe_instances", "DescribeVolumes": "describe_volumes"}
    return Recorded(_ec2(names[asked.form["Action"]]))


@cache
def _ec2(name: str) -> Element:
    folder = _package("libcloud") / "test" / "compute" / "fixtures" / "ec2"
    root: Element = fromstring((folder / f"{name}.xml").read_bytes())
    for listed in (one for one in root if len(one)):
        listed.extend([_again(item, copy) for item in list(listed) for copy in range(_COPIES)])
    return root


def _again(item: Element, copy: int) -> Element:
    """The same with other ids of machines and volumes: one would be few to change."""
    other = deepcopy(item)
    for each in other.iter():
        if each.tag.rpartition("}")[2] in {"instanceId", "volumeId"} and each.text:
            each.text = f"{each.text}{copy:02x}"
    return other


def of_scaleway(asked: Asked) -> Recorded:
    """Of the path."""
    _, interface, *_, plural = asked.path.removesuffix("/").split("/")
    told = _scaleway()
    if plural == "servers" and "/products/" not in asked.path:
        return Recorded({"servers": told["servers"]}, {"x-total-count": str(len(told["servers"]))})
    if plural == "volumes":
        volumes = told[f"{interface} volumes"]
        return Recorded({"volumes": volumes, "total_count": len(volumes)})
    if "/servers/" in asked.path and "/products/" not in asked.path:
        wanted = asked.path.rpartition("/")[2]
        return Recorded({"server": next((one for one in told["servers"] if one["id"] == wanted), told["servers"][0])})
    fake = ScalewayFake(Dice(1), 0, 0)
    return Recorded(fake.reply(asked)[1], fake.headers(asked))


@cache
def _scaleway() -> Mapping[str, list[Any]]:
    bodies = list(_bodies())
    servers = [one for body in bodies for one in (*body.get("servers", ()), body.get("server")) if one]
    local = [volume for one in servers for volume in one["volumes"].values()]
    block = [body for body in bodies if "references" in body]
    found = {"servers": servers, "instance volumes": local, "block volumes": block}
    return {name: list({one["id"]: one for one in told}.values()) for name, told in found.items()}


def _bodies() -> Iterator[dict[str, Any]]:
    folder = _package("scaleway") / "instance" / "v1" / "tests" / "cassettes"
    for file in sorted(folder.glob("*.yaml")):
        for one in yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]:
            try:
                told = json.loads(one["response"]["body"]["string"])
            except ValueError:
                continue
            if isinstance(told, dict) and one["request"]["method"] == "GET":
                yield told


def of_vendor(fake: type[Fake]) -> Callable[[Asked], Recorded]:
    """What was recorded of the fake's vendor; of one without recordings, what the fake itself tells."""
    own = fake(Dice(1), 20, 5)

    def of_fake(asked: Asked) -> Recorded:
        plain = replace(asked, path=asked.path.removeprefix(fake.base_path))
        return Recorded(own.reply(plain)[1], own.headers(plain))

    return _BY_VENDOR.get(fake.vendor, of_fake)


_BY_VENDOR: Final[Mapping[str, Callable[[Asked], Recorded]]] = MappingProxyType(
    {"aws": of_ec2, "scaleway": of_scaleway}
)
