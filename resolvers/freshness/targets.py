"""Decides which scopes and resources a demand applies to, and which of them must be refreshed. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from db.query.annotated_text import SelectedResource
from domain.enums import ResourceKind
from domain.freshness import Demand, ScopeFacts, Sighting, scope_settled, sighting_settled
from domain.records.model import ScopeKey
from reconcile.requests import RefreshRequest


@dataclass(frozen=True, slots=True)
class RefreshTargets:
    """The scopes and resources that a root field's demand applies to.

    `scopes` are demanded as a whole. `resources` are single resources of other scopes, by scope number.
    """

    scopes: frozenset[int] = frozenset()
    resources: Mapping[int, Mapping[UUID, Sighting]] = field(default_factory=dict)

    def includes(self, sighting: Sighting) -> bool:
        """Return whether the demand applies to the resource."""
        return sighting.scope_id in self.scopes or sighting.resource_id in self.resources.get(sighting.scope_id, {})


@dataclass(frozen=True, slots=True)
class FreshnessDeadline:
    """A demand with the instant of the reader's arrival. `default_wait` returns an account's default max wait in seconds."""

    demand: Demand
    arrived_at: datetime
    default_wait: Callable[[str], float]

    def not_before(self, scope: ScopeFacts) -> datetime:
        """Return the earliest instant at which a flight that settles the demand for this scope was sent."""
        return self.demand.not_before(self.arrived_at, scope.cooldown_seconds)

    def max_wait(self, scope: ScopeFacts) -> float:
        """Return the max wait for the scope, in seconds."""
        seconds = self.demand.max_wait_seconds
        return self.default_wait(scope.key.account) if seconds is None else seconds


def owner_scopes(
    scope: ScopeFacts, scopes: Iterable[ScopeFacts], links_owner: Mapping[str, ResourceKind]
) -> frozenset[int]:
    """Return the scopes that report the links of a scope.

    They belong to the account's links owner and are in the same region, if it has scopes there.
    """
    kind = links_owner.get(scope.key.account)
    if kind is None or kind is scope.key.kind:
        return frozenset() if kind is None else frozenset({scope.scope_id})
    owners = [other for other in scopes if other.key.account == scope.key.account and other.key.kind is kind]
    in_region = [other for other in owners if other.key.region == scope.key.region]
    return frozenset(other.scope_id for other in in_region or owners)


def find_targets(
    scopes: Mapping[int, ScopeFacts],
    possible: Collection[int],
    selected: Iterable[SelectedResource],
    links_owner: Mapping[str, ResourceKind],
    *,
    links: bool = False,
) -> RefreshTargets:
    """Return the targets of a root field's demand.

    A list demands every scope that may hold a match (`possible`, empty for other root fields) and, if `links` is true, the
    owners of their links. Every root field demands each resource whose live fields are selected, and the owner of its links if
    links are selected.
    """
    whole = set(possible)
    named: dict[int, dict[UUID, Sighting]] = defaultdict(dict)
    with_links = set(possible) if links else set()
    for resource in selected:
        sighting = resource.sighting
        if resource.live and sighting.scope_id in scopes:
            named[sighting.scope_id][sighting.resource_id] = sighting
        if resource.links and sighting.scope_id in scopes and not sighting.deleted:
            with_links.add(sighting.scope_id)
    for scope_id in with_links:
        owners = owner_scopes(scopes[scope_id], scopes.values(), links_owner)
        # In its own scope only the resource is demanded: the probe or sweep that sees it reports its links as well.
        whole.update(owners if scope_id in possible else owners - {scope_id})
    return RefreshTargets(frozenset(whole), named)


def refresh_requests(
    targets: RefreshTargets, scopes: Mapping[int, ScopeFacts], deadline: FreshnessDeadline, now: datetime
) -> list[RefreshRequest]:
    """Return the refreshes that the demand needs; empty if it is settled."""
    requests: list[RefreshRequest] = []
    for scope_id in sorted(targets.scopes | set(targets.resources)):
        scope = scopes[scope_id]
        if not scope.configured:
            continue
        sightings = list(targets.resources.get(scope_id, {}).values())
        requests.extend(_scope_requests(scope, scope_id in targets.scopes, sightings, deadline, now))
    return requests


def _scope_requests(
    scope: ScopeFacts, whole: bool, sightings: Sequence[Sighting], deadline: FreshnessDeadline, now: datetime
) -> Iterator[RefreshRequest]:
    not_before = deadline.not_before(scope)
    request = RefreshRequest(scope.key, not_before, deadline.demand.force, deadline.max_wait(scope))
    missing = _ids(sighting for sighting in sightings if _awaits_probe(sighting, not_before, now))
    if whole and not scope_settled(scope, not_before, now):
        yield replace(request, missing=missing, shown=_ids(each for each in sightings if not each.deleted))
        return
    unsettled = _ids(each for each in sightings if not sighting_settled(each, scope, not_before, now))
    resources = tuple(dict.fromkeys((*unsettled, *missing)))
    if resources:
        yield replace(request, resources=resources, missing=missing)
    tombstones = _ids(each for each in sightings if each.deleted)
    if deadline.demand.force and tombstones and not whole:
        yield replace(request, tombstones=tombstones)


def _awaits_probe(sighting: Sighting, not_before: datetime, now: datetime) -> bool:
    """Return whether it is missing and was not probed since `not_before`. Another listing without it would add nothing."""
    probed = sighting.probed_at is not None and not_before <= sighting.probed_at <= now
    return sighting.missing_since is not None and not sighting.deleted and not probed


def _ids(sightings: Iterable[Sighting]) -> tuple[UUID, ...]:
    return tuple(sorted({sighting.resource_id for sighting in sightings}))


def merge_requests(requests: Iterable[RefreshRequest]) -> list[RefreshRequest]:
    """Merge the requests of all root fields: one for each whole scope, one for the single resources of each scope.

    A merged request is as strict as its strictest part. Single resources that the scope's request covers are added to it.
    """
    whole: dict[ScopeKey, RefreshRequest] = {}
    named: dict[ScopeKey, RefreshRequest] = {}
    tombstones: dict[ScopeKey, RefreshRequest] = {}
    for request in requests:
        group = tombstones if request.tombstones else named if request.resources else whole
        group[request.scope] = _join(group[request.scope], request) if request.scope in group else request
    merged: list[RefreshRequest] = []
    for scope in dict.fromkeys((*whole, *named)):
        sweep, single = whole.get(scope), named.get(scope)
        if sweep is not None and single is not None and _covers(sweep, single):
            sweep, single = _join(sweep, replace(single, resources=())), None
        merged.extend(request for request in (sweep, single) if request is not None)
    return [*merged, *tombstones.values()]


def _covers(sweep: RefreshRequest, single: RefreshRequest) -> bool:
    return sweep.not_before >= single.not_before and (sweep.forced or not single.forced)


def _join(first: RefreshRequest, second: RefreshRequest) -> RefreshRequest:
    return RefreshRequest(
        first.scope,
        max(first.not_before, second.not_before),
        first.forced or second.forced,
        max(first.max_wait_seconds, second.max_wait_seconds),
        tuple(dict.fromkeys((*first.resources, *second.resources))),
        tuple(dict.fromkeys((*first.missing, *second.missing))),
        tuple(dict.fromkeys((*first.shown, *second.shown))),
        tuple(dict.fromkeys((*first.tombstones, *second.tombstones))),
    )
