"""The browser pages: GraphiQL, the REST documentation and their assets, all served by the gateway itself."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from supplygraph.web.assets import FOLDER
from supplygraph.web.site import Site

__all__ = ["Site", "docs_page", "graphiql_page", "routes"]

_SITE: Final = Site(FOLDER)


def routes() -> list[BaseRoute]:
    """Return the routes of `/docs` and the assets. GraphiQL has no route: `/graphql` serves it to browsers."""
    return _SITE.routes()


def graphiql_page(request: Request) -> Response:
    """Return the GraphiQL page, for `/graphql` when a browser requests HTML. The page needs no token; it prompts for one."""
    return _SITE.graphiql_page(request)


def docs_page(request: Request) -> Response:
    """Return the REST documentation, which the browser renders from `/openapi.json`."""
    return _SITE.docs_page(request)
