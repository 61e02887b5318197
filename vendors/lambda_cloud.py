"""Lambda Cloud: instances and file systems.

Source: Lambda's OpenAPI document, version 1.8.3. Limits: one request a second in general (its introduction).

What our words mean here
- A price is told for every instance; it is what an `active` one costs. When billing of one that boots, is unhealthy or was
  preempted begins or ends is not documented, so those read null. The running rate is told throughout.
- `preempted` is ERROR, not gone: whether it is still billed is not documented.
- Instances own the links. "If no filesystems are mounted", `file_system_mounts` "will be missing" (Instance); then an empty
  `file_system_names` says that there are none. Names without mounts tell no ids, and names are not unique over regions, so
  the links are then not told. A file system has no call of its own: it is never probed.
- SSH is `ubuntu` at port 22 by convention; the API tells neither. `jupyter_token` and `jupyter_url` are secrets, `bytes_used`
  moves by itself: they are not taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from domain.enums import ContractType, LinkType, OfferType, PriceSource, ResourceKind, ResourceStatus, ResourceType
from domain.errors import CredentialsRejected, Unreachable, VendorFailure
from domain.records.observation import NO_PRICE, Access, Attachment, NotReported, Observation, Price, Spec, Terms
from vendors.api_key import ApiKeyVendor, SingleCallListing
from vendors.base import Listing, RateLimit, VendorRequest, VendorResponse
from vendors.client.error_bodies import error_code
from vendors.client.failures import vendor_word
from vendors.parse.fields import DropCounter, FieldReader, facts, from_object, ssh_command
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.links import attachment_links

STATUS: Final[Mapping[str, ResourceStatus]] = {
    "booting": ResourceStatus.PROVISIONING,
    "active": ResourceStatus.RUNNING,
    "unhealthy": ResourceStatus.ERROR,
    "preempted": ResourceStatus.ERROR,
    "terminating": ResourceStatus.DELETING,
    "terminated": ResourceStatus.DELETED,
}
_REJECTED: Final = frozenset({"global/invalid-api-key", "global/account-inactive"})
"""Of the documented 401 and 403."""
_UPSTREAM: Final = "provider/"
"""What begins the codes of errors "that come from upstream services/providers" (introduction)."""
_PROBE: Final = "getInstance"


class LambdaCloud(ApiKeyVendor):
    """One API key at Lambda Cloud."""

    name = "lambda"
    address = "https://cloud.lambda.ai/api/v1"
    links_owner = ResourceKind.MACHINES
    error_path = ("error", "code")
    # Of the 404 of `GET /instances/{id}` (ApiErrorInstanceNotFound).
    no_such = MappingProxyType({_PROBE: frozenset({"global/object-does-not-exist"})})
    ids_span_accounts = True
    # About one request a second (the specification's text), taken over ten seconds.
    documented_limits = (RateLimit(10, 10),)

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """One call a kind; there are no pages."""
        if kind is ResourceKind.MACHINES:
            return (SingleCallListing("listInstances", "/instances", "data", _machine),)
        return (SingleCallListing("listFilesystems", "/file-systems", "data", _volume),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Instances only."""
        if kind is not ResourceKind.MACHINES:
            return None
        return VendorRequest(_PROBE, f"/instances/{quote(vendor_id, safe='')}")

    def read_probe(self, kind: ResourceKind, region: str | None, vendor_id: str, answer: VendorResponse) -> Observation:
        """The same fields as in the list."""
        data = from_object(answer.payload, DropCounter()).child("data")
        return _machine(data)

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """By `error.code`; message and suggestion "are subject to change" (introduction)."""
        code = error_code(body, *self.error_path) or ""
        text = f"{request.operation}: answered {status} ({vendor_word(code)})"
        if code in _REJECTED:
            return CredentialsRejected(f"{text}; check the account's api_key.")
        if code.startswith(_UPSTREAM):
            return Unreachable(f"{text}.")
        return super().read_failure(request, status, headers, body, now)


def _machine(told: FieldReader) -> Observation:
    word = told.text("status")
    status = STATUS.get(word or "", ResourceStatus.UNKNOWN)
    offered = told.child("instance_type")
    sku = offered.text("name")
    cents = offered.number("price_cents_per_hour", 0, 100_000_000)
    rate = None if cents is None else cents / 100
    active = status is ResourceStatus.RUNNING and rate is not None
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.VM,
        status=status,
        vendor_status=word,
        region=told.child("region").text("name"),
        created_at=None,
        name=told.text("name"),
        status_message=None,
        access=_access(told),
        spec=_spec(offered, sku, told.text("hostname")),
        price=Price(rate, "USD", PriceSource.VENDOR) if active else NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, rate, currency),
        links=_links(told),
    )


def _access(told: FieldReader) -> Access | None:
    ip, inner = told.address("ip"), told.address("private_ip")
    if ip is None:
        return Access(internal_ip=inner) if inner else None
    return Access(external_ip=ip, internal_ip=inner, ssh_command=ssh_command("ubuntu", ip, 22), ssh_port=22)


def _spec(offered: FieldReader, sku: str | None, hostname: str | None) -> Spec:
    specs = offered.child("specs")
    gpus = specs.whole("gpus", 0, 10_000)
    gpu_type, gpu_family = canonical_gpu(_gpu_model(offered) if gpus != 0 else None)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=specs.whole("vcpus"),
        memory_gb=specs.number("memory_gib"),
        disk_gb=specs.number("storage_gib"),
        vendor_sku=sku,
        vendor=facts(hostname=hostname),
    )


def _gpu_model(offered: FieldReader) -> str | None:
    told = offered.text("gpu_description")
    if told is not None:
        return None if told == "N/A" else told
    # `8x H100 (80 GB SXM5)` is how an instance type is described.
    count, _, model = (offered.text("description") or "").partition("x ")
    return model if model and count.isdigit() else None


def _links(told: FieldReader) -> tuple[Attachment, ...] | NotReported:
    before = told.dropped
    mounts, names = told.children("file_system_mounts"), told.texts("file_system_names")
    ids = [mount.reference("file_system_id") for mount in mounts or ()]
    nameless = not ids and (bool(names) or (mounts is None and names is None))
    whole = told.dropped == before and not nameless
    return attachment_links(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, ids, whole=whole)


def _volume(told: FieldReader) -> Observation:
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=told.identifier("id"),
        resource_type=ResourceType.FILESYSTEM,
        # No status is told: what is listed can be mounted.
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=told.child("region").text("name"),
        created_at=told.instant("created"),
        name=told.text("name"),
        status_message=None,
        access=None,
        spec=Spec(vendor=facts(mount_point=told.text("mount_point"))),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
    )
