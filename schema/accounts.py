"""Accounts and scopes, and whether a list is current."""

from __future__ import annotations

from datetime import datetime

import strawberry

from domain.words import AccountState, ResourceKind, ScopeState, StaleReason
from schema import enums as enums  # noqa: PLC0414  # importing it publishes the enums named above


@strawberry.type(description="The smallest unit that a vendor lists in one go.")
class VendorScope:
    """A kind in a region, where the vendor's API is regional."""

    kind: ResourceKind = strawberry.field(description="What is listed.")
    region: str | None = strawberry.field(description="Where; null if the vendor's API knows no regions.")
    swept_at: datetime | None = strawberry.field(description="When the last complete listing was sent; null is never.")
    resource_count: int = strawberry.field(description="How many living resources it holds.")
    state: ScopeState = strawberry.field(description="How its last listing ended.")
    reason: StaleReason | None = strawberry.field(description="What went wrong with it, if anything did.")
    next_allowed_at: datetime | None = strawberry.field(
        description="Before this moment it is not asked again; null is now."
    )


@strawberry.type(description="One set of credentials at one vendor, named by the operator.")
class VendorAccount:
    """An account and its scopes."""

    name: str = strawberry.field(description="The account's name, which is its identity.")
    vendor: str = strawberry.field(description="The cloud: `aws`, `lambda`, ...")
    state: AccountState = strawberry.field(description="How it fares, over all its scopes.")
    last_error: str | None = strawberry.field(
        description="What went wrong last, in words for the operator; selecting it needs the permission `admin`."
    )
    scopes: list[VendorScope] = strawberry.field(description="All that is listed with these credentials.")


@strawberry.type(description="A scope that may hold resources which the list lacks.")
class CoverageGap:
    """A scope and why it could not be listed in time."""

    account: VendorAccount = strawberry.field(description="Whose scope it is.")
    kind: ResourceKind = strawberry.field(description="What it lists.")
    region: str | None = strawberry.field(description="Where; null if the vendor's API knows no regions.")
    swept_at: datetime | None = strawberry.field(description="When its last complete listing was sent; null is never.")
    reason: StaleReason = strawberry.field(description="Why there is no newer one.")


@strawberry.type(
    description=(
        "Whether the list itself is current: a scope that could not be asked may hold resources that are not in it."
    )
)
class ListCoverage:
    """The truth about what a list may lack."""

    complete: bool = strawberry.field(
        description="Every scope that may hold a match was listed completely within the demand."
    )
    swept_at: datetime | None = strawberry.field(
        description="The oldest last complete listing among them; null when one was never listed."
    )
    gaps: list[CoverageGap] = strawberry.field(description="The scopes that were not.")
