"""The operations of the benchmark, written for each server, and the HTTP requests that carry them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

ONE: Final = "one resource"
BROWSER: Final = "one resource, browser"
PAGE: Final = "page of 100"
REST: Final = "REST by id"
FULL: Final = "full selection by GraphQL"
SUBJECTS: Final = (ONE, BROWSER, PAGE, REST, FULL)
SINGLE_SUBJECTS: Final = (ONE, BROWSER, REST, FULL)
"""The subjects whose requests each name one resource by its id."""
PAGE_SIZE: Final = 100

_PLAIN: Final = "resourceId name status vendor vendorRegion resourceType createdAt pricingTotalHourly currency"
_LINK: Final = "{ resourceId name status linkType linkedSince }"
_ENTRY: Final = "{ role createdAt offer { offerId contractType vendorSku priceHourly currency } }"
_PAGE_INFO: Final = "pageInfo { hasNextPage endCursor }"
_FIELDS: Final = f"{_PLAIN} linkedResources {_LINK} offerHistory {_ENTRY}"
_FRESHNESS: Final = "freshness { state observedAt reason }"
FULL_SELECTION: Final = f"""query Full($id: UUID!) {{ resource(resourceId: $id) {{
  resourceId resourceType name vendor vendorRegion status statusMessage pricingTotalHourly validFrom validTo
  lastSyncedAt createdAt account {{ name }}
  access {{ externalIp internalIp sshCommand sshPort }}
  spec {{ gpuType gpuFamily gpuCount vcpuCount memoryGb diskGb vendorSku image vendor }}
  linkedResources(includeEnded: true) {{
    resourceId resourceType name status linkType linkedSince linkedUntil {_FRESHNESS}
  }}
  offerHistory {{ offerId offerType role createdAt }}
  {_FRESHNESS}
}} }}"""
"""The fields of `GET /resources/{id}`, as a GraphQL operation. Only supplygraph has all of these fields."""


@dataclass(frozen=True, slots=True)
class OperationTexts:
    """The operations as one server's schema names them.

    Their variables are `id`, and `after`: a cursor of that server, or null.
    """

    one: str
    page: str
    full: str | None = None


OURS: Final = OperationTexts(
    f"query One($id: UUID!) {{ resource(resourceId: $id) {{ {_FIELDS} }} }}",
    f"query Page($after: String) {{ resources(first: {PAGE_SIZE}, after: $after, "
    f"orderBy: {{field: CREATED_AT, direction: DESC}}) {{ nodes {{ {_FIELDS} }} {_PAGE_INFO} }} }}",
    FULL_SELECTION,
)
BY_HAND: Final = OperationTexts(
    f"query One($id: ID!) {{ resource(resourceId: $id) {{ {_FIELDS} }} }}",
    f"query Page($after: String) {{ resources(first: {PAGE_SIZE}, after: $after) "
    f"{{ nodes {{ {_FIELDS} }} {_PAGE_INFO} }} }}",
)
_GENERATED: Final = (
    f"{_PLAIN} linkedResources(orderBy: [LINKED_SINCE_ASC, LINK_ID_ASC]) {_LINK} "
    f"offerHistory(orderBy: [CREATED_AT_ASC, PROVENANCE_ID_ASC]) {_ENTRY}"
)
GENERATED: Final = OperationTexts(
    f"query One($id: String!) {{ resource: resourceByResourceId(resourceId: $id) {{ {_GENERATED} }} }}",
    f"query Page($after: Cursor) {{ resources: allResources(first: {PAGE_SIZE}, after: $after, "
    f"orderBy: [CREATED_AT_DESC, RESOURCE_ID_DESC]) {{ nodes {{ {_GENERATED} }} {_PAGE_INFO} }} }}",
)
"""PostGraphile derives its names from the views, and the client has to order nested lists."""


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """An HTTP request: a GET if `body` is None, else a POST.

    The sender adds `Host`, `Content-Length` and `Authorization` to the headers.
    """

    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "GET" if self.body is None else "POST"


PLAIN_HEADERS: Final = (("Content-Type", "application/json"), ("Accept", "application/json"))
"""The headers of a script or a service."""
_USER_AGENT: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
)
_BROWSER_HEADERS: Final = (
    ("sec-ch-ua-platform", '"Linux"'),
    ("User-Agent", _USER_AGENT),
    ("sec-ch-ua", '"Google Chrome";v="141", "Not?A_Brand";v="8", "Chromium";v="141"'),
    ("Content-Type", "application/json"),
    ("DNT", "1"),
    ("sec-ch-ua-mobile", "?0"),
    ("Sec-Fetch-Site", "same-origin"),
    ("Sec-Fetch-Mode", "cors"),
    ("Sec-Fetch-Dest", "empty"),
    ("Referer", "https://supplygraph.example.com/graphql"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-US,en;q=0.9,de;q=0.8"),
    ("Cookie", "session=0f8fad5b-d9cb-469f-a165-70867728950e; theme=dark"),
)
_BROWSER_ACCEPTS: Final = (
    "*/*",
    "application/json",
    "application/graphql-response+json",
    "application/graphql-response+json, application/json;q=0.9",
    "application/graphql-response+json, application/json; charset=utf-8, application/json; charset=utf-8",
)
"""The Accept headers of `fetch`, GraphiQL, Apollo Client, urql and Relay."""


def browser_headers(random: Random) -> tuple[tuple[str, str], ...]:
    """Return the headers of a page of the same origin in Chrome, with a trace of its own; such a request has no `Origin`."""
    trace = f"00-{random.getrandbits(128):032x}-{random.getrandbits(64):016x}-01"
    return (*_BROWSER_HEADERS, ("Accept", random.choice(_BROWSER_ACCEPTS)), ("traceparent", trace))


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Builds the requests of one server. `texts` is None if the path alone names the operation."""

    texts: OperationTexts | None
    one_path: str = "/graphql"
    page_path: str = "/graphql"

    def one(self, resource_id: str) -> BenchRequest:
        """Request one resource with its links and offers."""
        return self._post(self.one_path, self.texts.one if self.texts else None, {"id": resource_id})

    def browser(self, resource_id: str) -> BenchRequest:
        """Request the same as `one`, as a browser sends it. The headers depend on the id alone."""
        plain = self.one(resource_id)
        return BenchRequest(plain.path, plain.body, browser_headers(Random(resource_id)))  # noqa: S311 - not a secret

    def page(self, after: str | None) -> BenchRequest:
        """Request the page after a cursor of this server; None is the first page."""
        return self._post(self.page_path, self.texts.page if self.texts else None, {"after": after})

    def rest(self, resource_id: str) -> BenchRequest:
        """Request the whole of one resource by the REST route."""
        return BenchRequest(f"/resources/{resource_id}", None, PLAIN_HEADERS)

    def full(self, resource_id: str) -> BenchRequest:
        """Request the same as `rest` by GraphQL."""
        assert self.texts is not None
        return self._post(self.one_path, self.texts.full, {"id": resource_id})

    def single(self, subject: str, resource_id: str) -> BenchRequest:
        """Request one resource, by the name of a subject."""
        builders = {ONE: self.one, BROWSER: self.browser, REST: self.rest, FULL: self.full}
        return builders[subject](resource_id)

    def _post(self, path: str, query: str | None, variables: Mapping[str, str | None]) -> BenchRequest:
        payload = {"variables": variables} if query is None else {"query": query, "variables": variables}
        return BenchRequest(path, json.dumps(payload, separators=(",", ":")).encode(), PLAIN_HEADERS)
