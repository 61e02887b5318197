"""Recorded responses of vendors without a specification for Prism, by the operations that an account calls.

Scaleway's are in its SDK's package, EC2's in libcloud's. A response that was not recorded, a price list, is the fake's.
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
from tests.matrix.player import ReceivedRequest

_COPIES: Final = 5


@dataclass(frozen=True)
class Recording:
    """A response: JSON, or the root of an XML document."""

    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def _package(name: str) -> Path:
    spec = find_spec(name)
    return Path((spec and spec.origin) or "").parent


def of_ec2(request: ReceivedRequest) -> Recording:
    """Return the recording of an action: a list of many items, also if one is requested."""
    names = {"DescribeInstances": "describe_instances", "DescribeVolumes": "describe_volumes"}
    return Recording(_ec2_document(names[request.form["Action"]]))


@cache
def _ec2_document(name: str) -> Element:
    folder = _package("libcloud") / "test" / "compute" / "fixtures" / "ec2"
    root: Element = fromstring((folder / f"{name}.xml").read_bytes())
    for items in (child for child in root if len(child)):
        items.extend([_copy_item(item, copy) for item in list(items) for copy in range(_COPIES)])
    return root


def _copy_item(item: Element, copy: int) -> Element:
    """Return the item with other ids of machines and volumes: the few recorded items offer too little to change."""
    copied = deepcopy(item)
    for element in copied.iter():
        if element.tag.rpartition("}")[2] in {"instanceId", "volumeId"} and element.text:
            element.text = f"{element.text}{copy:02x}"
    return copied


def of_scaleway(request: ReceivedRequest) -> Recording:
    """Return the recording of a path."""
    _, interface, *_, plural = request.path.removesuffix("/").split("/")
    items_by_kind = _scaleway_items()
    if plural == "servers" and "/products/" not in request.path:
        return Recording({"servers": items_by_kind["servers"]}, {"x-total-count": str(len(items_by_kind["servers"]))})
    if plural == "volumes":
        volumes = items_by_kind[f"{interface} volumes"]
        return Recording({"volumes": volumes, "total_count": len(volumes)})
    if "/servers/" in request.path and "/products/" not in request.path:
        vendor_id = request.path.rpartition("/")[2]
        servers = items_by_kind["servers"]
        return Recording({"server": next((server for server in servers if server["id"] == vendor_id), servers[0])})
    fake = ScalewayFake(Dice(1), 0, 0)
    return Recording(fake.reply(request)[1], fake.headers(request))


@cache
def _scaleway_items() -> Mapping[str, list[Any]]:
    bodies = list(_scaleway_bodies())
    servers = [server for body in bodies for server in (*body.get("servers", ()), body.get("server")) if server]
    local = [volume for server in servers for volume in server["volumes"].values()]
    block = [body for body in bodies if "references" in body]
    by_kind = {"servers": servers, "instance volumes": local, "block volumes": block}
    return {name: list({item["id"]: item for item in items}.values()) for name, items in by_kind.items()}


def _scaleway_bodies() -> Iterator[dict[str, Any]]:
    folder = _package("scaleway") / "instance" / "v1" / "tests" / "cassettes"
    for file in sorted(folder.glob("*.yaml")):
        for interaction in yaml.safe_load(file.read_text(encoding="utf-8"))["interactions"]:
            try:
                body = json.loads(interaction["response"]["body"]["string"])
            except ValueError:
                continue
            if isinstance(body, dict) and interaction["request"]["method"] == "GET":
                yield body


def of_vendor(fake: type[Fake]) -> Callable[[ReceivedRequest], Recording]:
    """Return the recordings of the fake's vendor; for a vendor without recordings, the fake's own responses."""
    instance = fake(Dice(1), 20, 5)

    def of_fake(request: ReceivedRequest) -> Recording:
        plain_request = replace(request, path=request.path.removeprefix(fake.base_path))
        return Recording(instance.reply(plain_request)[1], instance.headers(plain_request))

    return _BY_VENDOR.get(fake.vendor, of_fake)


_BY_VENDOR: Final[Mapping[str, Callable[[ReceivedRequest], Recording]]] = MappingProxyType(
    {"aws": of_ec2, "scaleway": of_scaleway}
)
