"""What may be demanded, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import Permission
from domain.errors import BadUserInput, Forbidden
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.freshness.authorization import authorize, requirements_of
from resolvers.freshness.demands import demand_of
from tests.db_query.queries import f, root

_RULES = FreshnessRules()
_READER = Viewer("reader", frozenset({Permission.READ}))


def _check(root_field: Selected, demand: Demand | None, viewer: Viewer) -> None:
    authorize(viewer, list(requirements_of(root_field, demand, _RULES)))


def _demand(**told: Any) -> Demand:
    return demand_of(root("resources", "totalCount", freshness=told), _RULES)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, Demand()),
        ({"forceRefresh": False}, Demand()),
        ({"maxAgeSeconds": 60}, Demand(60.0)),
        ({"maxAgeSeconds": 0}, Demand(force=True)),
        ({"forceRefresh": True, "maxWaitSeconds": 0}, Demand(force=True, max_wait_seconds=0.0)),
        ({"forceRefresh": True, "maxAgeSeconds": None}, Demand(force=True)),
        ({"maxAgeSeconds": 1e300}, Demand(1e9)),
        ({"maxWaitSeconds": 60}, Demand(max_wait_seconds=60.0)),
    ],
)
def test_demands(told: dict[str, Any], expected: Demand) -> None:
    """As the argument says; max age 0 is force."""
    assert expected == _demand(**told)


def test_no_demand() -> None:
    """Left out or null, the account's own defaults count."""
    assert demand_of(root("resources", "totalCount"), _RULES) == Demand()
    assert demand_of(root("resources", "totalCount", freshness=None), _RULES) == Demand()


@pytest.mark.parametrize(
    ("told", "argument"),
    [
        ({"forceRefresh": True, "maxAgeSeconds": 0}, "freshness"),
        ({"forceRefresh": True, "maxAgeSeconds": 30}, "freshness"),
        ({"maxAgeSeconds": -1}, "maxAgeSeconds"),
        ({"maxAgeSeconds": float("nan")}, "maxAgeSeconds"),
        ({"maxAgeSeconds": 10**400}, "maxAgeSeconds"),
        ({"maxAgeSeconds": "30"}, "maxAgeSeconds"),
        ({"maxWaitSeconds": -0.1}, "maxWaitSeconds"),
        ({"maxWaitSeconds": float("inf")}, "maxWaitSeconds"),
        ({"maxWaitSeconds": True}, "maxWaitSeconds"),
        ({"maxWaitSeconds": 60.1}, "maxWaitSeconds"),
    ],
)
def test_refused(told: dict[str, Any], argument: str) -> None:
    """Contradictions, and numbers that are negative, endless or over the limit: the argument is named."""
    with pytest.raises(BadUserInput) as caught:
        _demand(**told)
    assert argument == caught.value.argument


@pytest.mark.parametrize(
    ("permissions", "told", "allowed"),
    [
        ({Permission.READ}, {"maxAgeSeconds": 5}, True),
        ({Permission.READ}, {"maxAgeSeconds": 4}, False),
        ({Permission.READ}, {"maxAgeSeconds": 0}, False),
        ({Permission.READ}, {"forceRefresh": True}, False),
        ({Permission.READ, Permission.REFRESH}, {"forceRefresh": True}, True),
        ({Permission.ADMIN}, {"maxAgeSeconds": 1}, True),
    ],
)
def test_permissions(permissions: set[Permission], told: dict[str, Any], allowed: bool) -> None:
    """Force, and a max age below the floor, need `refresh`."""
    asked = root("resources", "totalCount", freshness=told)
    viewer = Viewer("somebody", frozenset(permissions))
    if allowed:
        _check(asked, demand_of(asked, _RULES), viewer)
    else:
        with pytest.raises(Forbidden, match="refresh"):
            _check(asked, demand_of(asked, _RULES), viewer)


def test_last_error() -> None:
    """`lastError`, wherever it is selected, needs `admin`."""
    account = f("account", f("lastError", key="why"))
    for asked in (root("accounts", "lastError"), root("resources", f("coverage", f("gaps", account)))):
        with pytest.raises(Forbidden, match="admin"):
            _check(asked, None, _READER)
        _check(asked, None, Viewer("boss", frozenset({Permission.ADMIN})))
    _check(root("accounts", f("name", key="lastError")), None, _READER)
