"""Vast.ai: instances and volumes.

Source: Vast's OpenAPI document (`vast-ai/docs`, api-reference/openapi.yaml), its command line's page on statuses
(cli/reference/show-instances-v1) and its page on limits (api-reference/rate-limits-and-errors). Limits: a least interval between
two calls of an endpoint; the examples of the specification show 1 s for the list of instances, 2 s for one, 5.5 s for volumes.

What our words mean here
- The status is `actual_status`, read with `cur_state` and `intended_status`: an instance that is `unloaded` is being destroyed,
  one that runs and is meant to be stopped is stopping, one that exited is stopped if that was meant, else in error. Null is
  "being provisioned". `frozen` is RUNNING: "GPU charges apply". `unknown` and `offline` say that Vast itself does not know.
- The price is `dph_total` while RUNNING, and `storage_total_cost` while STOPPED, when "disk charges continue; no GPU charges":
  `dph_total` is `dph_base` and that cost together. In other states it is not documented, and null. An instance with a
  `credit_discount` was paid ahead: RESERVED, and what it then costs is not told. `is_bid` is SPOT, whose rate floats.
- The rental lasts from `start_date` to `end_date`; the first is its creation, from which Vast's own tool counts its age.
- Volumes own the links. Neither the words of a volume's status nor the unit of its cost are documented: any word is UNKNOWN, and
  no price is told. A volume has no call of its own: it is never probed.
- SSH is direct where port 22 is mapped, else through Vast's own host; the user is root. `geolocation` is the region, free text.
- `cpu_ram` is the host's, of which an instance may have a part: it is a fact beside, and its own memory is not told.
- `jupyter_token`, `extra_env`, `onstart` and `image_args` may hold secrets; load, costs so far, scores and what is left of the
  rental move by themselves: they are not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.records.observation import (
    NO_PRICE,
    NOT_REPORTED,
    Access,
    Attachment,
    NotReported,
    Observation,
    Price,
    Spec,
    Terms,
)
from vendors.api_key import ApiKeyVendor, SingleCallListing
from vendors.base import Listing, Page, RateLimit, VendorRequest, VendorResponse
from vendors.parse.fields import DropCounter, FieldReader, facts, from_object, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.links import attachment_links

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "created": ResourceStatus.PROVISIONING,
    "loading": ResourceStatus.PROVISIONING,
    "rebooting": ResourceStatus.PROVISIONING,
    "running": ResourceStatus.RUNNING,
    "frozen": ResourceStatus.RUNNING,
    "stopped": ResourceStatus.STOPPED,
    "exited": ResourceStatus.ERROR,
    "unknown": ResourceStatus.UNKNOWN,
    "offline": ResourceStatus.UNKNOWN,
}
"""Of `actual_status` alone (show-instances-v1); `created` was seen, and is not documented."""
_MEANT_TO_STOP: Final[Mapping[str, ResourceStatus]] = {
    "running": ResourceStatus.STOPPING,
    "exited": ResourceStatus.STOPPED,
}
_UNLOADED: Final = "unloaded"
"""Of `cur_state`: "released on destroy" (show-instances-v1)."""
_LIST: Final = "showInstances"
_PROBE: Final = "showInstance"
_VOLUMES: Final = "listVolumes"
_PAGE_SIZE: Final = 25
_BY_ID: Final = '[{"col":"id","dir":"asc"}]'
_SSH: Final = "22/tcp"
_USER: Final = "root"
_MEBIBYTES: Final = 1024


class Vast(ApiKeyVendor):
    """One API key at Vast.ai."""

    name = "vast"
    address = "https://console.vast.ai/api"
    links_owner = ResourceKind.VOLUMES
    error_path = ("error",)
    # Of the 404 of calls about one instance (changeBid, cancelSync, detachSsh).
    no_such = MappingProxyType({_PROBE: frozenset({"no_such_instance"})})
    # "A minimum interval between requests for a given endpoint and identity" (rate-limits-and-errors). How long, only the example
    # of each operation's 429 tells: "API requests too frequent endpoint threshold=".
    documented_limits = (RateLimit(1, 1, _LIST), RateLimit(1, 2, _PROBE), RateLimit(1, 5.5, _VOLUMES))
    # Pages of 25, one after the other at half the documented pace: 300 instances take half a minute, 1,500 two minutes.
    default_cooldown_seconds = 120
    default_deadline_seconds = 2
    default_flight_seconds = 120

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Instances page by page, volumes in one call."""
        if kind is ResourceKind.MACHINES:
            return (_Instances(),)
        return (SingleCallListing(_VOLUMES, "/v0/volumes", "volumes", _volume),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Instances only."""
        if kind is not ResourceKind.MACHINES:
            return None
        return VendorRequest(_PROBE, f"/v0/instances/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The one object lies under `instances`; null there is not the vendor's word for its absence."""
        return _machine(from_object(answer.payload, DropCounter()).child("instances"))


class _Instances:
    """Instances in the order of their ids, page by page."""

    def request(self, cursor: str | None) -> VendorRequest:
        """The call for a page. Pages go on behind an id: what comes or goes meanwhile moves no other."""
        after = (("after_token", cursor),) if cursor else ()
        query = (("limit", str(_PAGE_SIZE)), ("order_by", _BY_ID), *after)
        return VendorRequest(_LIST, "/v1/instances", query=query)

    def read(self, answer: VendorResponse) -> Page:
        """What the page told. Only a list of one page is counted: what goes while pages are read is missing rightly."""
        drops = DropCounter()
        told = from_object(answer.payload, drops)
        items = tuple(map(_machine, told.items("instances")))
        cursor, total = told.cursor("next_token"), told.whole("total_instances")
        return Page(items, cursor, drops.count, total if cursor is answer.cursor is None else None)


def _machine(told: FieldReader) -> Observation:
    word, status = _status(told)
    contract = _contract(told)
    rate, storage = told.price("dph_total"), told.price("storage_total_cost")
    known = None if contract is ContractType.RESERVED else rate
    amount = {ResourceStatus.RUNNING: known, ResourceStatus.STOPPED: storage}.get(status)
    start, end = told.instant("start_date"), told.instant("end_date")
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.CONTAINER,
        status=status,
        vendor_status=word,
        region=told.text("geolocation"),
        created_at=start,
        name=told.text("label"),
        status_message=told.text("status_msg"),
        access=_access(told),
        spec=_spec(told),
        price=NO_PRICE if amount is None else Price(amount, "USD", PriceSource.VENDOR),
        terms=Terms(OfferType.CONTAINER, contract, None, known, None if known is None else "USD"),
        valid_from=start,
        valid_to=end,
    )


