"""EC2 in one region, in the shapes of botocore's model of the Query API: whatever it tells is held against that model."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from tests.doubles.conformance import botocores, by_botocore
from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, Thing, access, graph_time, iso
from tests.matrix.player import Asked

REGION = "us-east-1"
STATES = {
    "pending": ("PROVISIONING", 0), "running": ("RUNNING", 16), "terminated": ("DELETED", 48), "shutting-down": ("DELETING", 32),
    "stopping": ("STOPPING", 64), "stopped": ("STOPPED", 80),
}  # fmt: skip
"""Our words, and EC2's codes."""
VOLUME_STATES = {"creating": "PROVISIONING", "available": "RUNNING", "deleting": "DELETING", "error": "ERROR"}
TYPES: dict[str, tuple[str | None, str | None, int | None, int | None]] = {
    "g5.12xlarge": ("nvidia-a10g-24gb", "A10G", 4, 192),
    "p5.48xlarge": ("nvidia-h100-80gb", "H100", 8, 2048),
    "g4dn.metal": ("nvidia-t4-16gb", "T4", 8, 384),
    "g6f.xlarge": (None, None, None, None),
    "t3.micro": (None, None, None, None),
}
"""GPUs, and the instance's memory."""
IDS = {"DescribeInstances": "InstanceId.1", "DescribeVolumes": "VolumeId.1"}


