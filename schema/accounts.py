"""Accounts, their scopes, and the coverage of a list."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import strawberry

from domain.enums import AccountState, BreakerState, ResourceKind, ScopeState, StaleReason
from schema import enums as enums  # noqa: PLC0414  # importing it registers the enums named above
from schema.fields import describe, documented

_ADMIN: Final = "Requires the permission `admin`."
_REGION: Final = "The vendor's name of the region; null if the vendor's API lists all regions together."


@documented(strawberry.type)
class AccountBudget:
    """The calls that an account may make: the configured share (`budget_share`) of the limits that the vendor documents."""

    remaining: int | None = describe(
        "The number of calls that could be sent now, in the region with the fewest left; null if no limit applies."
    )
    resets_at: datetime | None = describe("When the whole budget is available again; null if it is available now.")


@documented(strawberry.type)
class AccountCalls:
    """The calls to the vendor in the last hour."""

    # style: allow made - the public name of the field
    made: int = describe("The number of calls that were sent, retries included.")
    saved: int = describe(
        "The number of calls that were not needed because requests shared the result of another call."
    )


@documented(strawberry.type)
class VendorScope:
    """The smallest unit that a vendor lists: one kind of resource, in one region if the API is regional."""

    kind: ResourceKind = describe("The kind of resource that is listed.")
    region: str | None = describe(_REGION)
    swept_at: datetime | None = describe("When the last complete listing was sent; null if there was none.")
    resource_count: int = describe("The number of resources in the scope that are not deleted.")
    state: ScopeState = describe("The result of the last listing.")
    reason: StaleReason | None = describe("Why the last listing failed or is not trusted; null if it was complete.")
    next_allowed_at: datetime | None = describe(
        "When the vendor may be asked for this scope again; null if it may be asked now."
    )
    breaker: BreakerState | None = describe(f"Whether repeated failures block requests for this scope. {_ADMIN}")
    missing_count: int = describe(
        "The number of resources of the scope that the last complete listing did not contain."
    )


@documented(strawberry.type)
class VendorAccount:
    """One set of credentials at one vendor, with a name that the operator chose."""

    name: str = describe("The name of the account, which identifies it.")
    vendor: str = describe("The vendor's name, such as `aws` or `lambda`.")
    state: AccountState = describe("The state of the account, over all its scopes.")
    last_error: str | None = describe(
        f"The last error of the account, in words for the operator; null if there is none. {_ADMIN}"
    )
    budget: AccountBudget | None = describe(
        f"The remaining calls of the account; null if the account is not configured. {_ADMIN}"
    )
    calls: AccountCalls | None = describe(
        f"The calls of the last hour; null if the account is not configured. {_ADMIN}"
    )
    scopes: list[VendorScope] = describe("Everything that is listed with the credentials.")


@documented(strawberry.type)
class CoverageGap:
    """A scope that may hold resources which the list does not contain."""

    account: VendorAccount = describe("The account of the scope.")
    kind: ResourceKind = describe("The kind of resource that the scope lists.")
    region: str | None = describe(_REGION)
    swept_at: datetime | None = describe(
        "When the last complete listing of the scope was sent; null if there was none."
    )
    reason: StaleReason = describe("Why there is no newer listing.")


@documented(strawberry.type)
class ListCoverage:
    """Whether a list is current. A scope that could not be listed in time may hold resources that the list lacks."""

    complete: bool = describe(
        "Whether every scope that may hold a match was listed completely, as recently as was demanded."
    )
    swept_at: datetime | None = describe(
        "When the oldest of the last complete listings of these scopes was sent; null if one was never listed."
    )
    gaps: list[CoverageGap] = describe("The scopes without such a listing.")
