"""What every server is asked, in its own names, and when two answers are the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = Any
ONE: Final = "one resource"
PAGE: Final = "page of 100"
REST: Final = "REST by id"
SUBJECTS: Final = (ONE, PAGE, REST)
PAGE_SIZE: Final = 100

_PLAIN: Final = "resourceId name status vendor vendorRegion resourceType createdAt pricingTotalHourly currency"
_LINK: Final = "{ resourceId name status linkType linkedSince }"
_ENTRY: Final = "{ role createdAt offer { offerId contractType vendorSku priceHourly currency } }"
_PAGE_INFO: Final = "pageInfo { hasNextPage endCursor }"
_FIELDS: Final = f"{_PLAIN} linkedResources {_LINK} offerHistory {_ENTRY}"


@dataclass(frozen=True, slots=True)
class Operations:
    """The two operations in one server's own words; their variables are `id`, and `after`, a cursor of that server or null."""

    one: str
    page: str


OURS: Final = Operations(
    f"query One($id: UUID!) {{ resource(resourceId: $id) {{ {_FIELDS} }} }}",
    f"query Page($after: String) {{ resources(first: {PAGE_SIZE}, after: $after, "
    f"orderBy: {{field: CREATED_AT, direction: DESC}}) {{ nodes {{ {_FIELDS} }} {_PAGE_INFO} }} }}",
)
BY_HAND: Final = Operations(
    f"query One($id: ID!) {{ resource(resourceId: $id) {{ {_FIELDS} }} }}",
    f"query Page($after: String) {{ resources(first: {PAGE_SIZE}, after: $after) "
    f"{{ nodes {{ {_FIELDS} }} {_PAGE_INFO} }} }}",
)
_GENERATED: Final = (
    f"{_PLAIN} linkedResources(orderBy: [LINKED_SINCE_ASC, LINK_ID_ASC]) {_LINK} "
    f"offerHistory(orderBy: [CREATED_AT_ASC, PROVENANCE_ID_ASC]) {_ENTRY}"
)
GENERATED: Final = Operations(
    f"query One($id: String!) {{ resource: resourceByResourceId(resourceId: $id) {{ {_GENERATED} }} }}",
    f"query Page($after: Cursor) {{ resources: allResources(first: {PAGE_SIZE}, after: $after, "
    f"orderBy: [CREATED_AT_DESC, RESOURCE_ID_DESC]) {{ nodes {{ {_GENERATED} }} {_PAGE_INFO} }} }}",
)
"""PostGraphile's: it makes its names from the views', and lists are ordered by who asks."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request: `body` is None where it is a GET."""

    path: str
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """How one server is asked. `operations` is None where the path alone names the operation."""

    operations: Operations | None
    one_path: str = "/graphql"
    page_path: str = "/graphql"

    def one(self, resource_id: str) -> Request:
        """One resource."""
        return self._request(self.one_path, self.operations.one if self.operations else None, {"id": resource_id})

    def page(self, after: str | None) -> Request:
        """A page after a cursor that this server gave; None is the first page."""
        return self._request(self.page_path, self.operations.page if self.operations else None, {"after": after})

    def rest(self, resource_id: str) -> Request:
        """The whole of one resource."""
        return Request(f"/resources/{resource_id}")

    def _request(self, path: str, query: str | None, variables: Mapping[str, str | None]) -> Request:
        told = {"variables": variables} if query is None else {"query": query, "variables": variables}
        return Request(path, json.dumps(told, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class Asked:
    """What one server answered: to single resources, to pages in a row with the cursors that led to them, and to REST."""

    one: tuple[Json, ...] = ()
    pages: tuple[Json, ...] = ()
    rest: tuple[Json, ...] = ()
    cursors: tuple[str | None, ...] = ()


class NotEqual(Exception):
    """Two servers differ, or one answered an error; the text says where."""


def ask(
    words: Words, send: Callable[[Request], Json], ids: Sequence[str], pages: int, subjects: Sequence[str]
) -> Asked:
    """Ask a server everything once: pages by following its own cursors. Raises NotEqual where it answers an error."""
    one = tuple(_data(send(words.one(each))) for each in ids) if ONE in subjects else ()
    rest = tuple(send(words.rest(each)) for each in ids) if REST in subjects else ()
    found: list[Json] = []
    cursors: list[str | None] = [None]
    for _ in range(pages if PAGE in subjects else 0):
        told = _data(send(words.page(cursors[-1])))
        found.append(told)
        cursors.append(told["resources"]["pageInfo"]["endCursor"])
    return Asked(one, tuple(found), rest, tuple(cursors[:-1]))


def normalised(told: Json) -> Json:
    """An answer without what is each server's own: a cursor is only said to be a text.

    Numbers compare as numbers, keys in any order; a response's `extensions` (ours tells ages there) are outside of `data`.
    """
    match told:
        case {"endCursor": str(), **rest}:
            return {**{key: normalised(value) for key, value in rest.items()}, "endCursor": "a cursor"}
        case dict():
            return {key: normalised(value) for key, value in told.items()}
        case list():
            return [normalised(value) for value in told]
        case _:
            return told


def compare(expected_of: str, expected: Asked, given_of: str, given: Asked) -> int:
    """How many answers of two servers were compared, those to what both were asked. Raises NotEqual at the first that differs."""
    compared = 0
    for subject, one, other in (
        (ONE, expected.one, given.one),
        (PAGE, expected.pages, given.pages),
        (REST, expected.rest, given.rest),
    ):
        if not one or not other:
            continue
        if len(one) != len(other):
            raise NotEqual(f"{subject}: {expected_of} answered {len(one)} times, {given_of} {len(other)}")
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            if place := difference(normalised(left), normalised(right)):
                raise NotEqual(f"{subject} no. {number}: {expected_of} and {given_of} differ {place}")
            compared += 1
    return compared


def difference(left: Json, right: Json, path: str = "data") -> str | None:
    """Where two values differ first, and how; None where they are equal."""
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return f"at {path}: keys {sorted(left.keys() ^ right.keys())} are in one only"
        places = ((left[key], right[key], f"{path}.{key}") for key in left)
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            return f"at {path}: {len(left)} and {len(right)} items"
        places = ((one, other, f"{path}[{n}]") for n, (one, other) in enumerate(zip(left, right, strict=True)))
    elif isinstance(left, bool) != isinstance(right, bool) or left != right:
        return f"at {path}: {left!r} and {right!r}"
    else:
        return None
    return next((found for one, other, place in places if (found := difference(one, other, place))), None)


def _data(told: Json) -> Json:
    if not isinstance(told, dict) or told.get("errors") or not isinstance(told.get("data"), dict):
        raise NotEqual(f"an answer without data: {json.dumps(told)[:500]}")
    data = told["data"]
    if any(value is None for value in data.values()):
        raise NotEqual(f"an answer that found nothing: {json.dumps(told)[:500]}")
    return data
