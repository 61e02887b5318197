"""The browser's side: GraphiQL, the REST documentation, and their assets, all served from here and from nowhere else."""

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
    """`/docs` and the assets. GraphiQL's page is not among them: `/graphql` answers with it where a browser asks."""
    return _SITE.routes()


def graphiql_page(request: Request) -> Response:
    """GraphiQL, for `/graphql` where a browser asks for HTML. It needs no token: it asks for one itself."""
    return _SITE.graphiql_page(request)


def docs_page(request: Request) -> Response:
    """The REST route's documentation, read from `/openapi.json`."""
    return _SITE.docs_page(request)