class AwsFake(Fake):
    """One region; volumes own the links. Instances come in reservations of one."""

    vendor = "aws"
    specification = None
    # As many as it likes, and never more than `MaxResults`.
    page_size = 101
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class
    media = "text/xml;charset=UTF-8"

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """A temporary key, and one region."""
        names = ("access_key_id", "secret_access_key", "session_token")
        return {"credentials": {name: f"{secret}-{place}" for place, name in enumerate(names)}, "regions": [REGION]}

    def machine(self, number: int) -> Thing:
        """An instance, with up to two volumes that nobody has."""
        dice = self.dice
        word, (status, code) = dice.pick(STATES)
        sku, (gpu_type, family, count, memory) = dice.pick(TYPES)
        name, image, cores = dice.maybe(dice.name(), 0.8), f"ami-{dice.hexadecimal(17)}", dice.choice((1, 24, 96))
        # A terminated one has lost its interface, and its volumes with it.
        ended = word == "terminated"
        outer, inner = (None, None) if ended else (dice.maybe(dice.public_ip()), dice.private_ip())
        created, launched = dice.instant(), dice.instant()
        spot = dice.random() < 0.3
        reason = dice.maybe("Client.UserInitiatedShutdown: User initiated shutdown")
        vendor_id, zone = f"i-{number:017x}", dice.choice(("us-east-1a", "us-east-1b"))
        told = {
            "instanceId": vendor_id, "imageId": image, "instanceType": sku, "architecture": "x86_64",
            "instanceState": {"code": str(code), "name": word}, "launchTime": _millis(launched),
            "privateIpAddress": inner, "keyName": "S3cret", "clientToken": "S3cret",
            "placement": {"availabilityZone": zone, "tenancy": "default"},
            "cpuOptions": {"coreCount": str(cores), "threadsPerCore": "2"},
            "stateReason": {"code": "Client.X", "message": reason} if reason else None,
            "ipAddress": outer, "instanceLifecycle": "spot" if spot else None,
            "tagSet": [_tag("owner", "S3cret"), *([_tag("Name", name)] if name else [])],
            "networkInterfaceSet": [] if ended else [
                {"attachment": {"deviceIndex": "0", "attachTime": _millis(created), "status": "attached"}},
            ],
        }  # fmt: skip
        facts = {
            "architecture": "x86_64", "availability_zone": zone, "launch_time": graph_time(launched), "tenancy": "default",
        } | ({"lifecycle": "spot"} if spot else {})  # fmt: skip
        spec = {
            **NO_SPEC, "gpuType": gpu_type, "gpuFamily": family, "gpuCount": count, "vcpuCount": float(cores * 2),
            "memoryGb": None if memory is None else float(memory), "vendorSku": sku, "image": image, "vendor": facts,
        }  # fmt: skip
        node = {
            "resourceType": "BARE_METAL" if sku.endswith("metal") else "VM", "vendorRegion": REGION, "name": name,
            "status": status, "vendorStatus": word, "statusMessage": reason, "access": access(outer, inner, None, None),
            "spec": spec, **PRICELESS,
            "offerHistory": [{"role": "OBSERVED", "offer": {"contractType": "SPOT" if spot else "ONDEMAND"}}],
        }  # fmt: skip
        free = [one for one in self.volumes.values() if one.node["vendorStatus"] == "available"]
        volumes = dice.sample(free, 0 if ended else min(len(free), dice.choice((0, 0, 1, 2))))
        for one in volumes:
            attachment = {"instanceId": vendor_id, "status": "attached", "attachTime": _millis(launched)}
            one.told |= {"status": "in-use", "attachmentSet": [attachment]}
            one.node["vendorStatus"] = "in-use"
            one.attached.append(vendor_id)
        return Thing(vendor_id, told, node, None if ended else created, [one.vendor_id for one in volumes])

    def volume(self, number: int) -> Thing:
        """A volume, attached to nothing."""
        dice = self.dice
        word, status = dice.pick(VOLUME_STATES)
        size, created, encrypted, iops = dice.randint(1, 16384), dice.instant(), dice.random() < 0.5, dice.maybe(3000)
        vendor_id, name = f"vol-{number:017x}", dice.maybe(dice.name())
        told = {
            "volumeId": vendor_id, "size": str(size), "status": word, "createTime": _millis(created), "volumeType": "gp3",
            "availabilityZone": "us-east-1a", "encrypted": str(encrypted).lower(), "iops": iops and str(iops),
            "attachmentSet": [], "tagSet": [_tag("Name", name)] if name else [], "kmsKeyId": "S3cret",
        }  # fmt: skip
        facts = {"availability_zone": "us-east-1a", "encrypted": encrypted} | ({"iops": iops} if iops else {})
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": REGION, "name": name, "status": status, "vendorStatus": word,
            "statusMessage": None, "access": None, **PRICELESS,
            "spec": {**NO_SPEC, "diskGb": float(size), "vendorSku": "gp3", "vendor": facts},
        }  # fmt: skip
        return Thing(vendor_id, told, node, created)

    def reply(self, asked: Asked) -> tuple[int, Any]:
        """A page behind a token, or what an id names."""
        action = asked.form["Action"]
        kind = MACHINES if action == "DescribeInstances" else VOLUMES
        things, wanted = (self.machines if kind is MACHINES else self.volumes), asked.form.get(IDS[action])
        if wanted is not None:
            if wanted not in things:
                code = "InvalidInstanceID.NotFound" if kind is MACHINES else "InvalidVolume.NotFound"
                return 400, _document("Response", {"Errors": [{"Code": code, "Message": "S3cret"}]}, item="Error")
            return 200, self._page(action, [things[wanted].told], None)
        behind = asked.form.get("NextToken", "")
        start = sum(one <= behind for one in things)
        items, more = self.page(things, start, self.page_size if kind is MACHINES else 1000)
        return 200, self._page(action, items, list(things)[start + len(items) - 1] if more else None)

    def body(self, told: Any) -> bytes:
        """It is XML already."""
        assert isinstance(told, bytes)
        return told

    def _page(self, action: str, items: list[dict[str, Any]], token: str | None) -> bytes:
        kept = [{key: value for key, value in item.items() if value is not None} for item in items]
        listed: dict[str, Any] = {"volumeSet": kept}
        if action == "DescribeInstances":
            own = [{"reservationId": f"r-{item['instanceId'][2:]}", "instancesSet": [item]} for item in kept]
            listed = {"reservationSet": own}
        told = listed | ({"nextToken": token} if token else {})
        self.violations += by_botocore(told, botocores("ec2").operation_model(action).output_shape)
        return _document(f"{action}Response", {"requestId": "59dbff89"} | told)


def _millis(instant: datetime) -> str:
    return iso(instant).replace("Z", ".000Z")


def _tag(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def _document(root: str, told: dict[str, Any], item: str = "item") -> bytes:
    made = Element(root, {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/"})
    _fill(made, told, item)
    text: bytes = tostring(made, encoding="utf-8", xml_declaration=True)
    return text


def _fill(into: Element, told: Any, item: str) -> None:
    if isinstance(told, dict):
        for key, value in told.items():
            _fill(SubElement(into, key), value, item)
    elif isinstance(told, list):
        for value in told:
            _fill(SubElement(into, item), value, item)
    else:
        into.text = told
