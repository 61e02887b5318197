"""Which scopes and resources a reading demands, and which of them must be asked first. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from db.query import Seen
from domain.enums import ResourceKind
from domain.freshness import Demand, ScopeFacts, Sighting, scope_settled, sighting_settled
from domain.records.model import ScopeKey
from reconcile.requests import RefreshRequest


@dataclass(frozen=True, slots=True)
class Demanded:
    """What a root field demands: scopes as a whole, and single resources of others. Scopes by their number in the record."""

    whole: frozenset[int] = frozenset()
    named: Mapping[int, Mapping[UUID, Sighting]] = field(default_factory=dict)

    def of(self, sighting: Sighting) -> bool:
        """Whether the resource is demanded."""
        return sighting.scope_id in self.whole or sighting.resource_id in self.named.get(sighting.scope_id, {})


@dataclass(frozen=True, slots=True)
class Terms:
    """How a demand is counted. `deadlines` tells the default max wait of an account in seconds."""

    demand: Demand
    arrived_at: datetime
    deadlines: Callable[[str], float]

    def not_before(self, scope: ScopeFacts) -> datetime:
        """The earliest instant at which a settling flight of this scope was sent."""
        return self.demand.not_before(self.arrived_at, scope.cooldown_seconds)

    def max_wait(self, scope: ScopeFacts) -> float:
        """How long to wait for it at most."""
        told = self.demand.max_wait_seconds
        return self.deadlines(scope.key.account) if told is None else told


def owner_scopes(
    scope: ScopeFacts, scopes: Iterable[ScopeFacts], links_owner: Mapping[str, ResourceKind]
) -> frozenset[int]:
    """The scopes that tell the links of what this scope holds: of the account's links owner, in the same region if it has one."""
    kind = links_owner.get(scope.key.account)
    if kind is None or kind is scope.key.kind:
        return frozenset() if kind is None else frozenset({scope.scope_id})
    owners = [other for other in scopes if other.key.account == scope.key.account and other.key.kind is kind]
    near = [other for other in owners if other.key.region == scope.key.region]
    return frozenset(other.scope_id for other in near or owners)


def demanded(
    scopes: Mapping[int, ScopeFacts],
    possible: Collection[int],
    seen: Iterable[Seen],
    links_owner: Mapping[str, ResourceKind],
    *,
    links: bool = False,
) -> Demanded:
    """What a root field that demands, demands.

    A list: every scope that may hold a match (`possible`, empty for other root fields); with `links` the owners of theirs too.
    Everything: each resource whose live fields are selected, and the owner of its links where they are.
    """
    whole = set(possible)
    named: dict[int, dict[UUID, Sighting]] = defaultdict(dict)
    telling = set(possible) if links else set()
    for each in seen:
        if each.live and each.sighting.scope_id in scopes:
            named[each.sighting.scope_id][each.sighting.resource_id] = each.sighting
        if each.links and each.sighting.scope_id in scopes and not each.sighting.deleted:
            telling.add(each.sighting.scope_id)
    for scope_id in telling:
        owners = owner_scopes(scopes[scope_id], scopes.values(), links_owner)
        # A resource's own scope is asked for the resource alone: the same probe or sweep tells its links.
        whole.update(owners if scope_id in possible else owners - {scope_id})
    return Demanded(frozenset(whole), named)


def wants_of(demanded: Demanded, scopes: Mapping[int, ScopeFacts], terms: Terms, now: datetime) -> list[RefreshRequest]:
    """What must be asked before the demand is settled; empty if it is."""
    found: list[RefreshRequest] = []
    for scope_id in sorted(demanded.whole | set(demanded.named)):
        scope = scopes[scope_id]
        if not scope.configured:
            continue
        sightings = demanded.named.get(scope_id, {}).values()
        found.extend(_wants(scope, scope_id in demanded.whole, list(sightings), terms, now))
    return found


def _wants(
    scope: ScopeFacts, whole: bool, sightings: Sequence[Sighting], terms: Terms, now: datetime
) -> Iterator[RefreshRequest]:
    not_before = terms.not_before(scope)
    want = RefreshRequest(scope.key, not_before, terms.demand.force, terms.max_wait(scope))
    marked = _ids(one for one in sightings if _waits_for_probe(one, not_before, now))
    if whole and not scope_settled(scope, not_before, now):
        yield replace(want, missing=marked, shown=_ids(one for one in sightings if not one.deleted))
        return
    unsettled = _ids(one for one in sightings if not sighting_settled(one, scope, not_before, now))
    asked = tuple(dict.fromkeys((*unsettled, *marked)))
    if asked:
        yield replace(want, resources=asked, missing=marked)
    gone = _ids(one for one in sightings if one.deleted)
    if terms.demand.force and gone and not whole:
        yield replace(want, tombstones=gone)


def _waits_for_probe(sighting: Sighting, not_before: datetime, now: datetime) -> bool:
    """Whether it is marked and was not probed since: the listing that marked it has no more to tell."""
    probed = sighting.probed_at is not None and not_before <= sighting.probed_at <= now
    return sighting.missing_since is not None and not sighting.deleted and not probed


def _ids(sightings: Iterable[Sighting]) -> tuple[UUID, ...]:
    return tuple(sorted({one.resource_id for one in sightings}))


def merged(wants: Iterable[RefreshRequest]) -> list[RefreshRequest]:
    """The wants of all root fields of an operation: one of each whole scope, one of the single resources in each scope.

    What is merged is as strict as its strictest part. Single resources that the whole scope's want serves go into it.
    """
    whole: dict[ScopeKey, RefreshRequest] = {}
    named: dict[ScopeKey, RefreshRequest] = {}
    gone: dict[ScopeKey, RefreshRequest] = {}
    for want in wants:
        into = gone if want.tombstones else named if want.resources else whole
        into[want.scope] = _joined(into[want.scope], want) if want.scope in into else want
    found: list[RefreshRequest] = []
    for scope in dict.fromkeys((*whole, *named)):
        one, few = whole.get(scope), named.get(scope)
        if one is not None and few is not None and _serves(one, few):
            one, few = _joined(one, replace(few, resources=())), None
        found.extend(want for want in (one, few) if want is not None)
    return [*found, *gone.values()]


def _serves(one: RefreshRequest, few: RefreshRequest) -> bool:
    return one.not_before >= few.not_before and (one.forced or not few.forced)


def _joined(one: RefreshRequest, other: RefreshRequest) -> RefreshRequest:
    return RefreshRequest(
        one.scope,
        max(one.not_before, other.not_before),
        one.forced or other.forced,
        max(one.max_wait_seconds, other.max_wait_seconds),
        tuple(dict.fromkeys((*one.resources, *other.resources))),
        tuple(dict.fromkeys((*one.missing, *other.missing))),
        tuple(dict.fromkeys((*one.shown, *other.shown))),
        tuple(dict.fromkeys((*one.tombstones, *other.tombstones))),
    )
