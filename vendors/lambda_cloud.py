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

from domain.enums import ResourceKind, ResourceStatus, ResourceType
from domain.errors import CredentialsRejected, Unreachable, VendorFailure
from domain.records.observation import Observation, Spec
from vendors.api_key import ApiKeyVendor, JsonListing, Probe
from vendors.base import Listing, RateLimit, VendorRequest
from vendors.client.failures import error_code, safe_error_code
from vendors.parse.fields import FieldReader, collect_facts
from vendors.parse.gpu_names import canonical_gpu
from vendors.parse.items import Attached, access_to, machine_of, read_links, us_dollars, volume_of

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
            return (JsonListing("listInstances", "/instances", "data", _read_machine),)
        return (JsonListing("listFilesystems", "/file-systems", "data", _read_volume),)

    def probe(self, kind: ResourceKind, region: str | None) -> Probe | None:
        """Return the call for one instance. File systems have no such call."""
        return Probe(_PROBE, "/instances", "data", _read_machine) if kind is ResourceKind.MACHINES else None

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
    return machine_of(
        item,
        _spec(instance_type, sku, item.text("hostname")),
        status=status,
        vendor_status=vendor_status,
        region=item.child("region").text("name"),
        name=item.text("name"),
        access=access_to(item.address("ip"), item.address("private_ip"), "ubuntu"),
        price=us_dollars(rate if status is ResourceStatus.RUNNING else None),
        rate=rate,
        links=read_links(item, ResourceKind.VOLUMES, _file_systems),
    )


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


def _file_systems(item: FieldReader) -> Attached:
    mounts, names = item.children("file_system_mounts"), item.texts("file_system_names")
    if not mounts and (names or (mounts is None and names is None)):
        return None
    return [(mount.reference("file_system_id"), None) for mount in mounts or ()]


def _read_volume(item: FieldReader) -> Observation:
    return volume_of(
        item,
        Spec(vendor=collect_facts(mount_point=item.text("mount_point"))),
        resource_type=ResourceType.FILESYSTEM,
        region=item.child("region").text("name"),
        created_at=item.timestamp("created"),
        name=item.text("name"),
    )
