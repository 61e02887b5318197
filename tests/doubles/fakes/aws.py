"""EC2 in one region, in the shapes of botocore's model of the Query API. Every response is checked against that model."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from tests.doubles.conformance import botocore_model, botocore_violations
from tests.doubles.fake import MACHINES, NO_SPEC, PRICELESS, VOLUMES, Fake, FakeResource, access, graph_time, iso
from tests.matrix.player import ReceivedRequest

REGION = "us-east-1"
STATES = {
    "pending": ("PROVISIONING", 0), "running": ("RUNNING", 16), "terminated": ("DELETED", 48), "shutting-down": ("DELETING", 32),
    "stopping": ("STOPPING", 64), "stopped": ("STOPPED", 80),
}  # fmt: skip
"""The status in the graph, and EC2's code."""
VOLUME_STATES = {"creating": "PROVISIONING", "available": "RUNNING", "deleting": "DELETING", "error": "ERROR"}
TYPES: dict[str, tuple[str | None, str | None, int | None, int | None]] = {
    "g5.12xlarge": ("nvidia-a10g-24gb", "A10G", 4, 192),
    "p5.48xlarge": ("nvidia-h100-80gb", "H100", 8, 2048),
    "g4dn.metal": ("nvidia-t4-16gb", "T4", 8, 384),
    "g6f.xlarge": (None, None, None, None),
    "t3.micro": (None, None, 0, None),
}
"""The GPUs, and the memory of the instance."""
IDS = {"DescribeInstances": "InstanceId.1", "DescribeVolumes": "VolumeId.1"}


