"""Accounts and scopes, and whether a list is current."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from domain.enums import AccountState, BreakerState, ResourceKind, ScopeState, StaleReason
from schema import enums as enums  # noqa: PLC0414  # importing it publishes the enums named above

_ADMIN: Final = "selecting it needs the permission `admin`."


@strawberry.type(
    description="The account's call budget: the configured share (`budget_share`) of the limits that the vendor documents."
)
class AccountBudget:
    """How many calls are left."""

    remaining: int | None = strawberry.field(
        description="Calls that could be sent at once, where least are left; null where nothing limits them."
    )
    resets_at: datetime | None = strawberry.field(description="When the budget is whole again; null where it is now.")


@strawberry.type(description="The last hour's calls to a vendor.")
class AccountCalls:
    """What was asked, and what sharing saved."""

    made: int = strawberry.field(description="Calls made, repeated ones included.")
    saved: int = strawberry.field(description="Calls that readers were spared because they shared a flight.")


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
    breaker: BreakerState | None = strawberry.field(description=f"Whether it may be asked after its failures; {_ADMIN}")
    missing_count: int = strawberry.field(description="How many of its resources the last complete listing lacks.")


@strawberry.type(description="One set of credentials at one vendor, named by the operator.")
class VendorAccount:
    """An account and its scopes."""

    name: str = strawberry.field(description="The account's name, which is its identity.")
    vendor: str = strawberry.field(description="The cloud: `aws`, `lambda`, ...")
    state: AccountState = strawberry.field(description="How it fares, over all its scopes.")
    last_error: str | None = strawberry.field(description=f"What went wrong last, in words for the operator; {_ADMIN}")
    budget: AccountBudget | None = strawberry.field(description=f"The account's budget of calls; {_ADMIN}")
    calls: AccountCalls | None = strawberry.field(description=f"The last hour's calls; {_ADMIN}")
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