def _status(told: FieldReader) -> tuple[str | None, ResourceStatus]:
    before = told.dropped
    word = told.text("actual_status")
    if told.text("cur_state") == _UNLOADED:
        return word, ResourceStatus.DELETING
    if word is None:
        being_made = told.has("actual_status") and told.dropped == before
        return None, ResourceStatus.PROVISIONING if being_made else ResourceStatus.UNKNOWN
    if told.text("intended_status") == "stopped" and word in _MEANT_TO_STOP:
        return word, _MEANT_TO_STOP[word]
    return word, STATUS.get(word, ResourceStatus.UNKNOWN)


def _contract(told: FieldReader) -> ContractType:
    bid = told.flag("is_bid")
    if bid is None:
        return ContractType.UNKNOWN
    if bid:
        return ContractType.SPOT
    return ContractType.RESERVED if told.number("credit_discount", 0, 1) else ContractType.ONDEMAND


def _access(told: FieldReader) -> Access | None:
    outer, inner = told.address("public_ipaddr"), _first_address(told)
    mapped = (told.child("ports").children(_SSH) or (None,))[0]
    direct = _port(mapped.text("HostPort")) if mapped and outer else None
    host, port = (outer, direct) if direct else (told.host("ssh_host"), told.port("ssh_port"))
    whole = host is not None and port is not None
    access = Access(outer, inner, ssh_command(_USER, host, port) if whole else None, port if whole else None)
    return None if access == Access() else access


def _port(text: str | None) -> int | None:
    """A mapped port, which is told as text."""
    return FieldReader({"port": text}, DropCounter(), textual=True).port("port")


def _first_address(told: FieldReader) -> str | None:
    """`local_ipaddrs` are several, with spaces between and behind them."""
    first, *_ = [*(told.text("local_ipaddrs") or "").split(), None]
    return FieldReader({"first": first}, DropCounter()).address("first")


def _spec(told: FieldReader) -> Spec:
    gpus, memory = told.whole("num_gpus", 0, 10_000), told.number("gpu_ram")
    gpu_type, gpu_family = canonical_gpu(told.text("gpu_name"), memory / _MEBIBYTES if memory else None)
    return Spec(
        gpu_type=gpu_type if gpus != 0 else None,
        gpu_family=gpu_family if gpus != 0 else None,
        gpu_count=gpus,
        vcpu_count=told.number("cpu_cores_effective"),
        disk_gb=told.number("disk_space"),
        image=told.text("image_uuid"),
        vendor=facts(
            intended_status=told.text("intended_status"),
            cur_state=told.text("cur_state"),
            template_name=told.text("template_name"),
            machine_id=told.reference("machine_id"),
            host_id=told.reference("host_id"),
            verification=told.text("verification"),
            static_ip=told.flag("static_ip"),
            gpu_fraction=told.number("gpu_frac", 0, 1),
            gpu_memory_mb=memory,
            cpu_name=told.text("cpu_name"),
            cpu_arch=told.text("cpu_arch"),
            host_memory_mb=told.number("cpu_ram"),
            disk_name=told.text("disk_name"),
        ),
    )


def _volume(told: FieldReader) -> Observation:
    word = told.text("status")
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.FILESYSTEM,
        # Where no status is told, what is listed can be mounted.
        status=ResourceStatus.UNKNOWN if told.has("status") and word else ResourceStatus.RUNNING,
        vendor_status=word,
        region=told.text("geolocation"),
        created_at=told.instant("start_date"),
        name=told.text("label"),
        status_message=None,
        access=None,
        spec=Spec(
            disk_gb=told.number("disk_space"),
            vendor=facts(
                machine_id=told.reference("machine_id"),
                host_id=told.reference("host_id"),
                cluster_id=told.reference("cluster_id"),
                verification=told.text("verification"),
                disk_name=told.text("disk_name"),
            ),
        ),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
        links=_links(told),
    )


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = told.dropped
    instances = told.children("instances")
    if instances is None:
        return NOT_REPORTED
    ids = [instance.reference("id") for instance in instances]
    return attachment_links(LinkType.ATTACHED_TO, ResourceKind.MACHINES, ids, whole=told.dropped == before)
