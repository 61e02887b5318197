"""What must be asked, as properties over scopes, sightings and demands."""

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
def _seen(draw: st.DrawFn) -> SelectedResource:
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


_SEEN = st.lists(_seen(), max_size=6, unique_by=lambda each: each.sighting.resource_id)
_POSSIBLE = st.sets(st.integers(0, len(_KEYS) - 1))
_DEMANDS = st.builds(
    Demand,
    max_age_seconds=st.none() | st.sampled_from((5.0, 30.0, 1000.0)),
    force=st.booleans(),
    max_wait_seconds=st.none() | st.sampled_from((0.0, 2.0)),
)


def _terms(demand: Demand) -> FreshnessDeadline:
    return FreshnessDeadline(demand, _NOW, lambda account: 10.0 if account == "east" else 20.0)


class TestDemanded:
    """Which scopes and resources a root field demands."""

    @given(scopes=_scopes(), possible=_POSSIBLE, seen=_SEEN, links=st.booleans())
    def test_a_list_demands_all_that_is_possible(
        self, scopes: dict[int, ScopeFacts], possible: set[int], seen: list[SelectedResource], links: bool
    ) -> None:
        """Possible scopes are demanded whole; a resource only if its live fields were selected."""
        found = find_targets(scopes, possible, seen, _OWNERS, links=links)
        assert possible <= found.scopes
        assert {each.sighting.resource_id for each in seen if each.live} == {
            resource_id for named in found.resources.values() for resource_id in named
        }

    @given(scopes=_scopes(), seen=_SEEN)
    def test_without_links_nothing_whole(self, scopes: dict[int, ScopeFacts], seen: list[SelectedResource]) -> None:
        """Single resources demand no whole scope but the owners of their links."""
        found = find_targets(
            scopes, (), [SelectedResource(each.sighting, each.live, links=False) for each in seen], _OWNERS
        )
        assert frozenset() == found.scopes

    def test_the_owner_of_links(self) -> None:
        """A machine's links are told by its account's volumes in its region, where volumes own them; else by itself."""
        scopes = {
            number: ScopeFacts(number, key, True, 30.0, 0, None, None, None, None) for number, key in enumerate(_KEYS)
        }
        told = [owner_scopes(scopes[number], scopes.values(), _OWNERS) for number in range(len(_KEYS))]
        #      east machines own    volumes: machines  west a       west b: no b      own    no owner known
        assert [{0}, {0}, {4}, {4}, {4}, set()] == [set(each) for each in told]


