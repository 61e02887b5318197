"""HTTP headers about ages: reads Cache-Control and Prefer, and writes Age, Cache-Status and ETag.

Sources: RFC 9111 (Cache-Control, Age), RFC 7240 (Prefer: wait), RFC 9211 (Cache-Status), RFC 9110 (ETag, If-None-Match).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from domain.enums import FreshnessState, Permission, ResourceStatus
from domain.freshness import Demand
from domain.rules import FreshnessRules
from domain.timestamps import from_text
from domain.viewer import Viewer
from resolvers.freshness.summary import FreshnessSummary
from supplygraph.http.headers import RequestHeaders
from supplygraph.http.rest_rendering import ResourceJson, parts_with_age

COMMON: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
_MOST_SECONDS: Final = 2**31 - 1
_LEAST_SECONDS: Final = 1.0
_MAX_AGE: Final = re.compile(r'max-age="?([0-9]{1,20})"?')
_WAIT: Final = re.compile(r'wait\s*=\s*"?([0-9]{1,20})"?')


def demand_of(headers: RequestHeaders, *, force: bool, viewer: Viewer, rules: FreshnessRules) -> Demand:
    """Return the demand of a request.

    A header is clamped where a parameter would be refused, and it never makes a parameter less strict.
    """
    max_age = None if force else _max_age(headers)
    if max_age is not None and not viewer.may(Permission.REFRESH):
        # Max age 0 would force, even if the floor is 0, and forcing needs the permission.
        max_age = max(max_age, rules.floor_seconds, _LEAST_SECONDS)
    if max_age == 0:
        max_age, force = None, True
    wait = _wait(headers)
    return Demand(max_age, force, None if wait is None else min(wait, rules.deadline_max_seconds))


def _directives(lines: Sequence[bytes], separators: str) -> list[str]:
    return [part.strip().lower() for line in lines for part in re.split(separators, line.decode("latin-1"))]


def _max_age(headers: RequestHeaders) -> float | None:
    directives = _directives(headers.all(b"cache-control"), ",")
    ages = [float(min(int(match[1]), _MOST_SECONDS)) for part in directives if (match := _MAX_AGE.fullmatch(part))]
    return 0.0 if "no-cache" in directives else min(ages, default=None)


def _wait(headers: RequestHeaders) -> float | None:
    # RFC 7240: if a preference occurs twice, the first one counts.
    waits = (_WAIT.fullmatch(part) for part in _directives(headers.all(b"prefer"), "[,;]"))
    first = next((match for match in waits if match), None)
    return None if first is None else float(min(int(first[1]), _MOST_SECONDS))


def age_headers(
    resource: ResourceJson, now: datetime, max_age_seconds: float, summary: FreshnessSummary
) -> dict[str, str]:
    """Return Age, the age of the oldest value in the body in whole seconds, and Cache-Status, the reason for it."""
    ages = {id(part): _age(part, now) for part in parts_with_age(resource)}
    observed_ages = [age for age in ages.values() if age is not None]
    headers = {"Cache-Status": f"supplygraph; {_status(resource, ages, max_age_seconds, summary)}"}
    if observed_ages:
        headers["Age"] = str(math.floor(max(observed_ages)))
    return headers


def _age(part: ResourceJson, now: datetime) -> float | None:
    observed_at = part["freshness"]["observedAt"]
    return None if observed_at is None else max(0.0, (now - from_text(observed_at)).total_seconds())


def _status(
    resource: ResourceJson, ages: Mapping[int, float | None], max_age_seconds: float, summary: FreshnessSummary
) -> str:
    parts = list(parts_with_age(resource))
    stale = [part for part in parts if part["freshness"]["state"] != FreshnessState.FRESH.value]
    if not stale:
        if summary.vendor_calls or summary.shared:
            return "fwd=stale; stored" + ("; collapsed" if summary.shared else "")
        # "Deleted" stays true at any age.
        living = [part for part in parts if part["status"] != ResourceStatus.DELETED.value]
        return f"hit; ttl={max(0, _seconds_left(living, ages, max_age_seconds))}"
    reason = stale[0]["freshness"]["reason"]
    return f"hit; ttl={min(0, _seconds_left(stale, ages, max_age_seconds))}" + (f"; detail={reason}" if reason else "")


def _seconds_left(parts: list[ResourceJson], ages: Mapping[int, float | None], max_age_seconds: float) -> int:
    observed_ages = [age for part in parts if (age := ages[id(part)]) is not None]
    return math.floor(max_age_seconds - max(observed_ages, default=0.0))


def entity_tag(body: Mapping[str, Any]) -> str:
    """Return a weak tag of the body without `last_synced_at`, so that an unchanged resource is not sent again."""
    tagged = {key: value for key, value in body.items() if key != "last_synced_at"}
    digest = hashlib.blake2b(orjson.dumps(tagged, option=orjson.OPT_SORT_KEYS), digest_size=16)
    return f'W/"{digest.hexdigest()}"'


def matches(headers: RequestHeaders, tag: str) -> bool:
    """Return whether the client has this version already, by weak comparison."""
    tags = [part.strip() for line in headers.all(b"if-none-match") for part in line.decode("latin-1").split(",")]
    return "*" in tags or tag.removeprefix("W/") in {part.removeprefix("W/") for part in tags}
