"""Reads the demand of a root field from its argument `freshness`, and checks the permissions that a root field needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.query.arguments import check_seconds
from domain.enums import Permission
from domain.errors import BadUserInput
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer

_LONGEST_SECONDS: Final = 1e9
"""Thirty years. A longer max age has the same effect, and its date could be out of range."""
_OPERATOR_FIELDS: Final = frozenset(
    {
        ("VendorAccount", "lastError"),
        ("VendorAccount", "budget"),
        ("VendorAccount", "calls"),
        ("VendorScope", "breaker"),
    }
)
"""Fields that show how the gateway is run. They need the permission `admin`."""


def demand_of(root: Selected, rules: FreshnessRules) -> Demand:
    """Return the demand. A max age of 0 is a forced demand. Raises BadUserInput with the name of the argument."""
    freshness = root.arguments.get("freshness")
    if freshness is None:
        return Demand()
    if not isinstance(freshness, Mapping):
        raise BadUserInput("freshness", "'freshness' must be an object.")
    force = bool(freshness.get("forceRefresh"))
    max_age = check_seconds(freshness.get("maxAgeSeconds"), "maxAgeSeconds")
    max_wait = check_seconds(freshness.get("maxWaitSeconds"), "maxWaitSeconds", rules.deadline_max_seconds)
    if force and max_age is not None:
        raise BadUserInput("freshness", "Give either 'forceRefresh' or 'maxAgeSeconds', not both.")
    if max_age == 0:
        return Demand(force=True, max_wait_seconds=max_wait)
    return Demand(None if max_age is None else min(max_age, _LONGEST_SECONDS), force, max_wait)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A permission, and the subject of the error message if it is missing."""

    permission: Permission
    subject: str


def requirements_of(root: Selected, demand: Demand | None, rules: FreshnessRules) -> Iterator[Requirement]:
    """Yield the permissions that a root field needs in addition to `read`.

    `demand` is None if the demand is invalid; then only the selection counts.
    """
    if demand is not None and demand.force:
        yield Requirement(Permission.REFRESH, "A forced refresh")
    if demand is not None and demand.max_age_seconds is not None and demand.max_age_seconds < rules.floor_seconds:
        yield Requirement(Permission.REFRESH, f"A max age below {rules.floor_seconds:g} seconds")
    for selected in _walk(root):
        if (selected.type_name, selected.name) in _OPERATOR_FIELDS:
            yield Requirement(Permission.ADMIN, f"The field '{selected.type_name}.{selected.name}'")


def authorize(viewer: Viewer, requirements: Sequence[Requirement]) -> None:
    """Check that the viewer has the permissions. Raises Forbidden for the first one that is missing."""
    for requirement in requirements:
        viewer.require(requirement.permission, requirement.subject)


def _walk(selected: Selected) -> Iterator[Selected]:
    yield selected
    for child in selected.fields:
        yield from _walk(child)
