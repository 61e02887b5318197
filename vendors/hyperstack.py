"""Hyperstack (NexGen Cloud's Infrahub API): virtual machines and volumes.

Source: Hyperstack's OpenAPI document (`NexGenCloud/hyperstack-sdk-go`, api/openapi.yaml) and its documentation on
statuses of virtual machines, states and billing, pagination, the pricebook, and rate limits: 500 calls a minute from an
address.

A GET may change something here: `.../start`, `/stop`, `/hard-reboot`, `/hibernate` and others are GETs. Only `PATHS`
are called.

How its data is read
- The listing reports no price. A flavour on demand costs `value` of the pricebook's entry with its GPU's name, "price
  value for the GPU per hour", times its number of GPUs. The currency is not reported; Hyperstack's prices are in US
  dollars. Prices with a start or an end are left out. A machine under a contract has a discount that is not reported,
  and one without GPUs has no such entry.
- ACTIVE and SHUTOFF are billed alike, "because all resources remain allocated". HIBERNATED is billed in part, for
  resources that are not reported. The price in other states is null.
- Machines own the links, because they report the time of attachment. The statuses of a volume are not documented: all
  are UNKNOWN.
- Pages are numbered, oldest item first. When a machine disappears while they are read, the next page begins one item
  too late. A listing is complete if every page reports the same `count` and that many distinct ids were returned. A
  machine that disappears while another one appears hides from this check, once; an absence is only accepted after two
  listings.
- Its 404 says "doesn't exist or isn't visible to this key", which is not evidence of absence, so nothing is probed.
- The login name is not reported, and SSH may use another port (`port_randomization`): there is no SSH command.
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
from vendors.parse.fields import DropCounter, FieldReader, collect_facts, read_object
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
"""Free text in the specification. The documentation lists these values, except DELETING."""
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listVms": "/core/virtual-machines",
        "listVolumes": "/core/volumes",
        "getPricebook": "/pricebook",
    }
)
"""Every operation that is called. All of them only read."""
_BILLED: Final = frozenset({"ACTIVE", "SHUTOFF"})
_PAGE_SIZE: Final = 100
"""The maximum is not documented; "for result sets above a few hundred items, increase the page size" (rate limits)."""
_SPOT: Final = "-spot"
_GPU: Final = "gpu"


class Hyperstack(ApiKeyVendor):
    """One API key at Hyperstack."""

    name = "hyperstack"
    api_url = "https://infrahub-api.nexgencloud.com/v1"
    links_owner = ResourceKind.MACHINES
    key_header = "api_key"
    key_scheme = ""
    error_path = ("error_reason",)
    # One sequence numbers the machines of all organizations, another one the volumes.
    ids_span_accounts = True
    # "All endpoints, per source IP: 500 requests per minute" (rate limits).
    documented_limits = (RateLimit(500, 60),)

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listing of the kind."""
        if kind is ResourceKind.MACHINES:
            return (HyperstackListing("listVms", "instances", _read_machine),)
        return (HyperstackListing("listVolumes", "volumes", _read_volume),)

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the price list of machines. The names of volumes in the pricebook are not documented."""
        return Pricebook() if kind is ResourceKind.MACHINES else None


@dataclass(frozen=True, slots=True)
class HyperstackListing:
    """One listing, by page number."""

    operation: str
    key: str
    read_item: Callable[[FieldReader], Observation]

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the request for a page; the first page has number 1."""
        query = (("page", cursor or "1"), ("pageSize", str(_PAGE_SIZE)))
        return VendorRequest(self.operation, PATHS[self.operation], query=query)

    def read(self, response: VendorResponse) -> Page:
        """Return the page. Raise MalformedAnswer without `count`, which shows whether the listing is complete."""
        drops = DropCounter()
        body = read_object(response.payload, drops)
        items = tuple(self.read_item(item) for item in body.items(self.key))
        count = body.integer("count")
        if count is None:
            raise MalformedAnswer(f"{self.operation}: 'count', the number of items of the whole list, is missing.")
        number, size = int(response.cursor or "1"), body.integer("page_size", 1) or _PAGE_SIZE
        cursor = str(number + 1) if _has_next_page(number, size, len(items), count) else None
        return Page(items, cursor, drops.count, count)


def _has_next_page(number: int, size: int, items: int, count: int) -> bool:
    """Return whether there is another page, from this page's number, its size, the items on it, and the count of all items."""
    # A full first page whose count equals its own items may still be one of many pages.
    return items >= size and ((number - 1) * size + items < count or (number == 1 and items == count))