class TestWants:
    """What is not settled is wanted, and nothing else."""

    @given(scopes=_scopes(), possible=_POSSIBLE, seen=_SEEN, demand=_DEMANDS)
    def test_exactly_the_unsettled(
        self, scopes: dict[int, ScopeFacts], possible: set[int], seen: list[SelectedResource], demand: Demand
    ) -> None:
        """A whole scope is wanted if no sweep was sent in time; a resource if neither sweep nor probe was."""
        found, terms = find_targets(scopes, possible, seen, _OWNERS), _terms(demand)
        wants = refresh_requests(found, scopes, terms, _NOW)
        by_key = {scope.key: scope for scope in scopes.values()}
        assert {key for key in by_key if self._unsettled(found, by_key[key], terms)} == {
            want.scope for want in wants if not want.resources and not want.tombstones
        }
        for want in wants:
            scope = by_key[want.scope]
            assert scope.configured
            assert terms.not_before(scope) == want.not_before
            assert (demand.force, terms.max_wait(scope)) == (want.forced, want.max_wait_seconds)
            named = found.resources.get(scope.scope_id, {})
            for resource_id in want.resources:
                open_ = not sighting_settled(named[resource_id], scope, want.not_before, _NOW)
                assert open_ or resource_id in want.missing
            assert all(named[resource_id].missing_since is not None for resource_id in want.missing)

    def _unsettled(self, found: RefreshTargets, scope: ScopeFacts, terms: FreshnessDeadline) -> bool:
        return scope.scope_id in found.scopes and not scope_settled(scope, terms.not_before(scope), _NOW)

    @given(scopes=_scopes(), possible=_POSSIBLE, seen=_SEEN, demand=_DEMANDS)
    def test_once_settled_nothing_is_wanted(
        self, scopes: dict[int, ScopeFacts], possible: set[int], seen: list[SelectedResource], demand: Demand
    ) -> None:
        """When every scope was swept now and every mark probed now, no second round follows."""
        later = {
            number: ScopeFacts(number, one.key, one.configured, 30.0, 9, _NOW, _NOW, None, None)
            for number, one in scopes.items()
        }
        probed = [SelectedResource(_probed(each.sighting), each.live, each.links) for each in seen]
        wants = refresh_requests(
            find_targets(later, possible, probed, _OWNERS, links=True), later, _terms(demand), _NOW
        )
        assert [] == [want for want in wants if not want.tombstones]

    @given(scopes=_scopes(), possible=_POSSIBLE, seen=_SEEN, demand=_DEMANDS)
    def test_only_a_forced_reader_asks_for_tombstones_and_for_nothing_else_with_them(
        self, scopes: dict[int, ScopeFacts], possible: set[int], seen: list[SelectedResource], demand: Demand
    ) -> None:
        """Deleted settles every other demand, and a list never asks for its tombstones."""
        found = find_targets(scopes, possible, seen, _OWNERS)
        gone = [want for want in refresh_requests(found, scopes, _terms(demand), _NOW) if want.tombstones]
        assert demand.force or not gone
        for want in gone:
            number = next(number for number, scope in scopes.items() if scope.key == want.scope)
            assert number not in found.scopes
            assert ((), ()) == (want.resources, want.missing)
            assert all(found.resources[number][resource_id].deleted for resource_id in want.tombstones)

    @given(scopes=_scopes(), seen=_SEEN, demand=_DEMANDS)
    def test_tombstones_and_the_removed_want_nothing(
        self, scopes: dict[int, ScopeFacts], seen: list[SelectedResource], demand: Demand
    ) -> None:
        """A deleted resource, and what is no longer configured, settle every demand."""
        wanted = {
            resource_id
            for want in refresh_requests(find_targets(scopes, (), seen, {}), scopes, _terms(demand), _NOW)
            for resource_id in want.resources
        }
        for each in seen:
            if each.sighting.deleted or not scopes[each.sighting.scope_id].configured:
                assert each.sighting.resource_id not in wanted


class TestMerged:
    """The wants of several root fields are one question."""

    @given(st.lists(st.tuples(_scopes(), _POSSIBLE, _SEEN, _DEMANDS), max_size=3))
    def test_nothing_is_loosened(self, roots: list[tuple[Any, ...]]) -> None:
        """Each want is served by a merged one at least as strict; a scope has at most one whole and one of single resources."""
        wants = [
            want
            for scopes, possible, seen, demand in roots
            for want in refresh_requests(find_targets(scopes, possible, seen, _OWNERS), scopes, _terms(demand), _NOW)
        ]
        found = merge_requests(wants)
        assert len(found) == len({(want.scope, bool(want.resources), bool(want.tombstones)) for want in found})
        for want in wants:
            assert any(self._serves(each, want) for each in found)

    def _serves(self, one: RefreshRequest, want: RefreshRequest) -> bool:
        return (
            one.scope == want.scope
            and one.not_before >= want.not_before
            and (one.forced or not want.forced)
            and one.max_wait_seconds >= want.max_wait_seconds
            and (not one.resources or (bool(want.resources) and set(want.resources) <= set(one.resources)))
            and set(want.missing) <= set(one.missing)
            and set(want.shown) <= set(one.shown)
            and bool(want.tombstones) == bool(one.tombstones)
            and set(want.tombstones) <= set(one.tombstones)
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
