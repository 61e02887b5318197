"""What HTTP's headers ask of ages, as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from domain.enums import Permission
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.viewer import Viewer
from supplygraph.http.rest_caching import demand_of, entity_tag, matches

READER = Viewer("reader", frozenset({Permission.READ}))
REFRESHER = Viewer("refresher", frozenset({Permission.READ, Permission.REFRESH}))
RULES = FreshnessRules()


def asked(viewer: Viewer = READER, *, force: bool = False, rules: FreshnessRules = RULES, **headers: str) -> Demand:
    """The demand of a request with these headers."""
    raw = {name.replace("_", "-"): value for name, value in headers.items()}
    return demand_of(Headers(raw), force=force, viewer=viewer, rules=rules)


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
def test_cache_control_asks_a_max_age(demand: Demand, cache_control: str) -> None:
    """The strictest of what is asked counts, no lower than the floor without the permission; nonsense asks nothing."""
    assert demand == asked(cache_control=cache_control)


def test_who_may_refresh_may_do_so_by_header() -> None:
    """The floor is for tokens without the permission."""
    assert Demand(0) == asked(REFRESHER, cache_control="no-cache")
    assert Demand(1) == asked(REFRESHER, cache_control="max-age=1")


def test_a_floor_of_nothing_makes_no_header_a_force() -> None:
    """Max age 0 is force and needs the permission, so a clamped header stays above it."""
    assert Demand(1) == asked(rules=FreshnessRules(floor_seconds=0), cache_control="no-cache")


@pytest.mark.parametrize("viewer", [READER, REFRESHER])
def test_force_is_not_loosened(viewer: Viewer) -> None:
    """The parameter counts, whatever the header."""
    assert Demand(None, force=True) == asked(viewer, force=True, cache_control="max-age=300")


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
def test_prefer_asks_a_max_wait(seconds: float | None, prefer: str) -> None:
    """At most the configured maximum; the first of several counts."""
    assert Demand(max_wait_seconds=seconds) == asked(prefer=prefer)


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
    st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_no_header_gets_below_what_is_allowed(cache_control: str, prefer: str) -> None:
    """Whatever is written, a reader's demand keeps to the floor and the maximum."""
    demand = asked(cache_control=cache_control, prefer=prefer)

    assert demand.max_age_seconds is None or demand.max_age_seconds >= RULES.floor_seconds
    assert demand.max_wait_seconds is None or 0 <= demand.max_wait_seconds <= RULES.deadline_max_seconds
    assert not demand.force


def test_the_tag_is_of_all_but_the_time_of_the_last_sighting() -> None:
    """A new sighting of the same is no change; anything else is."""
    body = {"name": "a", "last_synced_at": "1"}

    assert entity_tag(body) == entity_tag({**body, "last_synced_at": "2"})
    assert entity_tag(body) != entity_tag({**body, "name": "b"})


@pytest.mark.parametrize(
    ("known", "header"),
    [(True, "*"), (True, 'W/"a"'), (True, '"a"'), (True, '"b", W/"a"'), (False, '"b"'), (False, "a"), (False, "")],
)
def test_tags_are_compared_weakly(known: bool, header: str) -> None:
    """Of a list any may match; an asterisk matches all."""
    assert known == matches(Headers({"if-none-match": header}), 'W/"a"')
