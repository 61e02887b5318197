"""When two records are of one machine: the evidence that counts, and which of the two is the direct one. Pure.

- An aggregator says so: it rents the machine in the team's own account at a cloud, and tells the cloud's own id of it. The
  record at the cloud is the direct one. A short number for an id could be any machine's: then the address must be the same too.
- Two accounts are keys of one account at one vendor: the same id, where the vendor's file says that its ids name one thing over
  all its accounts, at the same address of the API, and the same time of creation. Where the vendor tells none, the id must be
  one that cannot come twice by chance. The account that was configured first is the direct one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.records.observation import UpstreamResource

_SAME_INSTANT: Final = timedelta(seconds=1)
_TELLING_DIGITS: Final = 7
_RANDOM_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a living machine of a configured account.

    `id_space` names the vendor's accounts over which its ids are of one thing each, None where they are not known to be.
    """

    resource_id: str
    account_id: int
    vendor: str
    vendor_id: str
    id_space: str | None
    created_at: datetime | None
    external_ip: str | None
    upstream: UpstreamResource | None


def same_machines(sighted: Iterable[Candidate]) -> frozenset[tuple[str, str]]:
    """The pairs of records that are of one machine: first the duplicate, then the direct one."""
    by_id: dict[str, list[Candidate]] = defaultdict(list)
    for one in sighted:
        by_id[one.vendor_id].append(one)
        if one.upstream is not None and one.upstream.vendor_id != one.vendor_id:
            by_id[one.upstream.vendor_id].append(one)
    return frozenset(pair for vendor_id, those in by_id.items() for pair in _pairs(vendor_id, those))


def _pairs(vendor_id: str, those: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    for one in those:
        for other in those:
            if one.account_id != other.account_id and (_claimed(vendor_id, one, other) or _keys_of_one(one, other)):
                yield one.resource_id, other.resource_id


def _claimed(vendor_id: str, aggregated: Candidate, direct: Candidate) -> bool:
    if direct.upstream is not None or aggregated.upstream != UpstreamResource(direct.vendor, direct.vendor_id):
        return False
    telling = not vendor_id.isdigit() or len(vendor_id) >= _TELLING_DIGITS
    return telling or (aggregated.external_ip is not None and aggregated.external_ip == direct.external_ip)


def _keys_of_one(later: Candidate, first: Candidate) -> bool:
    known = later.id_space is not None and later.id_space == first.id_space
    if not known or later.vendor_id != first.vendor_id or later.account_id < first.account_id:
        return False
    if later.created_at is None or first.created_at is None:
        random = len(later.vendor_id) >= _RANDOM_LENGTH and not later.vendor_id.isdigit()
        return later.created_at is first.created_at and random
    return abs(later.created_at - first.created_at) <= _SAME_INSTANT
