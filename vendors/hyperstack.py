"""Hyperstack (NexGen Cloud's Infrahub API): virtual machines and volumes.

Source: Hyperstack's OpenAPI document (`NexGenCloud/hyperstack-sdk-go`, api/openapi.yaml) and its documentation on statuses of
virtual machines, states and billing, pagination, the pricebook, and rate limits: 500 calls a minute from an address.

A GET may act here: `.../start`, `/stop`, `/hard-reboot`, `/hibernate` and more are GETs. Nothing is called but `PATHS`.

What our words mean here
- The listing tells no price. A flavour on demand takes `value` of the pricebook's entry of its GPU's name, "price value for the
  GPU per hour", times its GPUs. The currency is not told; Hyperstack's prices are in US dollars. A price with a beginning or an
  end is left out, a machine under a contract has a discount that is not told, and one without GPUs has no such entry.
- ACTIVE and SHUTOFF are billed alike, "because all resources remain allocated". HIBERNATED is billed in part, for what is not
  told; other states are null.
- Machines own the links: they tell since when. Words of a volume's status are not documented: any is UNKNOWN.
- Pages go by their number, oldest first: when a machine goes while they are read, the next page begins one too late. A listing is
  complete if every page told the same `count` and so many different ids came. One that goes while another comes hides from that,
  once: no absence is believed before it was seen twice.
- Its 404 says "doesn't exist or isn't visible to this key": no word for "no such thing", so nothing is probed.
- A login name is not told, and SSH's port may be another one (`port_randomization`): there is no command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

from domain.enums import ContractType, LinkType, OfferType, ResourceKind, ResourceStatus, ResourceType
from domain.errors import MalformedAnswer
from domain.records.observation import NO_PRICE, NOT_REPORTED, Access, Attachment, NotReported, Observation, Spec, Terms
from vendors.api_key import ApiKeyVendor
from vendors.base import Listing, Page, PriceList, Quote, QuotePage, RateLimit, VendorRequest, VendorResponse
from vendors.parse.fields import DropCounter, FieldReader, facts, from_object
from vendors.parse.gpu_names import canonical_gpu

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "CREATING": ResourceStatus.PENDING,
    "BUILD": ResourceStatus.PROVISIONING,
    "STARTING": ResourceStatus.PROVISIONING,
    "REBOOTING": ResourceStatus.PROVISIONING,
    "RESTORING": ResourceStatus.PROVISIONING,
    "ACTIVE": ResourceStatus.RUNNING,
    "STOPPING": ResourceStatus.STOPPING,
    "HIBERNATING": ResourceStatus.STOPPING,
    "SHUTOFF": ResourceStatus.STOPPED,
    "HIBERNATED": ResourceStatus.STOPPED,
    "DELETING": ResourceStatus.DELETING,
    "ERROR": ResourceStatus.ERROR,
}
"""Free text in the specification; the documentation lists these, but for DELETING."""
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listVms": "/core/virtual-machines",
        "listVolumes": "/core/volumes",
        "getPricebook": "/pricebook",
    }
)
"""Every operation that is called: all of them only read."""
_BILLED: Final = frozenset({"ACTIVE", "SHUTOFF"})
_PAGE_SIZE: Final = 100
"""The greatest is not documented; "for result sets above a few hundred items, increase the page size" (rate limits)."""
_SPOT: Final = "-spot"
_GPU: Final = "gpu"


class Hyperstack(ApiKeyVendor):
    """One API key at Hyperstack."""

    name = "hyperstack"
    address = "https://infrahub-api.nexgencloud.com/v1"
    links_owner = ResourceKind.MACHINES
    key_header = "api_key"
    key_scheme = ""
    error_path = ("error_reason",)
    # "All endpoints, per source IP: 500 requests per minute" (rate limits).
    documented_limits = (RateLimit(500, 60),)

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One listing a kind, page by page."""
        if kind is ResourceKind.MACHINES:
            return (_Listing("listVms", "instances", _machine),)
        return (_Listing("listVolumes", "volumes", _volume),)

    def catalogue(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Of machines; what a volume is called in the pricebook is not documented."""
        return _Pricebook() if kind is ResourceKind.MACHINES else None


@dataclass(frozen=True, slots=True)
class _Listing:
    """One list, by the number of the page."""

    operation: str
    name: str
    read_item: Callable[[FieldReader], Observation]

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page; the first has number 1."""
        query = (("page", cursor or "1"), ("pageSize", str(_PAGE_SIZE)))
        return VendorRequest(self.operation, PATHS[self.operation], query=query)

    def read(self, answer: VendorResponse) -> Page:
        """What the page told. Raises MalformedAnswer without `count`: nobody could tell whether all came."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        items = tuple(self.read_item(item) for item in told.items(self.name))
        count = told.whole("count")
        if count is None:
            raise MalformedAnswer(f"{self.operation}: 'count', the size of the whole list, is missing.")
        number, size = int(answer.cursor or "1"), told.whole("page_size", 1) or _PAGE_SIZE
        return Page(items, str(number + 1) if _goes_on(number, size, len(items), count) else None, drops.count, count)


def _goes_on(number: int, size: int, items: int, count: int) -> bool:
    """Whether another page must be asked for, by the number of this one, its size, what it held, and what all hold."""
    # A full first page that counts nothing but itself may be one of many.
    return items >= size and ((number - 1) * size + items < count or (number == 1 and items == count))


@dataclass(frozen=True, slots=True)
class _Pricebook:
    """What a GPU costs an hour, by its name."""

    tells_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """All in one call."""
        return VendorRequest("getPricebook", PATHS["getPricebook"])

    def read(self, answer: VendorResponse) -> QuotePage:
        """The bare list. A name that is told twice at different prices tells none."""
        drops = DropCounter()
        quotes: dict[str, set[float]] = {}
        for item in from_object({"pricebook": answer.payload}, drops).items("pricebook"):
            name, value = item.text("name"), item.price("value")
            bounded = item.text("start_time") is not None or item.text("end_time") is not None
            if name is not None and value is not None and not bounded:
                quotes.setdefault(name, set()).add(value)
        return QuotePage(
            {name: Quote(values.pop(), "USD") for name, values in quotes.items() if len(values) == 1}, None, drops.count
        )

    def quote(self, told: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """So much for each GPU; spot only where the pricebook has a spot price."""
        if not isinstance(told.spec, Spec) or not isinstance(told.terms, Terms) or not told.spec.gpu_count:
            return None
        name = str(told.spec.vendor.get(_GPU, ""))
        spot = told.terms.contract_type is ContractType.SPOT
        if told.terms.contract_type not in (ContractType.ONDEMAND, ContractType.SPOT):
            return None
        each = quotes.get(name if not spot or name.lower().endswith(_SPOT) else f"{name}{_SPOT}")
        return Quote(each.hourly * told.spec.gpu_count, each.currency) if each else None

    def charged(self, told: Observation) -> bool:
        """Running or shut off (states and billing)."""
        return told.vendor_status in _BILLED


def _machine(told: FieldReader) -> Observation:
    word = told.text("status")
    flavor = told.child("flavor")
    sku = flavor.text("name")
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.VM,
        status=STATUS.get(word or "", ResourceStatus.UNKNOWN),
        vendor_status=word,
        region=told.child("environment").text("region"),
        created_at=told.instant("created_at"),
        name=told.text("name"),
        status_message=None,
        access=_access(told),
        spec=_machine_spec(told, flavor, sku),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, _contract(told, flavor, sku), sku, None, None),
        links=_links(told),
    )


def _contract(told: FieldReader, flavor: FieldReader, sku: str | None) -> ContractType:
    if told.reference("contract_id") is not None:
        return ContractType.RESERVED
    named = (sku, flavor.text(_GPU))
    return ContractType.SPOT if any(name and name.lower().endswith(_SPOT) for name in named) else ContractType.ONDEMAND


def _access(told: FieldReader) -> Access | None:
    access = Access(external_ip=told.address("floating_ip"), internal_ip=told.address("fixed_ip"))
    return None if access == Access() else access


def _machine_spec(told: FieldReader, flavor: FieldReader, sku: str | None) -> Spec:
    gpus, name = flavor.whole("gpu_count", 0, 10_000), flavor.text(_GPU)
    gpu_type, gpu_family = canonical_gpu(name if gpus != 0 else None)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=flavor.whole("cpu"),
        memory_gb=flavor.number("ram"),
        disk_gb=flavor.number("disk"),
        vendor_sku=sku,
        image=told.child("image").text("name"),
        vendor=facts(
            gpu=name,
            environment=told.child("environment").text("name"),
            ephemeral_disk_gb=flavor.number("ephemeral"),
            os=told.text("os"),
            vm_state=told.text("vm_state"),
            power_state=told.text("power_state"),
            floating_ip_status=told.text("floating_ip_status"),
            contract_id=told.reference("contract_id"),
            locked=told.flag("locked"),
        ),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = told.dropped
    attachments = told.children("volume_attachments")
    if attachments is None:
        return NOT_REPORTED
    links: dict[str, Attachment] = {}
    for attachment in attachments:
        volume = attachment.child("volume").reference("id")
        since = attachment.instant("created_at")
        if volume is None:
            # A list of which a part could not be read is not the whole list: it must close no link.
            return NOT_REPORTED
        links[volume] = Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, volume, since)
    return tuple(links.values()) if told.dropped == before else NOT_REPORTED


def _volume(told: FieldReader) -> Observation:
    word = told.text("status")
    sku = told.text("volume_type")
    environment = told.child("environment")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        # Where no status is told, what is listed can be attached.
        status=ResourceStatus.RUNNING if word is None else ResourceStatus.UNKNOWN,
        vendor_status=word,
        region=environment.text("region"),
        created_at=told.instant("created_at"),
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told.number("size"),
            vendor_sku=sku,
            vendor=facts(
                environment=environment.text("name"),
                description=told.text("description"),
                bootable=told.flag("bootable"),
                image_id=told.reference("image_id"),
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
    )
