"""The limit of the database: a bare ASGI handler that runs one statement, which returns the finished JSON, and passes it on.

`python -m benchmarks.peers.bare_asgi`, with libpq's environment variables set. The path selects one of two operations: no GraphQL
is parsed, nobody is authenticated, no freshness is evaluated. Connections are not reset between requests.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

import asyncpg
import orjson

from benchmarks.peers.uvicorn_server import serve_app

_POOL_SIZE: Final = int(os.environ.get("POOL", "16"))
_COLUMNS: Final = "resource_id, name, status, vendor, vendor_region, resource_type, created_at, price, currency"
_RESOURCE: Final = """(SELECT row_to_json(whole) FROM (SELECT
  r.resource_id AS "resourceId", r.name, r.status, r.vendor, r.vendor_region AS "vendorRegion",
  r.resource_type AS "resourceType", r.created_at AS "createdAt", r.price AS "pricingTotalHourly", r.currency,
  (SELECT coalesce(json_agg(row_to_json(link)), '[]') FROM (
    SELECT t.resource_id AS "resourceId", t.name, t.status, l.link_type AS "linkType", l.linked_since AS "linkedSince"
    FROM links l JOIN resources t ON t.resource_id = l.to_id WHERE l.from_id = r.resource_id AND l.linked_until IS NULL
    ORDER BY l.linked_since, l.link_id) link) AS "linkedResources",
  (SELECT coalesce(json_agg(row_to_json(entry)), '[]') FROM (
    SELECT p.role, p.created_at AS "createdAt", (SELECT row_to_json(agreed) FROM (SELECT o.offer_id AS "offerId",
      o.contract_type AS "contractType", o.vendor_sku AS "vendorSku", o.price_text::float8 AS "priceHourly", o.currency
      ) agreed) AS offer
    FROM provenance p JOIN offers o USING (offer_id) WHERE p.resource_id = r.resource_id
    ORDER BY p.created_at, p.provenance_id) entry) AS "offerHistory") whole)"""
ONE: Final = f"""SELECT json_build_object('data', json_build_object('resource', {_RESOURCE}))::text
FROM resources r WHERE r.resource_id = $1"""  # noqa: S608 - constants


def _page(condition: str) -> str:
    """Return the statement of a page of 100, with whether another follows; `condition` says where it begins."""
    return f"""WITH page AS MATERIALIZED (SELECT {_COLUMNS} FROM resources {condition}
  ORDER BY created_at DESC, resource_id DESC LIMIT 101)
SELECT json_build_object('data', json_build_object('resources', json_build_object(
  'nodes', (SELECT json_agg({_RESOURCE}) FROM (SELECT * FROM page LIMIT 100) r),
  'pageInfo', json_build_object('hasNextPage', (SELECT count(*) > 100 FROM page), 'endCursor',
    (SELECT created_at || '|' || resource_id FROM page OFFSET 99 LIMIT 1)))))::text"""  # noqa: S608 - constants


FIRST: Final = _page("")
NEXT: Final = _page("WHERE (created_at, resource_id) < ($1, $2)")
_HEADERS: Final = (b"content-type", b"application/json")


class BareApp:
    """The application. It connects to the database at the first request."""

    def __init__(self) -> None:
        self._pool: asyncio.LifoQueue[Any] | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a POST whose body has `variables`."""
        if scope["type"] != "http":
            return
        variables = orjson.loads((await receive())["body"])["variables"]
        if scope["path"] == "/one":
            text = await self._fetch(ONE, variables["id"])
        elif variables["after"] is None:
            text = await self._fetch(FIRST)
        else:
            text = await self._fetch(NEXT, *variables["after"].split("|"))
        body = text.encode()
        headers = [_HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _fetch(self, statement: str, *values: str) -> str:
        pool = self._pool or await self._connect()
        connection = await pool.get()
        try:
            return str(await connection.fetchval(statement, *values))
        finally:
            pool.put_nowait(connection)

    async def _connect(self) -> asyncio.LifoQueue[Any]:
        async with self._connecting:
            if self._pool is None:
                pool: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
                for _ in range(_POOL_SIZE):
                    pool.put_nowait(await asyncpg.connect())
                self._pool = pool
            return self._pool


if __name__ == "__main__":
    serve_app(BareApp())
