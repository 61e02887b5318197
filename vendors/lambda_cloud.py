"""Lambda Cloud: instances and file systems.

Source: Lambda's OpenAPI document, version 1.8.3. Limits: one request a second in general (its introduction).

How its data is read
- Every instance has a price, which is the cost of an `active` one. When billing begins or ends for instances that boot,
  are unhealthy or were preempted is not documented, so their price is null. The running rate is always reported.
- `preempted` is ERROR, not deleted: whether it is still billed is not documented.
- Instances own the links. "If no filesystems are mounted", `file_system_mounts` "will be missing" (Instance). An empty
  `file_system_names` then means that there are none. Names without mounts have no ids, and names are not unique over
  regions, so the links are then not reported. A file system has no call of its own: it is never probed.
- SSH is `ubuntu` at port 22 by convention; the API reports neither. `jupyter_token` and `jupyter_url` are secrets, and
  `bytes_used` changes continuously: they are not read.
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
from vendors.client.failures import safe_error_code
from vendors.parse.fields import SSH_PORT, DropCounter, FieldReader, collect_facts, read_object, ssh_command
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
_REJECTED_CODES: Final = frozenset({"global/invalid-api-key", "global/account-inactive"})
"""Documented for 401 and 403."""
_UPSTREAM_PREFIX: Final = "provider/"
"""The prefix of error codes "that come from upstream services/providers" (introduction)."""
_PROBE: Final = "getInstance"


class LambdaCloud(ApiKeyVendor):
    """One API key at Lambda Cloud."""

    name = "lambda"
    api_url = "https://cloud.lambda.ai/api/v1"
    links_owner = ResourceKind.MACHINES
    error_path = ("error", "code")
    # Documented for the 404 of `GET /instances/{id}` (ApiErrorInstanceNotFound).
    not_found_codes = MappingProxyType({_PROBE: frozenset({"global/object-does-not-exist"})})
    ids_span_accounts = True
    # About one request a second (the specification's text), counted over ten seconds.
    documented_limits = (RateLimit(10, 10),)

    def listings(self, kind: ResourceKind, region: str | None) -> tuple[Listing, ...]:
        """Return the listing of the kind, which has no pages."""
        if kind is ResourceKind.MACHINES:
            return (SingleCallListing("listInstances", "/instances", "data", _read_machine),)
        return (SingleCallListing("listFilesystems", "/file-systems", "data", _read_volume),)

    def probe_request(self, kind: ResourceKind, region: str | None, vendor_id: str) -> VendorRequest | None:
        """Request one instance by its id. File systems have no such call."""
        if kind is not ResourceKind.MACHINES:
            return None
        return VendorRequest(_PROBE, f"/instances/{quote(vendor_id, safe='')}")

    def read_probe(
        self, kind: ResourceKind, region: str | None, vendor_id: str, response: VendorResponse
    ) -> Observation:
        """Return the instance; its fields are the same as in the list."""
        data = read_object(response.payload, DropCounter()).resource("data")
        return _read_machine(data)

    def read_failure(
        self, request: VendorRequest, status: int, headers: Mapping[str, str], body: str, now: datetime
    ) -> VendorFailure | None:
        """Interpret `error.code`; message and suggestion "are subject to change" (introduction)."""
        code = error_code(body, *self.error_path) or ""
        text = f"{request.operation}: answered {status} ({safe_error_code(code)})"
        if code in _REJECTED_CODES:
            return CredentialsRejected(f"{text}; check the account's api_key.")
        if code.startswith(_UPSTREAM_PREFIX):
            return Unreachable(f"{text}.")
        return super().read_failure(request, status, headers, body, now)


def _read_machine(item: FieldReader) -> Observation:
    vendor_status = item.text("status")
    status = STATUS.get(vendor_status or "", ResourceStatus.UNKNOWN)
    instance_type = item.child("instance_type")
    sku = instance_type.text("name")
    cents = instance_type.number("price_cents_per_hour", 0, 100_000_000)
    rate = None if cents is None else cents / 100
    has_price = status is ResourceStatus.RUNNING and rate is not None
    currency = None if rate is None else "USD"
    return Observation(
        kind=ResourceKind.MACHINES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.VM,
        status=status,
        vendor_status=vendor_status,
        region=item.child("region").text("name"),
        created_at=None,
        name=item.text("name"),
        status_message=None,
        access=_access(item),
        spec=_spec(instance_type, sku, item.text("hostname")),
        price=Price(rate, "USD", PriceSource.VENDOR) if has_price else NO_PRICE,
        terms=Terms(OfferType.VM, ContractType.ONDEMAND, sku, rate, currency),
        links=_links(item),
    )


def _access(item: FieldReader) -> Access | None:
    external_ip, internal_ip = item.address("ip"), item.address("private_ip")
    if external_ip is None:
        return Access(internal_ip=internal_ip) if internal_ip else None
    return Access(external_ip, internal_ip, ssh_command("ubuntu", external_ip, SSH_PORT), SSH_PORT)


def _spec(instance_type: FieldReader, sku: str | None, hostname: str | None) -> Spec:
    specs = instance_type.child("specs")
    gpus = specs.integer("gpus", 0, 10_000)
    gpu_type, gpu_family = canonical_gpu(_gpu_model(instance_type) if gpus != 0 else None)
    return Spec(
        gpu_type=gpu_type,
        gpu_family=gpu_family,
        gpu_count=gpus,
        vcpu_count=specs.integer("vcpus"),
        memory_gb=specs.number("memory_gib"),
        disk_gb=specs.number("storage_gib"),
        vendor_sku=sku,
        vendor=collect_facts(hostname=hostname),
    )


def _gpu_model(instance_type: FieldReader) -> str | None:
    description = instance_type.text("gpu_description")
    if description is not None:
        return None if description == "N/A" else description
    # An instance type's description looks like `8x H100 (80 GB SXM5)`.
    count, _, model = (instance_type.text("description") or "").partition("x ")
    return model if model and count.isdigit() else None


def _links(item: FieldReader) -> tuple[Attachment, ...] | NotReported:
    dropped_before = item.dropped
    mounts, names = item.children("file_system_mounts"), item.texts("file_system_names")
    ids = [mount.reference("file_system_id") for mount in mounts or ()]
    has_only_names = not ids and (bool(names) or (mounts is None and names is None))
    complete = item.dropped == dropped_before and not has_only_names
    return attachment_links(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, ids, complete=complete)


def _read_volume(item: FieldReader) -> Observation:
    return Observation(
        kind=ResourceKind.VOLUMES,
        vendor_id=item.identifier("id"),
        resource_type=ResourceType.FILESYSTEM,
        # No status is reported: a listed file system can be mounted.
        status=ResourceStatus.RUNNING,
        vendor_status=None,
        region=item.child("region").text("name"),
        created_at=item.timestamp("created"),
        name=item.text("name"),
        status_message=None,
        access=None,
        spec=Spec(vendor=collect_facts(mount_point=item.text("mount_point"))),
        price=NO_PRICE,
        terms=Terms(OfferType.STORAGE, ContractType.ONDEMAND, None, None, None),
    )
