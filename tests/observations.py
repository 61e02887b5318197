"""Observations for tests: machines, volumes and attachments, as a vendor would report them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.enums import (
    ContractType,
    LinkType,
    OfferType,
    PriceSource,
    ResourceKind,
    ResourceStatus,
    ResourceType,
)
from domain.records.observation import Access, Attachment, Observation, Price, Spec, SweepOutcome, SweepResult, Terms

TERMS = Terms(OfferType.VM, ContractType.ONDEMAND, "gpu_1x_a10", 0.75, "USD")


def machine(vendor_id: str = "m-1", **overrides: Any) -> Observation:
    """Return an observation of a running machine. Keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "kind": ResourceKind.MACHINES,
        "vendor_id": vendor_id,
        "resource_type": ResourceType.VM,
        "status": ResourceStatus.RUNNING,
        "vendor_status": "active",
        "region": "us-east-1",
        "name": f"name of {vendor_id}",
        "status_message": None,
        "access": Access("203.0.113.7", "10.0.0.7", "ssh ubuntu@203.0.113.7", 22),
        "spec": Spec(gpu_type="nvidia-a10", gpu_family="A10", gpu_count=1, vcpu_count=30.0, vendor_sku="gpu_1x_a10"),
        "price": Price(0.75, "USD", PriceSource.VENDOR),
        "terms": TERMS,
        "links": (),
    }
    return Observation(**(fields | overrides))


def volume(vendor_id: str = "v-1", **overrides: Any) -> Observation:
    """Return an observation of a volume, which reports no links. Keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "kind": ResourceKind.VOLUMES,
        "vendor_id": vendor_id,
        "resource_type": ResourceType.BLOCK_DISK,
        "status": ResourceStatus.RUNNING,
        "vendor_status": "in-use",
        "region": "us-east-1",
        "name": None,
        "spec": Spec(disk_gb=100.0),
    }
    return Observation(**(fields | overrides))


def attached(vendor_id: str = "v-1", since: datetime | None = None) -> Attachment:
    """Return the attachment of a volume."""
    return Attachment(LinkType.ATTACHED_STORAGE, ResourceKind.VOLUMES, vendor_id, since)


def complete(*observations: Observation) -> SweepResult:
    """Return a complete sweep with these observations."""
    return SweepResult(SweepOutcome.COMPLETE, observations, calls=1)
