"""Starlette handlers for the browser pages and their assets."""

from __future__ import annotations

import mimetypes
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from supplygraph.web.assets import asset_path, page_files
from supplygraph.web.pages import PublicUrl, built_page, plain_page
from supplygraph.web.policy import asset_headers, page_headers

# The operating system's table may lack these types or map them wrongly; browsers refuse a module script of another type.
_TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".ttf": "font/ttf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class Site:
    """Serves both pages from the assets in `folder`.

    If a page was not built, a plain page explains how to build it. Each request checks the folder again.
    """

    folder: Path

    def routes(self) -> list[BaseRoute]:
        """Return the routes of `/docs` and the assets."""
        return [
            Route("/docs", self.docs_page, methods=["GET"], include_in_schema=False),
            Route("/assets/{name}", self._asset, methods=["GET"], include_in_schema=False),
        ]

    def graphiql_page(self, request: Request) -> Response:
        """Return the GraphiQL page."""
        return self._page(request, "graphiql", "GraphiQL - supplygraph")

    def docs_page(self, request: Request) -> Response:
        """Return the REST documentation."""
        return self._page(request, "docs", "REST documentation - supplygraph")

    def _page(self, request: Request, name: str, title: str) -> Response:
        nonce = secrets.token_urlsafe(18)
        root = str(request.scope.get("root_path", "")).rstrip("/")
        url = PublicUrl(origin=f"{request.url.scheme}://{request.url.netloc}", root=root)
        files = page_files(f"src/{name}.jsx", self.folder)
        page = plain_page(title, url, nonce) if files is None else built_page(name, title, url, nonce, files)
        return HTMLResponse(page, headers=page_headers(nonce, built=files is not None))

    def _asset(self, request: Request) -> Response:
        """Return a built file, compressed by the build if the browser accepts gzip."""
        name = request.path_params["name"]
        path = asset_path(name, self.folder)
        if path is None or path.suffix == ".gz":
            raise HTTPException(404)
        accepts_gzip = "gzip" in request.headers.get("accept-encoding", "")
        compressed = asset_path(f"{name}.gz", self.folder) if accepts_gzip else None
        # The name contains a hash of the content, so name and encoding identify the representation.
        headers = {**asset_headers(), "ETag": f'"{(compressed or path).name}"'}
        if headers["ETag"] in _cached_tags(request):
            return Response(status_code=304, headers=headers)
        if compressed is not None:
            headers["Content-Encoding"] = "gzip"
        return FileResponse(compressed or path, headers=headers, media_type=_media_type(path.suffix))


def _cached_tags(request: Request) -> set[str]:
    """Return the tags that the browser has cached."""
    tags = request.headers.get("if-none-match", "").split(",")
    return {tag.strip().removeprefix("W/") for tag in tags}


def _media_type(suffix: str) -> str:
    return _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
