"""Demands: their arguments, and the permissions that they need."""

from __future__ import annotations

from typing import Any

import pytest

from domain.enums import Permission
from domain.errors import BadUserInput, Forbidden
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer
from resolvers.freshness.demands import authorize, demand_of, requirements_of
from tests.db_query.support.queries import f, root

_RULES = FreshnessRules()
_READER = Viewer("reader", frozenset({Permission.READ}))


def _check(root_field: Selected, demand: Demand | None, viewer: Viewer) -> None:
    authorize(viewer, list(requirements_of(root_field, demand, _RULES)))


def _demand(**freshness: Any) -> Demand:
    return demand_of(root("resources", "totalCount", freshness=freshness), _RULES)


@pytest.mark.parametrize(
    ("freshness", "expected"),
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
def test_demands(freshness: dict[str, Any], expected: Demand) -> None:
    """The argument `freshness` becomes a demand. A max age of 0 means force."""
    assert expected == _demand(**freshness)


def test_no_demand() -> None:
    """If the argument is omitted or null, the defaults of the account apply."""
    assert demand_of(root("resources", "totalCount"), _RULES) == Demand()
    assert demand_of(root("resources", "totalCount", freshness=None), _RULES) == Demand()


@pytest.mark.parametrize(
    ("freshness", "argument"),
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
def test_refused_demands(freshness: dict[str, Any], argument: str) -> None:
    """Contradictions and numbers that are negative, infinite or over the limit are refused by the argument's name."""
    with pytest.raises(BadUserInput) as caught:
        _demand(**freshness)
    assert argument == caught.value.argument


@pytest.mark.parametrize(
    ("permissions", "freshness", "allowed"),
    [
        ({Permission.READ}, {"maxAgeSeconds": 5}, True),
        ({Permission.READ}, {"maxAgeSeconds": 4}, False),
        ({Permission.READ}, {"maxAgeSeconds": 0}, False),
        ({Permission.READ}, {"forceRefresh": True}, False),
        ({Permission.READ, Permission.REFRESH}, {"forceRefresh": True}, True),
        ({Permission.ADMIN}, {"maxAgeSeconds": 1}, True),
    ],
)
def test_permissions(permissions: set[Permission], freshness: dict[str, Any], allowed: bool) -> None:
    """Force and a max age below the floor need the permission `refresh`."""
    field = root("resources", "totalCount", freshness=freshness)
    viewer = Viewer("somebody", frozenset(permissions))
    if allowed:
        _check(field, demand_of(field, _RULES), viewer)
    else:
        with pytest.raises(Forbidden, match="refresh"):
            _check(field, demand_of(field, _RULES), viewer)


def test_last_error() -> None:
    """`lastError` needs the permission `admin`, wherever it is selected."""
    account = f("account", f("lastError", key="why"))
    for field in (root("accounts", "lastError"), root("resources", f("coverage", f("gaps", account)))):
        with pytest.raises(Forbidden, match="admin"):
            _check(field, None, _READER)
        _check(field, None, Viewer("boss", frozenset({Permission.ADMIN})))
    _check(root("accounts", f("name", key="lastError")), None, _READER)
