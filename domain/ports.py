"""The record as the reconciler sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.enums import ResourceKind
from domain.records.model import Changes, FlightTicket, LockedState, ResourceRecord, ScopeKey, ScopeRecord, VendorKey
from domain.records.observation import ProbeResult, SweepResult


@dataclass(frozen=True, slots=True)
class KeepFresh:
    """How an account is swept in the background: every so many seconds, and every so many while something moves.

    With `idle_seconds`, not while nobody has read it for so long.
    """

    seconds: float
    moving_seconds: float
    idle_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """A configured account: its name, vendor, default max age in seconds, and the scopes its vendor lists.

    `keep_fresh` None leaves it to its readers. `id_space` names the accounts over which its vendor's ids are of one thing each;
    None where they are not known to be.
    """

    name: str
    vendor: str
    cooldown_seconds: float
    scopes: tuple[tuple[ResourceKind, str | None], ...]
    keep_fresh: KeepFresh | None = None
    id_space: str | None = None


class RecordStore(Protocol):
    """The store of all that decides. Every method is one short transaction; none may be called during a vendor call's session."""

    def now(self) -> datetime:
        """The record's clock: the one that tells when flights were sent."""
        ...

    async def configure(self, accounts: Sequence[AccountSetup]) -> None:
        """Bring the accounts and scopes in line with the configuration; what is no longer configured keeps its record.

        Idempotent. Raises ConfigurationError where an account's vendor has changed.
        """
        ...

    async def draw(self, account: str) -> FlightTicket:
        """Draw the next flight number of the account. Each call gives a higher one."""
        ...

    async def scopes(self) -> tuple[ScopeRecord, ...]:
        """Every scope, configured or not."""
        ...

    async def missing(self, scope: ScopeKey, limit: int) -> tuple[ResourceRecord, ...]:
        """The marked resources of a scope, longest not probed first."""
        ...

    async def resources(self, ids: Iterable[UUID]) -> tuple[ResourceRecord, ...]:
        """The resources of these UUIDs that exist."""
        ...

    async def apply(
        self, scope: ScopeKey, named: Sequence[VendorKey], whole: bool, decide: Callable[[LockedState], Changes]
    ) -> Changes:
        """Lock the account, read what is held, decide, write; all in one transaction. Answers what was written.

        `named` are the vendor keys that the flight told of; `whole` loads all living resources of the scope besides.
        `decide` is pure and may be called again should the transaction be tried again.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Fold the history older than `before` into one snapshot a resource; answers how many entries went."""
        ...


class CloudClient(Protocol):
    """One account at its vendor, as the reconciler sees it. Nothing here raises for what a cloud did: results tell it."""

    vendor: str
    links_owner: ResourceKind
    """The kind whose observations open and close links."""

    @property
    def scopes(self) -> tuple[tuple[ResourceKind, str | None], ...]:
        """Every scope that this account has by its configuration: kind, and region where the API is regional."""
        ...

    def sweep_calls(self, kind: ResourceKind) -> int:
        """How many calls a sweep of a small scope costs at least."""
        ...

    def probes(self, kind: ResourceKind) -> bool:
        """Whether one resource of the kind can be asked for, with known words for "no such thing"."""
        ...

    def fingerprint(self, salt: str) -> str:
        """A salted hash of the credentials: tells whether they are the same, and nothing else."""
        ...

    async def sweep(self, kind: ResourceKind, region: str | None) -> SweepResult:
        """List a scope, all its pages. May take as long as the caller lets it; safe to repeat and to cancel."""
        ...

    async def probe(self, kind: ResourceKind, region: str | None, vendor_id: str) -> ProbeResult:
        """Ask for one resource by its id. Safe to repeat and to cancel."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
