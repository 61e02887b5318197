"""The faults that a cloud may have, and how long a lie to both of our questions may last."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from domain.enums import StaleReason
from tests.simulation.truth import Thing


class Listing(StrEnum):
    """What is wrong with listings."""

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


class Probing(StrEnum):
    """What is wrong with probes."""

    GENERIC_404 = "generic 404"
    DENYING = "says gone of what lives"
    BEHIND = "up to 60 s behind"
    TERSE = "tells fewer fields"
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
"""The faults that make a call fail, and its reason."""

# Both questions are answered wrongly for less than `witness_seconds`, which is 120.
MOST_BOTH_SECONDS = 119.0
MOST_LISTINGS_SECONDS = 119.0
MOST_SUSPECT_LISTINGS_SECONDS = 899.0


@dataclass(frozen=True)
class BothLie:
    """For a while, over half of a scope is neither listed nor found by id."""

    hidden: frozenset[Thing]
    since: float
    until: float

    def covers(self, sent: float, now: float) -> bool:
        """Whether it is on for a flight sent then."""
        return self.since <= sent and now <= self.until


@dataclass
class ScopeFaults:
    """The faults of one scope at this time."""

    listing: Listing | None = None
    probing: Probing | None = None
    lag: float = 0.0
    share: float = 0.5
    both: BothLie | None = None
    hidden_since: dict[Thing, float] = field(default_factory=dict)
    """When the first of the listings was sent that lacked a living thing, none of which was taken back since."""

    def switch(self, random: Random) -> str:
        """Switch a fault on, off, or over to another."""
        self.lag, self.share = random.uniform(1, 60), random.random()
        which = random.random()
        if which < 0.35:
            self.listing = self.probing = None
            return "all off"
        if which < 0.7:
            self.listing = random.choice(list(Listing))
            return f"listing {self.listing}"
        self.probing = random.choice(list(Probing))
        return f"probe {self.probing}"

    def listing_now(self, random: Random) -> Listing | None:
        """The fault of this call."""
        if self.listing is Listing.FLAPPING:
            return random.choice([None, None, *(one for one in Listing if one is not Listing.FLAPPING)])
        return self.listing

    def probing_now(self, random: Random) -> Probing | None:
        """The fault of this call."""
        if self.probing is Probing.FLAPPING:
            return random.choice([None, None, *(one for one in Probing if one is not Probing.FLAPPING)])
        return self.probing
