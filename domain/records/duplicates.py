"""Decides which resource records describe the same machine or volume, and which is the direct one. Pure functions.

Two kinds of evidence are accepted:

- An aggregator rents the machine in the team's own account at a cloud, and reports the cloud's id of it. The cloud's own resource
  is the direct one. A short number as id could belong to any machine, so the IP address must be equal as well.
- Two accounts are API keys of the same account at one vendor. The ids are equal, the vendor is known to use its ids for the same
  resources over all its accounts, the API address is the same, and the creation times are equal. If the vendor reports no
  creation time, the id must be too long to be repeated by chance. The account that was configured first has the direct record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.enums import ResourceKind
from domain.records.observation import UpstreamResource

_SAME_INSTANT: Final = timedelta(seconds=1)
_UNIQUE_DIGITS: Final = 7
# Ids of RunPod's volumes have ten letters and digits.
_RANDOM_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A living machine or volume of a configured account, with the facts that can show that it is a duplicate.

    Two accounts with the same `id_space` use the same vendor ids for the same resources; it is `None` if that is not known.
    """

    resource_id: str
    account_id: int
    kind: ResourceKind
    vendor: str
    vendor_id: str
    id_space: str | None
    created_at: datetime | None
    external_ip: str | None
    upstream: UpstreamResource | None


def same_machines(candidates: Iterable[Candidate]) -> frozenset[tuple[str, str]]:
    """Return the pairs of resource ids that describe one machine or volume, each as `(duplicate, direct)`."""
    by_id: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_id[candidate.vendor_id].append(candidate)
        if candidate.upstream is not None and candidate.upstream.vendor_id != candidate.vendor_id:
            by_id[candidate.upstream.vendor_id].append(candidate)
    return frozenset(pair for vendor_id, group in by_id.items() for pair in _pairs(vendor_id, group))


def _pairs(vendor_id: str, group: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    for first in group:
        for second in group:
            if first.account_id != second.account_id and (
                _is_upstream(vendor_id, first, second) or _is_second_key(first, second)
            ):
                yield first.resource_id, second.resource_id


def _is_upstream(vendor_id: str, aggregated: Candidate, direct: Candidate) -> bool:
    if direct.upstream is not None or direct.kind is not ResourceKind.MACHINES:
        return False
    if aggregated.upstream != UpstreamResource(direct.vendor, direct.vendor_id):
        return False
    unique = not vendor_id.isdigit() or len(vendor_id) >= _UNIQUE_DIGITS
    return unique or (aggregated.external_ip is not None and aggregated.external_ip == direct.external_ip)


def _is_second_key(later: Candidate, first: Candidate) -> bool:
    same_space = later.id_space is not None and later.id_space == first.id_space
    same_id = (later.kind, later.vendor_id) == (first.kind, first.vendor_id)
    if not same_space or not same_id or later.account_id < first.account_id:
        return False
    if later.created_at is None or first.created_at is None:
        random = len(later.vendor_id) >= _RANDOM_LENGTH and not later.vendor_id.isdigit()
        return later.created_at is first.created_at and random
    return abs(later.created_at - first.created_at) <= _SAME_INSTANT
