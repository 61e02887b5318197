"""Reads the demand of a root field from its argument `freshness`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from db.query.arguments import check_seconds
from domain.errors import BadUserInput
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.selection import Selected

_LONGEST_SECONDS: Final = 1e9
"""Thirty years. A longer max age has the same effect, and its date could be out of range."""


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
