"""The permissions that a root field needs, and the check that a viewer has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from domain.enums import Permission
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected
from domain.viewer import Viewer

_OPERATOR_FIELDS: Final = frozenset(
    {
        ("VendorAccount", "lastError"),
        ("VendorAccount", "budget"),
        ("VendorAccount", "calls"),
        ("VendorScope", "breaker"),
    }
)
"""Fields that show how the gateway is run. They need the permission `admin`."""


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
