"""The browser pages: GraphiQL, the REST documentation and their assets, all served by the gateway itself."""

from __future__ import annotations

from typing import Final

from supplygraph.web.assets import FOLDER
from supplygraph.web.site import Site

__all__ = ["Site", "graphiql_page", "routes"]

_SITE: Final = Site(FOLDER)

routes: Final = _SITE.routes
# GraphiQL has no route: `/graphql` serves it to browsers that request HTML. The page needs no token; it prompts for one.
graphiql_page: Final = _SITE.graphiql_page
