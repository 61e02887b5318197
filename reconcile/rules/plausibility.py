"""Whether a complete listing can be believed: does the credential show our account, and is not too much missing at once.

What the last good sweep held is the measure of both. A resource that was missing then and is shown again proves nothing,
nor does what an unproven credential was the first to show: each would let another account pass for ours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from domain.enums import ScopeState, StaleReason
from domain.records.model import ResourceRecord, ScopeRecord, VendorKey
from reconcile.rules.absence import suspect


def _own(record: ResourceRecord, scope: ScopeRecord) -> bool:
    """Whether the proven credential was the first to show it."""
    return record.first_no <= scope.proven_no


def _shown_by(record: ResourceRecord, number: int) -> bool:
    """Whether this sweep showed it, or it was seen since. A row is written with its last word when it is marked."""
    return record.missing_since is None or record.seen_no >= number


def credential_matches(
    scope: ScopeRecord, before: Sequence[ResourceRecord], told: Collection[VendorKey], *, same_credential: bool
) -> bool:
    """Whether the listing's credential shows the account that the scope was recorded from.

    One that is not the scope's own must show at least half of what the scope held, and of what its own credential listed
    last: that may have been in doubt, but it was ours. `before` are the living resources of the scope before the listing,
    `told` what it shows.
    """
    if same_credential:
        return True
    own = [record for record in before if _own(record, scope)]
    # What listings in doubt were the first to show may be of another account. Where none was good, there is nothing better.
    known = [record for record in own if record.first_no <= scope.good_no] if scope.good_no else own
    held = [record for record in known if _shown_by(record, scope.good_no)]
    listed = [record for record in own if _shown_by(record, scope.listed_no)]
    enough = 2 * _shown(held, told) >= max(scope.held, len(held))
    return enough and 2 * _shown(listed, told) >= len(listed)


def _shown(records: Sequence[ResourceRecord], told: Collection[VendorKey]) -> int:
    return sum(record.key in told for record in records)


def too_much_missing(scope: ScopeRecord, before: Sequence[ResourceRecord], after: Sequence[ResourceRecord]) -> bool:
    """Whether so much of the scope is missing that the listing itself is in doubt.

    Measured by what the last good sweep held, by what the proven credential showed, and by all that is recorded: each alone
    would let new arrivals hide how much is missing. `after` are the living resources with their marks.
    """
    missing = [record for record in after if record.missing_since is not None]
    lost_own = [record for record in missing if _own(record, scope)]
    lost = sum(_shown_by(record, scope.good_no) for record in lost_own)
    measures = (
        (lost, scope.held),
        (len(lost_own), sum(_own(record, scope) for record in before)),
        (len(missing), len(before)),
    )
    return any(suspect(marks, held) for marks, held in measures)


def accept(scope: ScopeRecord, after: Sequence[ResourceRecord]) -> ScopeRecord:
    """The scope after a good sweep, its last complete one."""
    return replace(scope, good_no=scope.swept_no, held=sum(record.missing_since is None for record in after))


def mark_suspect(scope: ScopeRecord, *, credential_matches: bool) -> ScopeRecord:
    """The scope after a complete sweep that is in doubt."""
    detail = (
        "over half of what the scope held is missing"
        if credential_matches
        else "the credentials now show another account"
    )
    return replace(scope, state=ScopeState.SUSPECT, problem=StaleReason.SUSPECT_SWEEP, problem_detail=detail)