class AwsFake(Fake):
    """One region. Volumes own the links. Each instance has its own reservation."""

    vendor = "aws"
    specification = None
    # EC2 may return fewer items than `MaxResults`.
    page_size = 101
    calls = {MACHINES: 1, VOLUMES: 1}  # noqa: RUF012 - declared in the base class
    media = "text/xml;charset=UTF-8"

    @classmethod
    def settings(cls, secret: str) -> dict[str, Any]:
        """Return a temporary key and one region."""
        names = ("access_key_id", "secret_access_key", "session_token")
        return {"credentials": {name: f"{secret}-{index}" for index, name in enumerate(names)}, "regions": [REGION]}

    def machine(self, number: int) -> FakeResource:
        """Return an instance, with up to two unattached volumes."""
        dice = self.dice
        vendor_status, (status, code) = dice.pick(STATES)
        sku, (gpu_type, family, count, memory) = dice.pick(TYPES)
        name, image, cores = dice.maybe(dice.name(), 0.8), f"ami-{dice.hexadecimal(17)}", dice.choice((1, 24, 96))
        ended = vendor_status == "terminated"  # Then it has lost its interface and its volumes.
        external_ip, internal_ip = (None, None) if ended else (dice.maybe(dice.public_ip()), dice.private_ip())
        created, launched = dice.instant(), dice.instant()
        spot = dice.random() < 0.3
        reason = dice.maybe("Client.UserInitiatedShutdown: User initiated shutdown")
        vendor_id, zone = f"i-{number:017x}", dice.choice(("us-east-1a", "us-east-1b"))
        item = {
            "instanceId": vendor_id, "imageId": image, "instanceType": sku, "architecture": "x86_64",
            "instanceState": {"code": str(code), "name": vendor_status}, "launchTime": _millis(launched),
            "privateIpAddress": internal_ip, "keyName": "S3cret", "clientToken": "S3cret",
            "placement": {"availabilityZone": zone, "tenancy": "default"},
            "cpuOptions": {"coreCount": str(cores), "threadsPerCore": "2"},
            "stateReason": {"code": "Client.X", "message": reason} if reason else None,
            "ipAddress": external_ip, "instanceLifecycle": "spot" if spot else None,
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
            "status": status, "vendorStatus": vendor_status, "statusMessage": reason, "spec": spec,
            "access": access(external_ip, internal_ip, None, None), **PRICELESS,
            "offerHistory": [{"role": "OBSERVED", "offer": {"contractType": "SPOT" if spot else "ONDEMAND"}}],
        }  # fmt: skip
        volume_ids = [] if ended else self._attach_volumes(vendor_id, launched)
        return FakeResource(vendor_id, item, node, None if ended else created, volume_ids)

    def _attach_volumes(self, machine_id: str, since: datetime) -> list[str]:
        free = [volume for volume in self.volumes.values() if volume.node["vendorStatus"] == "available"]
        volumes = self.dice.sample(free, min(len(free), self.dice.choice((0, 0, 1, 2))))
        for volume in volumes:
            attachment = {"instanceId": machine_id, "status": "attached", "attachTime": _millis(since)}
            volume.item |= {"status": "in-use", "attachmentSet": [attachment]}
            volume.node["vendorStatus"] = "in-use"
            volume.attached.append(machine_id)
        return [volume.vendor_id for volume in volumes]

    def volume(self, number: int) -> FakeResource:
        """Return an unattached volume."""
        dice = self.dice
        vendor_status, status = dice.pick(VOLUME_STATES)
        size, created, encrypted, iops = dice.randint(1, 16384), dice.instant(), dice.random() < 0.5, dice.maybe(3000)
        vendor_id, name = f"vol-{number:017x}", dice.maybe(dice.name())
        item = {
            "volumeId": vendor_id, "size": str(size), "status": vendor_status, "createTime": _millis(created),
            "volumeType": "gp3", "availabilityZone": "us-east-1a", "encrypted": str(encrypted).lower(),
            "iops": iops and str(iops), "attachmentSet": [], "tagSet": [_tag("Name", name)] if name else [], "kmsKeyId": "S3cret",
        }  # fmt: skip
        facts = {"availability_zone": "us-east-1a", "encrypted": encrypted} | ({"iops": iops} if iops else {})
        node = {
            "resourceType": "BLOCK_DISK", "vendorRegion": REGION, "name": name, "status": status,
            "vendorStatus": vendor_status, "statusMessage": None, "access": None, **PRICELESS,
            "spec": {**NO_SPEC, "diskGb": float(size), "vendorSku": "gp3", "vendor": facts},
        }  # fmt: skip
        return FakeResource(vendor_id, item, node, created)

    def reply(self, request: ReceivedRequest) -> tuple[int, Any]:
        """Return the page after a token, or the resource of an id."""
        action = request.form["Action"]
        kind = MACHINES if action == "DescribeInstances" else VOLUMES
        resources, vendor_id = (self.machines if kind is MACHINES else self.volumes), request.form.get(IDS[action])
        if vendor_id is not None:
            if vendor_id not in resources:
                code = "InvalidInstanceID.NotFound" if kind is MACHINES else "InvalidVolume.NotFound"
                return 400, _document("Response", {"Errors": [{"Code": code, "Message": "S3cret"}]}, item_tag="Error")
            return 200, self._page(action, [resources[vendor_id].item], None)
        last_id = request.form.get("NextToken", "")
        start = sum(resource_id <= last_id for resource_id in resources)
        items, more = self.page(resources, start, self.page_size if kind is MACHINES else 1000)
        return 200, self._page(action, items, list(resources)[start + len(items) - 1] if more else None)

    def body(self, content: Any) -> bytes:
        """Return the content, which is XML already."""
        assert isinstance(content, bytes)
        return content

    def _page(self, action: str, items: list[dict[str, Any]], token: str | None) -> bytes:
        reported = [{key: value for key, value in item.items() if value is not None} for item in items]
        content: dict[str, Any] = {"volumeSet": reported}
        if action == "DescribeInstances":
            reservations = [
                {"reservationId": f"r-{item['instanceId'][2:]}", "instancesSet": [item]} for item in reported
            ]
            content = {"reservationSet": reservations}
        content |= {"nextToken": token} if token else {}
        self.violations += botocore_violations(content, botocore_model("ec2").operation_model(action).output_shape)
        return _document(f"{action}Response", {"requestId": "59dbff89"} | content)


def _millis(instant: datetime) -> str:
    return iso(instant).replace("Z", ".000Z")


def _tag(key: str, value: str) -> dict[str, str]:
    return {"key": key, "value": value}


def _document(root: str, content: dict[str, Any], item_tag: str = "item") -> bytes:
    element = Element(root, {"xmlns": "http://ec2.amazonaws.com/doc/2016-11-15/"})
    _fill(element, content, item_tag)
    text: bytes = tostring(element, encoding="utf-8", xml_declaration=True)
    return text


def _fill(element: Element, content: Any, item_tag: str) -> None:
    if isinstance(content, dict):
        for key, value in content.items():
            _fill(SubElement(element, key), value, item_tag)
    elif isinstance(content, list):
        for value in content:
            _fill(SubElement(element, item_tag), value, item_tag)
    else:
        element.text = content
