"""The faults that a cloud may have, and for how long listings and probes may be wrong about the same resources."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from domain.enums import StaleReason
from tests.simulation.cloud.truth import VendorResource


class ListingFault(StrEnum):
    """The faults of listings."""

    EMPTY = "empty"
    LACKING = "complete, lacking some"
    CUT = "cut, and says so"
    REORDERED = "reordered"
    REPEATED = "repeated"
    BEHIND = "up to 60 s behind"
    FOREIGN = "another tenant's"
    MALFORMED = "of a wrong shape"
    DOWN = "down"
    TIMED_OUT = "timed out"
    RATE_LIMITED = "rate limited"
    BUDGET_SPENT = "budget spent"
    REJECTED = "credentials rejected"
    STALLED = "stalled"
    SLOW = "slow"
    FLAPPING = "another fault at each call"


class ProbeFault(StrEnum):
    """The faults of probes."""

    GENERIC_404 = "generic 404"
    EMPTY = "nothing in the answer"
    DENYING = "reports living resources as gone"
    BEHIND = "up to 60 s behind"
    TERSE = "fewer fields"
    DOWN = "down"
    TIMED_OUT = "timed out"
    RATE_LIMITED = "rate limited"
    BUDGET_SPENT = "budget spent"
    REJECTED = "credentials rejected"
    STALLED = "stalled"
    SLOW = "slow"
    FLAPPING = "another fault at each call"


REASONS = {
    "of a wrong shape": StaleReason.MALFORMED_ANSWER,
    "generic 404": StaleReason.MALFORMED_ANSWER,
    "down": StaleReason.VENDOR_DOWN,
    "timed out": StaleReason.TIMED_OUT,
    "rate limited": StaleReason.RATE_LIMITED,
    "budget spent": StaleReason.BUDGET_SPENT,
    "credentials rejected": StaleReason.AUTH_REJECTED,
}
"""The faults that make a call fail, and the reason of the failure."""

# Listings and probes are both wrong for less than `witness_seconds`, which is 120.
MAX_JOINT_SECONDS = 119.0
MAX_LISTING_SECONDS = 119.0
MAX_SUSPECT_LISTING_SECONDS = 899.0
# Listings lack a living resource for less than `suspect_seconds` if its probes are answered in other words, and for less than 24
# times as long if they are not answered.
MAX_OTHER_WORDS_SECONDS = 899.0
MAX_UNANSWERED_SECONDS = 24 * 900.0 - 1


@dataclass(frozen=True)
class JointFault:
    """A time in which over half of a scope is neither listed nor found by probes."""

    hidden: frozenset[VendorResource]
    since: float
    until: float

    def covers(self, sent: float, now: float) -> bool:
        """Whether it affects the present answer of a flight that was sent at this time."""
        return self.since <= sent and now <= self.until


@dataclass
class ScopeFaults:
    """The present faults of one scope."""

    listing: ListingFault | None = None
    probe: ProbeFault | None = None
    lag: float = 0.0
    share: float = 0.5
    joint: JointFault | None = None
    hidden_since: dict[VendorResource, float] = field(default_factory=dict)
    """By living resource, when the first listing without it was sent, unless a later listing or probe showed it."""
    limits: dict[VendorResource, float] = field(default_factory=dict)
    """By living resource, for how many seconds listings may lack it, after what its probes answered since it was shown."""

    def limit(self, resource: VendorResource, seconds: float, now: float) -> bool:
        """Let listings lack the resource for less than these seconds. Return False if they have lacked it for longer."""
        if now - self.hidden_since.get(resource, now) >= seconds:
            return False
        self.limits[resource] = min(seconds, self.limits.get(resource, seconds))
        return True

    def may_lack(self, resource: VendorResource, sent: float, seconds: float) -> bool:
        """Whether a listing that was sent at this time may lack the resource, by default for less than these seconds."""
        return sent - self.hidden_since.get(resource, sent) < self.limits.get(resource, seconds)

    def forget(self, resource: VendorResource) -> None:
        """Forget that the resource was hidden: it was shown again."""
        self.hidden_since.pop(resource, None)
        self.limits.pop(resource, None)

    def switch(self, random: Random) -> str:
        """Switch a fault on, off, or over to another. Return the name of the change."""
        self.lag, self.share = random.uniform(1, 60), random.random()
        choice = random.random()
        if choice < 0.35:
            self.listing = self.probe = None
            return "all off"
        if choice < 0.7:
            self.listing = random.choice(list(ListingFault))
            return f"listing {self.listing}"
        self.probe = random.choice(list(ProbeFault))
        return f"probe {self.probe}"

    def next_listing_fault(self, random: Random) -> ListingFault | None:
        """Return the fault of this call."""
        if self.listing is ListingFault.FLAPPING:
            return random.choice([None, None, *(one for one in ListingFault if one is not ListingFault.FLAPPING)])
        return self.listing

    def next_probe_fault(self, random: Random) -> ProbeFault | None:
        """Return the fault of this call."""
        if self.probe is ProbeFault.FLAPPING:
            return random.choice([None, None, *(one for one in ProbeFault if one is not ProbeFault.FLAPPING)])
        return self.probe
