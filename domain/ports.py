"""The interfaces through which the reconciler uses the database and the vendors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.enums import ResourceKind
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import ProbeResult, SweepResult
from domain.records.timeline import AccountTimeline, Advance


@dataclass(frozen=True, slots=True)
class KeepFresh:
    """How often an account is swept in the background.

    A scope is swept every `seconds`, and every `moving_seconds` while a resource in it changes state. If `idle_seconds` is
    set, sweeping stops once nobody has read the account for that long.
    """

    seconds: float
    moving_seconds: float
    idle_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """A configured account: its name, its vendor, its default max age in seconds, and the scopes that its vendor lists.

    `keep_fresh` is `None` if only readers cause sweeps. Two accounts with the same `id_space` use the same vendor ids for the
    same resources; it is `None` if that is not known.
    """

    name: str
    vendor: str
    cooldown_seconds: float
    scopes: tuple[tuple[ResourceKind, str | None], ...]
    keep_fresh: KeepFresh | None = None
    id_space: str | None = None


class RecordStore(Protocol):
    """The write side of the database. Every method is one short transaction, so no vendor call happens inside one."""

    def now(self) -> datetime:
        """Return the time of the database's clock, which also dates flights."""
        ...

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """Synchronize the recorded accounts and scopes with the configuration. Idempotent.

        Accounts and scopes that are no longer configured keep their rows. Raises ConfigurationError if the vendor of an
        account has changed.
        """
        ...

    async def draw(self, account: str, advance: Advance = AccountTimeline.add_pause) -> FlightTicket:
        """Draw the next flight number of the account, and advance its timeline. Each call returns a higher number.

        By default the time since the last flight is a pause between two processes. `advance` is called again if the transaction
        is retried.
        """
        ...

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """Return every scope, configured or not."""
        ...

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """Return the missing resources of a scope, those with the oldest probe first."""
        ...

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """Return the resources with these UUIDs. Unknown UUIDs are skipped."""
        ...

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Lock the account, load its state, decide and write, in one transaction. Return the written changes.

        `named` are the vendor keys in the flight's observations. With `whole`, all living resources of the scope are loaded
        as well. `decide` is pure, and is called again if the transaction is retried.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Replace history older than `before` with one snapshot per resource. Return the number of removed entries."""
        ...


class CloudClient(Protocol):
    """One account at its vendor. Methods do not raise for a vendor's failure; their results describe it."""

    vendor: str
    links_owner: ResourceKind
    """The kind whose observations open and close links."""

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """The configured scopes of the account: kind, and region if the vendor's API is regional."""
        ...

    def sweep_calls(self, kind: ResourceKind) -> int:
        """Return the minimum number of calls of a sweep."""
        ...

    def probes(self, kind: ResourceKind) -> bool:
        """Return whether one resource of the kind can be requested, with a known error code for "does not exist"."""
        ...

    def fingerprint(self, salt: str, /) -> str:
        """Return a salted hash of the credentials. It shows only whether two credentials are equal."""
        ...

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """List all pages of a scope. The caller limits the time. Safe to repeat and to cancel."""
        ...

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Request one resource by its vendor id. Safe to repeat and to cancel."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
