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
from functools import partial
from types import MappingProxyType
from typing import ClassVar, Final

from domain.enums import ContractType, ResourceKind, ResourceStatus
from domain.errors import MalformedAnswer
from domain.records.observation import Observation, Spec, Terms
from vendors.api_key import ApiKeyVendor, JsonListing, ListingPaging, Query
from vendors.base import Listing, PriceList, Quote, QuotePage, RateLimit, VendorRequest, VendorResponse
from vendors.parse.fields import FieldReader, collect_facts, read_object
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, volume_of

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
_FIRST_CURSOR: Final = "1:"
"""A cursor consists of a page number and the first id on the page before."""
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
            return (_listing("listVms", "instances", _read_machine),)
        return (_listing("listVolumes", "volumes", _read_volume),)

    def price_list(self, kind: ResourceKind, region: str | None) -> PriceList | None:
        """Return the price list of machines. The names of volumes in the pricebook are not documented."""
        return Pricebook() if kind is ResourceKind.MACHINES else None


def _listing(operation: str, key: str, read_item: Callable[[FieldReader], Observation]) -> JsonListing:
    paging = ListingPaging(_page_query, partial(_follow, operation, key))
    return JsonListing(operation, PATHS[operation], key, read_item, paging=paging)


def _page_query(cursor: str | None) -> Query:
    return (("page", (cursor or _FIRST_CURSOR).partition(":")[0]), ("pageSize", str(_PAGE_SIZE)))


def _follow(
    operation: str, key: str, body: FieldReader, response: VendorResponse, items: int
) -> tuple[str | None, int | None]:
    count = body.integer("count")
    if count is None:
        raise MalformedAnswer(f"{operation}: 'count', the number of items of the whole list, is missing.")
    page, _, first_before = (response.cursor or _FIRST_CURSOR).partition(":")
    number, size = int(page), body.integer("page_size", 1) or _PAGE_SIZE
    first = (body.items(key)[0].reference("id") or "") if items else ""
    # Some answers count only the items of their own page. Such a count says nothing about the whole list.
    total = None if count == items else count
    # Without a total, only a page that is not full ends the list, or the same page again from a server without pages.
    has_next = items >= size and ((number - 1) * size + items < total if total is not None else first != first_before)
    return f"{number + 1}:{first}" if has_next else None, total


@dataclass(frozen=True, slots=True)
class Pricebook:
    """The price of a GPU per hour, by GPU name."""

    has_hardware: ClassVar[bool] = False

    def request(self, cursor: str | None) -> VendorRequest:
        """Return the one request."""
        return VendorRequest("getPricebook", PATHS["getPricebook"])

    def read(self, response: VendorResponse) -> QuotePage:
        """Return the quotes of the list. A name that occurs twice with different prices has no quote."""
        body = read_object({"pricebook": response.payload})
        quotes: dict[str, set[float]] = {}
        for item in body.items("pricebook"):
            name, value = item.text("name"), item.price("value")
            is_temporary = item.text("start_time") is not None or item.text("end_time") is not None
            if name is not None and value is not None and not is_temporary:
                quotes.setdefault(name, set()).add(value)
        single = {name: Quote(values.pop(), "USD") for name, values in quotes.items() if len(values) == 1}
        return QuotePage(single, None, body.dropped)

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
    return machine_of(
        item,
        _machine_spec(item, flavor, sku),
        status=STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN),
        vendor_status=vendor_status,
        region=item.child("environment").text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
        access=access_to(item.address("floating_ip"), item.address("fixed_ip")),
        contract=_contract(item, flavor, sku),
        links=read_links(item, ResourceKind.VOLUMES, _attached_volumes),
    )


def _contract(item: FieldReader, flavor: FieldReader, sku: str | None) -> ContractType:
    if item.reference("contract_id") is not None:
        return ContractType.RESERVED
    names = (sku, flavor.text(_GPU))
    return ContractType.SPOT if any(name and name.lower().endswith(_SPOT) for name in names) else ContractType.ONDEMAND


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


def _attached_volumes(item: FieldReader) -> Attached:
    attachments = item.children("volume_attachments")
    if attachments is None:
        return None
    return [(attached.child("volume").reference("id"), attached.timestamp("created_at")) for attached in attachments]


def _read_volume(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    environment = item.child("environment")
    return volume_of(
        item,
        Spec(
            disk_gb=item.number("size"),
            vendor_sku=item.text("volume_type"),
            vendor=collect_facts(
                environment=environment.text("name"),
                description=item.text("description"),
                bootable=item.flag("bootable"),
                image_id=item.reference("image_id"),
            ),
        ),
        # If no status is reported, a listed volume can be attached.
        status=ResourceStatus.RUNNING if vendor_status is None else ResourceStatus.UNKNOWN,
        vendor_status=vendor_status,
        region=environment.text("region"),
        created_at=item.timestamp("created_at"),
        name=item.text("name"),
    )
