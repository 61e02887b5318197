"""The double of EC2, with the shapes of botocore's model of the Query API 2016-11-15.

The faults that other doubles write in JSON are written in XML here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from domain.enums import ResourceKind
from tests.matrix.player import FlightKind, Oddity, Player, ReceivedRequest, Twist, VendorCall

_ACTIONS: Final = {"DescribeInstances": ResourceKind.MACHINES, "DescribeVolumes": ResourceKind.VOLUMES}
_NAMES: Final = {kind: action for action, kind in _ACTIONS.items()}
_ID_PARAMETER: Final = {ResourceKind.MACHINES: "InstanceId.1", ResourceKind.VOLUMES: "VolumeId.1"}
_SETS: Final = {ResourceKind.MACHINES: "reservationSet", ResourceKind.VOLUMES: "volumeSet"}
_REQUEST: Final = "<requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>"


class AwsPlayer(Player):
    """Instances and volumes of one region, two per page. Volumes own the links.

    In XML, the fault `{}` is an empty root element, the null list is a root without its set, and the text for a list is a text
    in the set.
    """

    vendor = "aws"
    media = "text/xml;charset=UTF-8"

    def settings(self, secret: str) -> dict[str, Any]:
        """Return a temporary key and one region."""
        credentials = {
            "access_key_id": f"{secret}-id",
            "secret_access_key": f"{secret}-secret",
            "session_token": f"{secret}-token",
        }
        return {"credentials": credentials, "regions": ["us-east-1"]}

    def call(self, request: ReceivedRequest) -> VendorCall:
        """Recognize the request by its `Action`."""
        kind = _ACTIONS[request.form["Action"]]
        return VendorCall(kind, request.form.get(_ID_PARAMETER[kind]), request.form.get("NextToken"))

    def vendor_id(self, kind: ResourceKind, number: int) -> str:
        """Return `i-` or `vol-` with 17 hexadecimal digits."""
        return f"{'i' if kind is ResourceKind.MACHINES else 'vol'}-{number:017x}"

    def why_impossible(self, fault: str, flight: FlightKind) -> str | None:
        """Allow an empty list in a probe: EC2 answers a probe with a list of one."""
        return None if fault == "empty list" else super().why_impossible(fault, flight)

    def page(self, kind: ResourceKind, numbers: Sequence[int], cursor: str | None, twist: Twist = Twist.NONE) -> bytes:
        """Write a page, with each instance in its own reservation."""
        items = "".join(self._item(kind, number, twist) for number in numbers)
        token = f"<nextToken>{cursor}</nextToken>" if cursor else ""
        return _answer(kind, f"{_REQUEST}<{_SETS[kind]}>{items}</{_SETS[kind]}>{token}")

    def one(self, kind: ResourceKind, number: int, twist: Twist = Twist.NONE) -> bytes:
        """Write a list of one."""
        return self.page(kind, (number,), None, twist)

    def odd_answer(self, call: VendorCall, oddity: Oddity) -> bytes:
        """Write an empty root, a root without the set, or a text in the place of the set's items."""
        contents = {
            Oddity.EMPTY_OBJECT: "",
            Oddity.NULL: _REQUEST,
            Oddity.TEXT: f"{_REQUEST}<{_SETS[call.kind]}>none</{_SETS[call.kind]}>",
        }
        return _answer(call.kind, contents[oddity])

    def not_found(self, call: VendorCall) -> tuple[int, bytes]:
        """Return 400 with the documented code: EC2 does not use 404."""
        code = {ResourceKind.MACHINES: "InvalidInstanceID.NotFound", ResourceKind.VOLUMES: "InvalidVolume.NotFound"}
        return 400, _error(code[call.kind], "It does not exist")

    def error_body(self, text: str) -> bytes:
        """Write an EC2 error document."""
        return _error("InternalError", text)

    def _item(self, kind: ResourceKind, number: int, twist: Twist) -> str:
        content = self._machine(number, twist) if kind is ResourceKind.MACHINES else self._volume(number, twist)
        if twist is Twist.NO_ID:
            content = content.replace(self.vendor_id(kind, number), "", 1)
        if kind is ResourceKind.VOLUMES:
            return f"<item>{content}</item>"
        reservation = f"<reservationId>r-{number}</reservationId><ownerId>123456789012</ownerId>"
        return f"<item>{reservation}<instancesSet><item>{content}</item></instancesSet></item>"

    def _machine(self, number: int, twist: Twist) -> str:
        id_element = f"<instanceId>{self.vendor_id(ResourceKind.MACHINES, number)}</instanceId>"
        if twist is Twist.TYPES:
            texts = ("instanceState", "cpuOptions", "placement", "networkInterfaceSet", "tagSet", "blockDeviceMapping")
            wrong_fields = "".join(f"<{name}>text</{name}>" for name in texts)
            return f"{id_element}{wrong_fields}<instanceType><a>b</a></instanceType><ipAddress>nowhere</ipAddress>"
        cores = "NaN" if twist is Twist.NAN else "8"
        return (
            f"{id_element}<imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState>"
            "<instanceType>p5.48xlarge</instanceType><launchTime>2026-01-02T00:00:00.000Z</launchTime>"
            "<placement><availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy></placement>"
            "<privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>192.0.2.1</ipAddress>"
            f"<architecture>x86_64</architecture><tagSet><item><key>Name</key><value>name-{number}</value></item></tagSet>"
            "<networkInterfaceSet><item><attachment><deviceIndex>0</deviceIndex>"
            "<attachTime>2026-01-01T00:00:00.000Z</attachTime></attachment></item></networkInterfaceSet>"
            f"<cpuOptions><coreCount>{cores}</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>"
        )

    def _volume(self, number: int, twist: Twist) -> str:
        id_element = f"<volumeId>{self.vendor_id(ResourceKind.VOLUMES, number)}</volumeId>"
        if twist is Twist.TYPES:
            return (
                f"{id_element}<size>big</size><status><a>b</a></status><createTime>once</createTime>"
                "<attachmentSet>text</attachmentSet><tagSet>text</tagSet><encrypted>perhaps</encrypted>"
            )
        size = "NaN" if twist is Twist.NAN else "100"
        machine = self.vendor_id(ResourceKind.MACHINES, 1)
        attached = (
            f"<item><instanceId>{machine}</instanceId><status>attached</status>"
            "<attachTime>2026-01-02T00:00:00.000Z</attachTime></item>"
        )
        return (
            f"{id_element}<size>{size}</size><status>{'in-use' if number == 1 else 'available'}</status>"
            "<availabilityZone>us-east-1a</availabilityZone><createTime>2026-01-01T00:00:00.000Z</createTime>"
            f"<volumeType>gp3</volumeType><attachmentSet>{attached if number == 1 else ''}</attachmentSet>"
            f"<tagSet><item><key>Name</key><value>name-{number}</value></item></tagSet>"
        )


def _answer(kind: ResourceKind, content: str) -> bytes:
    root = f"{_NAMES[kind]}Response"
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}<{root} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">{content}</{root}>'.encode()


def _error(code: str, message: str) -> bytes:
    content = f"<Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{content}<RequestID>1</RequestID></Response>'.encode()
