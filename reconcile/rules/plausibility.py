"""Whether a complete listing is plausible: does the credential show our account, and is not too much missing at once.

Both are measured against what the last good sweep held. A resource that was missing then and appears again proves nothing,
and neither does a resource that an unproven credential was the first to show: either would let another account pass for ours.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from domain.enums import ScopeState, StaleReason
from domain.records.model import ResourceRecord, ScopeRecord, VendorKey
from reconcile.rules.absence import is_suspect


def _is_own(record: ResourceRecord, scope: ScopeRecord) -> bool:
    """Whether the proven credential was the first to show the resource."""
    return record.first_no <= scope.proven_no


def _is_shown_since(record: ResourceRecord, number: int) -> bool:
    """Whether sweep `number` or a later flight showed it. A resource that goes missing has its last sighting in its row."""
    return record.missing_since is None or record.seen_no >= number


def credential_matches(
    scope: ScopeRecord, before: Sequence[ResourceRecord], listed_keys: Collection[VendorKey], *, same_credential: bool
) -> bool:
    """Whether the listing's credential shows the account that the scope was recorded from.

    A credential other than the scope's own must show at least half of what the scope held, and half of what the scope's own
    credential listed last: that listing may have been in doubt, but it was of this account. `before` are the living
    resources of the scope before the listing, `listed_keys` what the listing shows.
    """
    if same_credential:
        return True
    own = [record for record in before if _is_own(record, scope)]
    # Resources first shown by listings in doubt may belong to another account. Without a good listing there is no better measure.
    trusted = [record for record in own if record.first_no <= scope.good_no] if scope.good_no else own
    held = [record for record in trusted if _is_shown_since(record, scope.good_no)]
    listed = [record for record in own if _is_shown_since(record, scope.listed_no)]
    enough = 2 * _count_listed(held, listed_keys) >= max(scope.held, len(held))
    return enough and 2 * _count_listed(listed, listed_keys) >= len(listed)


def _count_listed(records: Sequence[ResourceRecord], listed_keys: Collection[VendorKey]) -> int:
    return sum(record.key in listed_keys for record in records)


def too_much_missing(scope: ScopeRecord, before: Sequence[ResourceRecord], after: Sequence[ResourceRecord]) -> bool:
    """Whether so much of the scope is missing that the listing itself is in doubt.

    Measured against what the last good sweep held, what the proven credential showed, and everything recorded: with only one
    of these, new arrivals could hide how much is missing. `before` and `after` are the living resources of the scope before
    and after the listing was applied.
    """
    missing = [record for record in after if record.missing_since is not None]
    missing_own = [record for record in missing if _is_own(record, scope)]
    measures = (
        (sum(_is_shown_since(record, scope.good_no) for record in missing_own), scope.held),
        (len(missing_own), sum(_is_own(record, scope) for record in before)),
        (len(missing), len(before)),
    )
    return any(is_suspect(count, held) for count, held in measures)


def accept(scope: ScopeRecord, after: Sequence[ResourceRecord]) -> ScopeRecord:
    """Return the scope with its last complete sweep accepted as good."""
    return replace(scope, good_no=scope.swept_no, held=sum(record.missing_since is None for record in after))


def mark_suspect(scope: ScopeRecord, *, credential_matches: bool) -> ScopeRecord:
    """Return the scope after a complete sweep that is in doubt."""
    detail = (
        "over half of what the scope held is missing"
        if credential_matches
        else "the credentials now show another account"
    )
    return replace(scope, state=ScopeState.SUSPECT, problem=StaleReason.SUSPECT_SWEEP, problem_detail=detail)
