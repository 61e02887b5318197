"""Accounts, their scopes, and the coverage of a list."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from domain.enums import AccountState, BreakerState, ResourceKind, ScopeState, StaleReason
from schema import enums as enums  # noqa: PLC0414  # importing it registers the enums named above

_ADMIN: Final = "Requires the permission `admin`."
_REGION: Final = "The vendor's name of the region; null if the vendor's API lists all regions together."


@strawberry.type(
    description=(
        "The calls that an account may make: the configured share (`budget_share`) of the limits that the vendor documents."
    )
)
class AccountBudget:
    """The remaining calls of an account."""

    remaining: int | None = strawberry.field(
        description=(
            "The number of calls that could be sent now, in the region with the fewest left; null if no limit applies."
        )
    )
    resets_at: datetime | None = strawberry.field(
        description="When the whole budget is available again; null if it is available now."
    )


@strawberry.type(description="The calls to the vendor in the last hour.")
class AccountCalls:
    """The calls of an account in the last hour."""

    # style: allow made - the public name of the field
    made: int = strawberry.field(description="The number of calls that were sent, retries included.")
    saved: int = strawberry.field(
        description="The number of calls that were not needed because requests shared the result of another call."
    )


@strawberry.type(
    description="The smallest unit that a vendor lists: one kind of resource, in one region if the API is regional."
)
class VendorScope:
    """A kind of resource of an account, in a region if the vendor's API is regional."""

    kind: ResourceKind = strawberry.field(description="The kind of resource that is listed.")
    region: str | None = strawberry.field(description=_REGION)
    swept_at: datetime | None = strawberry.field(
        description="When the last complete listing was sent; null if there was none."
    )
    resource_count: int = strawberry.field(description="The number of resources in the scope that are not deleted.")
    state: ScopeState = strawberry.field(description="The result of the last listing.")
    reason: StaleReason | None = strawberry.field(
        description="Why the last listing failed or is not trusted; null if it was complete."
    )
    next_allowed_at: datetime | None = strawberry.field(
        description="When the vendor may be asked for this scope again; null if it may be asked now."
    )
    breaker: BreakerState | None = strawberry.field(
        description=f"Whether repeated failures block requests for this scope. {_ADMIN}"
    )
    missing_count: int = strawberry.field(
        description="The number of resources of the scope that the last complete listing did not contain."
    )


@strawberry.type(description="One set of credentials at one vendor, with a name that the operator chose.")
class VendorAccount:
    """An account and its scopes."""

    name: str = strawberry.field(description="The name of the account, which identifies it.")
    vendor: str = strawberry.field(description="The vendor's name, such as `aws` or `lambda`.")
    state: AccountState = strawberry.field(description="The state of the account, over all its scopes.")
    last_error: str | None = strawberry.field(
        description=f"The last error of the account, in words for the operator; null if there is none. {_ADMIN}"
    )
    budget: AccountBudget | None = strawberry.field(
        description=f"The remaining calls of the account; null if the account is not configured. {_ADMIN}"
    )
    calls: AccountCalls | None = strawberry.field(
        description=f"The calls of the last hour; null if the account is not configured. {_ADMIN}"
    )
    scopes: list[VendorScope] = strawberry.field(description="Everything that is listed with the credentials.")


@strawberry.type(description="A scope that may hold resources which the list does not contain.")
class CoverageGap:
    """A scope without a listing that is recent enough, and the reason."""

    account: VendorAccount = strawberry.field(description="The account of the scope.")
    kind: ResourceKind = strawberry.field(description="The kind of resource that the scope lists.")
    region: str | None = strawberry.field(description=_REGION)
    swept_at: datetime | None = strawberry.field(
        description="When the last complete listing of the scope was sent; null if there was none."
    )
    reason: StaleReason = strawberry.field(description="Why there is no newer listing.")


@strawberry.type(
    description=(
        "Whether a list is current. A scope that could not be listed in time may hold resources that the list lacks."
    )
)
class ListCoverage:
    """The completeness of a list."""

    complete: bool = strawberry.field(
        description="Whether every scope that may hold a match was listed completely, as recently as was demanded."
    )
    swept_at: datetime | None = strawberry.field(
        description=(
            "When the oldest of the last complete listings of these scopes was sent; null if one was never listed."
        )
    )
    gaps: list[CoverageGap] = strawberry.field(description="The scopes without such a listing.")
