"""The freshness that HTTP headers demand, and entity tags, as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.enums import Permission
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.viewer import Viewer
from supplygraph.http.headers import RequestHeaders
from supplygraph.http.rest_caching import demand_of, entity_tag, matches

READER = Viewer("reader", frozenset({Permission.READ}))
REFRESHER = Viewer("refresher", frozenset({Permission.READ, Permission.REFRESH}))
RULES = FreshnessRules()


def headers_with(**values: str) -> RequestHeaders:
    """Return the headers of a request; underscores stand for hyphens."""
    return RequestHeaders((name.replace("_", "-").encode(), value.encode()) for name, value in values.items())


def demanded(viewer: Viewer = READER, *, force: bool = False, rules: FreshnessRules = RULES, **headers: str) -> Demand:
    """Return the demand of a request with these headers."""
    return demand_of(headers_with(**headers), force=force, viewer=viewer, rules=rules)


@pytest.mark.parametrize(
    ("demand", "cache_control"),
    [
        (Demand(), ""),
        (Demand(), "private, max-stale=5, no-store"),
        (Demand(300), "max-age=300"),
        (Demand(300), 'MAX-AGE="300" , private'),
        (Demand(60), "max-age=300, max-age=60"),
        (Demand(5), "max-age=300, no-cache"),
        (Demand(5), "no-cache"),
        (Demand(5), "max-age=4"),
        (Demand(), "max-age=-4"),
        (Demand(), "max-age=4.5"),
        (Demand(2**31 - 1), "max-age=99999999999999999999"),
    ],
)
def test_cache_control_demands_a_max_age(demand: Demand, cache_control: str) -> None:
    """The strictest directive counts, but no less than the floor without the permission. Invalid ones are ignored."""
    assert demanded(cache_control=cache_control) == demand


def test_several_header_lines_count_as_one_list() -> None:
    """A client or proxy may send a header more than once."""
    lines = [(b"cache-control", b"max-age=300"), (b"cache-control", b"max-age=60"), (b"prefer", b"wait=3")]
    headers = RequestHeaders([*lines, (b"prefer", b"wait=9")])
    assert demand_of(headers, force=False, viewer=READER, rules=RULES) == Demand(60, max_wait_seconds=3)


def test_the_permission_allows_a_refresh_by_header() -> None:
    """The floor is for tokens without it. A maximum age of 0 is a forced refresh."""
    assert demanded(REFRESHER, cache_control="no-cache") == Demand(None, force=True)
    assert demanded(REFRESHER, cache_control="max-age=0") == Demand(None, force=True)
    assert demanded(REFRESHER, cache_control="max-age=1") == Demand(1)


def test_a_floor_of_zero_does_not_let_a_header_force() -> None:
    """Max age 0 is a forced refresh and needs the permission, so a clamped header stays above it."""
    assert demanded(rules=FreshnessRules(floor_seconds=0), cache_control="no-cache") == Demand(1)


@pytest.mark.parametrize("viewer", [READER, REFRESHER])
def test_a_header_does_not_loosen_the_parameter(viewer: Viewer) -> None:
    """A forced refresh stays one, whatever the header says."""
    assert demanded(viewer, force=True, cache_control="max-age=300") == Demand(None, force=True)


@pytest.mark.parametrize(
    ("seconds", "prefer"),
    [
        (None, ""),
        (None, "return=minimal"),
        (0, "wait=0"),
        (7, "respond-async, wait=7"),
        (7, "wait = 7; foo"),
        (7, "wait=7, wait=9"),
        (60, "wait=3600"),
        (None, "wait=-1"),
        (None, "wait=soon"),
    ],
)
def test_prefer_demands_a_max_wait(seconds: float | None, prefer: str) -> None:
    """It is at most the configured maximum. The first of several counts."""
    assert demanded(prefer=prefer) == Demand(max_wait_seconds=seconds)


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_no_header_exceeds_the_limits(cache_control: str, prefer: str) -> None:
    """The demand of a token without `refresh` respects the floor and the maximum."""
    demand = demanded(cache_control=cache_control, prefer=prefer)

    assert demand.max_age_seconds is None or demand.max_age_seconds >= RULES.floor_seconds
    assert demand.max_wait_seconds is None or 0 <= demand.max_wait_seconds <= RULES.deadline_max_seconds
    assert not demand.force


def test_the_tag_ignores_the_time_of_the_last_sighting() -> None:
    """A new sighting of the same values leaves the tag unchanged; any other change does not."""
    body = {"name": "a", "last_synced_at": "1"}

    assert entity_tag(body) == entity_tag({**body, "last_synced_at": "2"})
    assert entity_tag(body) != entity_tag({**body, "name": "b"})


@pytest.mark.parametrize(
    ("expected", "header"),
    [(True, "*"), (True, 'W/"a"'), (True, '"a"'), (True, '"b", W/"a"'), (False, '"b"'), (False, "a"), (False, "")],
)
def test_tags_are_compared_weakly(expected: bool, header: str) -> None:
    """Any tag of a list may match, and an asterisk matches all."""
    assert matches(headers_with(if_none_match=header), 'W/"a"') == expected
