"""The response models of the REST route. Their names and descriptions are those of the published contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

# The docstrings of the models are the descriptions in the contract, and they are published.


class ResourceAccessInfo(BaseModel):
    """Connection details for a resource (populated from vendor item outputs)."""

    external_ip: str | None = None
    internal_ip: str | None = None
    ssh_command: str | None = None
    ssh_port: int | None = None


class LinkedResourceSummary(BaseModel):
    """Summary of a linked resource (e.g. storage attached to a VM)."""

    resource_id: UUID
    resource_type: str
    name: str | None = None
    status: str
    link_type: str
    linked_since: datetime
    linked_until: datetime | None = None


class OfferResourceSummary(BaseModel):
    """Summary of an offer-to-resource provenance record."""

    offer_id: UUID
    offer_type: str
    role: str
    created_at: datetime


class ResourceSummary(BaseModel):
    """Summary of a user-level resource (for list endpoint)."""

    resource_id: UUID
    resource_type: str
    name: str | None = None
    vendor: str
    vendor_region: str
    status: str
    status_message: str | None = None
    access: ResourceAccessInfo | None = None
    spec: dict[str, Any] = Field(default_factory=dict)
    linked_resources: list[LinkedResourceSummary] = Field(default_factory=list)
    offer_history: list[OfferResourceSummary] = Field(default_factory=list)
    pricing_total_hourly: float | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    last_synced_at: datetime | None = None
    created_at: datetime


class Detail(BaseModel):
    """Why a request was refused."""

    detail: str


VALIDATION_ERROR: Final = {
    "properties": {
        "loc": {
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "type": "array",
            "title": "Location",
        },
        "msg": {"type": "string", "title": "Message"},
        "type": {"type": "string", "title": "Error Type"},
    },
    "type": "object",
    "required": ["loc", "msg", "type"],
    "title": "ValidationError",
}
"""One entry of a 422. FastAPI's own entry also repeats the input, which may be a secret."""
