"""Refresh targets and requests, as properties over scopes, sightings and demands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from db.query.annotated_text import SelectedResource
from domain.enums import ObservationSource, ResourceKind
from domain.freshness import Demand, ScopeFacts, Sighting, scope_settled, sighting_settled
from domain.records.model import ScopeKey
from reconcile.requests import RefreshRequest
from resolvers.freshness.targets import (
    FreshnessDeadline,
    RefreshTargets,
    find_targets,
    merge_requests,
    owner_scopes,
    refresh_requests,
)

_NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_OWNERS = {"east": ResourceKind.MACHINES, "west": ResourceKind.VOLUMES}
_KEYS = [
    ScopeKey("east", ResourceKind.MACHINES, None),
    ScopeKey("east", ResourceKind.VOLUMES, None),
    ScopeKey("west", ResourceKind.MACHINES, "a"),
    ScopeKey("west", ResourceKind.MACHINES, "b"),
    ScopeKey("west", ResourceKind.VOLUMES, "a"),
    ScopeKey("gone", ResourceKind.MACHINES, None),
]
_AGES = st.sampled_from((-5, 0, 3, 29, 31, 500))
_INSTANTS = st.none() | _AGES.map(lambda age: _NOW - timedelta(seconds=age))


@st.composite
def _scopes(draw: st.DrawFn) -> dict[int, ScopeFacts]:
    return {
        number: ScopeFacts(number, key, draw(st.booleans()), 30.0, 5, draw(_INSTANTS), draw(_INSTANTS), None, None)
        for number, key in enumerate(_KEYS)
    }


@st.composite
def _selected_resources(draw: st.DrawFn) -> SelectedResource:
    sighting = Sighting(
        resource_id=UUID(int=draw(st.integers(1, 8))),
        scope_id=draw(st.integers(0, len(_KEYS) - 1)),
        seen_no=3,
        seen_at=_NOW - timedelta(seconds=500),
        source=ObservationSource.SWEEP,
        missing_since=draw(st.sampled_from((None, None, _NOW - timedelta(seconds=20)))),
        deleted=draw(st.sampled_from((False, False, True))),
        probed_at=draw(_INSTANTS),
        probe_problem=None,
    )
    return SelectedResource(sighting, draw(st.booleans()), draw(st.booleans()))


_SELECTED = st.lists(_selected_resources(), max_size=6, unique_by=lambda resource: resource.sighting.resource_id)
_POSSIBLE = st.sets(st.integers(0, len(_KEYS) - 1))
_DEMANDS = st.builds(
    Demand,
    max_age_seconds=st.none() | st.sampled_from((5.0, 30.0, 1000.0)),
    force=st.booleans(),
    max_wait_seconds=st.none() | st.sampled_from((0.0, 2.0)),
)


def _deadline(demand: Demand) -> FreshnessDeadline:
    return FreshnessDeadline(demand, _NOW, lambda account: 10.0 if account == "east" else 20.0)


class TestFindTargets:
    """The scopes and resources to which the demand of a root field applies."""

    @given(scopes=_scopes(), possible=_POSSIBLE, selected=_SELECTED, links=st.booleans())
    def test_a_list_demands_every_possible_scope(
        self, scopes: dict[int, ScopeFacts], possible: set[int], selected: list[SelectedResource], links: bool
    ) -> None:
        """Possible scopes are demanded as a whole. A resource is demanded only if its live fields are selected."""
        targets = find_targets(scopes, possible, selected, _OWNERS, links=links)
        assert possible <= targets.scopes
        assert {each.sighting.resource_id for each in selected if each.live} == {
            resource_id for sightings in targets.resources.values() for resource_id in sightings
        }

    @given(scopes=_scopes(), selected=_SELECTED)
    def test_resources_without_links_demand_no_scope(
        self, scopes: dict[int, ScopeFacts], selected: list[SelectedResource]
    ) -> None:
        """Without links, single resources do not demand a whole scope."""
        targets = find_targets(
            scopes, (), [SelectedResource(each.sighting, each.live, links=False) for each in selected], _OWNERS
        )
        assert frozenset() == targets.scopes

    def test_owner_scopes(self) -> None:
        """If volumes own the links, the scope of the volumes in the region reports those of a machine; else its own scope."""
        scopes = {
            number: ScopeFacts(number, key, True, 30.0, 0, None, None, None, None) for number, key in enumerate(_KEYS)
        }
        owners = [set(owner_scopes(scopes[number], scopes.values(), _OWNERS)) for number in range(len(_KEYS))]
        # In `east` the machines own the links. In `west` the volumes do, and region b has no scope for them. `gone` has no owner.
        assert [{0}, {0}, {4}, {4}, {4}, set()] == owners


class TestRefreshRequests:
    """Exactly the demands that are not settled are requested."""

    @given(scopes=_scopes(), possible=_POSSIBLE, selected=_SELECTED, demand=_DEMANDS)
    def test_unsettled_demands_are_requested(
        self, scopes: dict[int, ScopeFacts], possible: set[int], selected: list[SelectedResource], demand: Demand
    ) -> None:
        """A scope is requested if no sweep was sent in time, and a resource if neither a sweep nor a probe was."""
        targets, deadline = find_targets(scopes, possible, selected, _OWNERS), _deadline(demand)
        requests = refresh_requests(targets, scopes, deadline, _NOW)
        by_key = {scope.key: scope for scope in scopes.values()}
        assert {key for key in by_key if self._is_unsettled(targets, by_key[key], deadline)} == {
            request.scope for request in requests if not request.resources and not request.tombstones
        }
        for request in requests:
            scope = by_key[request.scope]
            assert scope.configured
            assert deadline.not_before(scope) == request.not_before
            assert (demand.force, deadline.max_wait(scope)) == (request.forced, request.max_wait_seconds)
            sightings = targets.resources.get(scope.scope_id, {})
            for resource_id in request.resources:
                is_settled = sighting_settled(sightings[resource_id], scope, request.not_before, _NOW)
                assert not is_settled or resource_id in request.missing
            assert all(sightings[resource_id].missing_since is not None for resource_id in request.missing)

    def _is_unsettled(self, targets: RefreshTargets, scope: ScopeFacts, deadline: FreshnessDeadline) -> bool:
        return scope.scope_id in targets.scopes and not scope_settled(scope, deadline.not_before(scope), _NOW)

    @given(scopes=_scopes(), possible=_POSSIBLE, selected=_SELECTED, demand=_DEMANDS)
    def test_settled_demands_are_not_requested_again(
        self, scopes: dict[int, ScopeFacts], possible: set[int], selected: list[SelectedResource], demand: Demand
    ) -> None:
        """After every scope was swept now and every missing resource probed now, nothing is requested."""
        later = {
            number: ScopeFacts(number, scope.key, scope.configured, 30.0, 9, _NOW, _NOW, None, None)
            for number, scope in scopes.items()
        }
        probed = [SelectedResource(_probed(each.sighting), each.live, each.links) for each in selected]
        requests = refresh_requests(
            find_targets(later, possible, probed, _OWNERS, links=True), later, _deadline(demand), _NOW
        )
        assert [] == [request for request in requests if not request.tombstones]

    @given(scopes=_scopes(), possible=_POSSIBLE, selected=_SELECTED, demand=_DEMANDS)
    def test_only_a_forced_demand_requests_tombstones(
        self, scopes: dict[int, ScopeFacts], possible: set[int], selected: list[SelectedResource], demand: Demand
    ) -> None:
        """They have a request of their own, and a list never requests its tombstones."""
        targets = find_targets(scopes, possible, selected, _OWNERS)
        tombstone_requests = [
            request for request in refresh_requests(targets, scopes, _deadline(demand), _NOW) if request.tombstones
        ]
        assert demand.force or not tombstone_requests
        for request in tombstone_requests:
            number = next(number for number, scope in scopes.items() if scope.key == request.scope)
            assert number not in targets.scopes
            assert ((), ()) == (request.resources, request.missing)
            assert all(targets.resources[number][resource_id].deleted for resource_id in request.tombstones)

    @given(scopes=_scopes(), selected=_SELECTED, demand=_DEMANDS)
    def test_deleted_and_removed_resources_are_not_requested(
        self, scopes: dict[int, ScopeFacts], selected: list[SelectedResource], demand: Demand
    ) -> None:
        """Demands for deleted resources and for scopes that are no longer configured are settled."""
        requested = {
            resource_id
            for request in refresh_requests(find_targets(scopes, (), selected, {}), scopes, _deadline(demand), _NOW)
            for resource_id in request.resources
        }
        for each in selected:
            if each.sighting.deleted or not scopes[each.sighting.scope_id].configured:
                assert each.sighting.resource_id not in requested


class TestMergeRequests:
    """The requests of several root fields are merged."""

    @given(st.lists(st.tuples(_scopes(), _POSSIBLE, _SELECTED, _DEMANDS), max_size=3))
    def test_merged_requests_are_at_least_as_strict(self, roots: list[tuple[Any, ...]]) -> None:
        """A merged request covers each request. A scope has at most one for itself and one for single resources."""
        requests = [
            request
            for scopes, possible, selected, demand in roots
            for request in refresh_requests(
                find_targets(scopes, possible, selected, _OWNERS), scopes, _deadline(demand), _NOW
            )
        ]
        merged = merge_requests(requests)
        assert len(merged) == len(
            {(request.scope, bool(request.resources), bool(request.tombstones)) for request in merged}
        )
        for request in requests:
            assert any(self._covers(candidate, request) for candidate in merged)

    def _covers(self, merged: RefreshRequest, request: RefreshRequest) -> bool:
        return (
            merged.scope == request.scope
            and merged.not_before >= request.not_before
            and (merged.forced or not request.forced)
            and merged.max_wait_seconds >= request.max_wait_seconds
            and (not merged.resources or (bool(request.resources) and set(request.resources) <= set(merged.resources)))
            and set(request.missing) <= set(merged.missing)
            and set(request.shown) <= set(merged.shown)
            and bool(request.tombstones) == bool(merged.tombstones)
            and set(request.tombstones) <= set(merged.tombstones)
        )


def _probed(sighting: Sighting) -> Sighting:
    return Sighting(
        sighting.resource_id,
        sighting.scope_id,
        sighting.seen_no,
        sighting.seen_at,
        sighting.source,
        sighting.missing_since,
        sighting.deleted,
        _NOW,
        None,
    )
