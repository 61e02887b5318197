"""What a root field demands, checked before anything runs: arguments, and the permissions that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from db.query.arguments import seconds
from domain.enums import Permission
from domain.errors import BadUserInput
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer

_OPERATORS: Final = frozenset(
    {
        ("VendorAccount", "lastError"),
        ("VendorAccount", "budget"),
        ("VendorAccount", "calls"),
        ("VendorScope", "breaker"),
    }
)
"""The fields that tell how the gateway is run."""
_LONGEST_SECONDS: Final = 1e9
"""Thirty years: a longer max age says no more, and would leave the calendar."""


def demand_of(root: Selected, rules: FreshnessRules) -> Demand:
    """The demand in `freshness`; max age 0 is force. Raises BadUserInput, naming the argument."""
    told = root.arguments.get("freshness")
    if told is None:
        return Demand()
    if not isinstance(told, Mapping):
        raise BadUserInput("freshness", "'freshness' must be an object.")
    force = bool(told.get("forceRefresh"))
    max_age = seconds(told.get("maxAgeSeconds"), "maxAgeSeconds")
    max_wait = seconds(told.get("maxWaitSeconds"), "maxWaitSeconds", rules.deadline_max_seconds)
    if force and max_age is not None:
        raise BadUserInput("freshness", "Give either 'forceRefresh' or 'maxAgeSeconds', not both.")
    if max_age == 0:
        return Demand(force=True, max_wait_seconds=max_wait)
    return Demand(None if max_age is None else min(max_age, _LONGEST_SECONDS), force, max_wait)


def check_permissions(root: Selected, demand: Demand | None, viewer: Viewer, rules: FreshnessRules) -> None:
    """Raise Forbidden where a permission lacks. Without a demand, which could not be read, only the selection is looked at."""
    if demand is not None and demand.force:
        viewer.require(Permission.REFRESH, "A forced refresh")
    if demand is not None and demand.max_age_seconds is not None and demand.max_age_seconds < rules.floor_seconds:
        viewer.require(Permission.REFRESH, f"A max age below {rules.floor_seconds:g} seconds")
    for field in _walk(root):
        if (field.type_name, field.name) in _OPERATORS:
            viewer.require(Permission.ADMIN, f"'{field.name}'")


def _walk(selected: Selected) -> Iterator[Selected]:
    yield selected
    for child in selected.fields:
        yield from _walk(child)