@dataclass(frozen=True, slots=True)
class Pricebook:
    """The price of a GPU per hour, by GPU name."""

    has_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the one request."""
        return VendorRequest("getPricebook", PATHS["getPricebook"])

    def read(self, response: VendorResponse) -> QuotePage:
        """Return the quotes of the list. A name that occurs twice with different prices has no quote."""
        drops = DropCounter()
        quotes: dict[str, set[float]] = {}
        for item in read_object({"pricebook": response.payload}, drops).items("pricebook"):
            name, value = item.text("name"), item.price("value")
            is_temporary = item.text("start_time") is not None or item.text("end_time") is not None
            if name is not None and value is not None and not is_temporary:
                quotes.setdefault(name, set()).add(value)
        return QuotePage(
            {name: Quote(values.pop(), "USD") for name, values in quotes.items() if len(values) == 1}, None, drops.count
        )

    def quote(self, observation: Observation, quotes: Mapping[str, Quote]) -> Quote | None:
        """Return the price of one GPU times their number. Spot machines have a price only if the pricebook has a spot price."""
        if (
            not isinstance(observation.spec, Spec)
            or not isinstance(observation.terms, Terms)
            or not observation.spec.gpu_count
        ):
            return None
        name = str(observation.spec.vendor.get(_GPU, ""))
        is_spot = observation.terms.contract_type is ContractType.SPOT
        if observation.terms.contract_type not in (ContractType.ONDEMAND, ContractType.SPOT):
            return None
        per_gpu = quotes.get(name if not is_spot or name.lower().endswith(_SPOT) else f"{name}{_SPOT}")
        return Quote(per_gpu.hourly * observation.spec.gpu_count, per_gpu.currency) if per_gpu else None

    def is_charged(self, observation: Observation) -> bool:
        """Return whether the machine is running or shut off (states and billing)."""
        return observation.vendor_status in _BILLED


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    flavor = item.child("flavor")
    sku = flavor.text("name")
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.VM,
        status=STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=item.child("environment").text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=None,
        access=_access(item),
        spec=_machine_spec(item, flavor, sku),
        price=NO_PRICE,
        terms=Terms(OfferType.VM, _contract(item, flavor, sku), sku, None, None),
        links=_links(item),
    )


def _contract(item: FieldReader, flavor: FieldReader, sku: str | None) -> ContractType:
    if item.reference("contract_id") is not None:
        return ContractType.RESERVED
    names = (sku, flavor.text(_GPU))
    return ContractType.SPOT if any(name and name.lower().endswith(_SPOT) for name in names) else ContractType.ONDEMAND


def _access(item: FieldReader) -> Access | None:
    access = Access(external_ip=item.address("floating_ip"), internal_ip=item.address("fixed_ip"))
    return None if access == Access() else access


def _machine_spec(item: FieldReader, flavor: FieldReader, sku: str | None) -> Spec:
    gpus, name = flavor.integer("gpu_count", 0, 10_000), flavor.text(_GPU)
    gpu_type, gpu_family = canonical_gpu(name if gpus != 0 else None)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=flavor.integer("cpu"),
        memory_gb=flavor.number("ram"),
        disk_gb=flavor.number("disk"),
        vendor_sku=sku,
        image=item.child("image").text("name"),
        vendor=collect_facts(
            gpu=name,
            environment=item.child("environment").text("name"),
            ephemeral_disk_gb=flavor.number("ephemeral"),
            os=item.text("os"),
            vm_state=item.text("vm_state"),
            power_state=item.text("power_state"),
            floating_ip_status=item.text("floating_ip_status"),
            contract_id=item.reference("contract_id"),
            locked=item.flag("locked"),
        ),
    )


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    dropped_before = item.dropped
    attachments = item.children("volume_attachments")
    if attachments is None:
        return NOT_REPORTED
    links: dict[str, Attachment] = {}
    for attachment in attachments:
        volume_id = attachment.child("volume").reference("id")
        since = attachment.timestamp("created_at")
        if volume_id is None:
            # A list that could not be read completely must not close any link.
            return NOT_REPORTED
        links[volume_id] = Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, volume_id, since)
    return tuple(links.values()) if item.dropped == dropped_before else NOT_REPORTED


def _read_volume(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    sku = item.text("volume_type")
    environment = item.child("environment")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.BLOCK_DISK,
        # If no status is reported, a listed volume can be attached.
        status=ResourceStatus.RUNNING if vendor_status is None else ResourceStatus.UNKNOWN,
        vendor_status=vendor_status,
        region=environment.text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=item.number("size"),
            vendor_sku=sku,
            vendor=collect_facts(
                environment=environment.text("name"),
                description=item.text("description"),
                bootable=item.flag("bootable"),
                image_id=item.reference("image_id"),
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, sku, None, None),
    )
