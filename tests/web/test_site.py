"""Tests of the pages and assets over HTTP, without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from supplygraph.web import Site

MANIFEST = {
    "src/graphiql.jsx": {"file": "static/graphiql-1.js", "imports": ["_shared.js"], "css": ["static/graphiql-1.css"]},
    "src/docs.jsx": {"file": "static/docs-1.js", "imports": ["_shared.js"]},
    "_shared.js": {"file": "static/shared-1.js", "css": ["static/shared-1.css"]},
}


def _client(folder: Path, root: str = "") -> httpx.AsyncClient:
    site = Site(folder)
    app = Starlette(routes=[*site.routes(), Route("/graphql", site.graphiql_page)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, root_path=root), base_url="http://gateway.example")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Create a folder with the output of a build."""
    (tmp_path / "static").mkdir()
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "static" / "graphiql-1.js").write_text("plain")
    (tmp_path / "static" / "graphiql-1.js.gz").write_bytes(b"zipped")
    (tmp_path / "static" / "plain.woff2").write_bytes(b"font")
    return tmp_path


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_page_loads_only_files_of_the_gateway(built: Path, path: str) -> None:
    """Every URL in the page is a path on the gateway, and imported stylesheets are included."""
    text = (await _client(built).get(path)).text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses
    assert [] == [address for address in addresses if not address.startswith(("/assets/", "data:,"))]
    assert "/assets/shared-1.css" in addresses


async def test_page_uses_the_path_prefix_of_a_proxy(built: Path) -> None:
    """Every URL starts with the path prefix."""
    text = (await _client(built, root="/gpu").get("/gpu/graphql")).text
    assert 'src="/gpu/assets/graphiql-1.js"' in text
    assert 'data-graphql="/gpu/graphql"' in text


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_page_has_a_strict_policy(built: Path, path: str) -> None:
    """Only the gateway's scripts and connections are allowed, inline scripts are not, and the page cannot be framed."""
    response = await _client(built).get(path)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    assert "'none'" == policy["default-src"]
    assert ["'self'"] * 4 == [policy[name] for name in ("script-src", "connect-src", "font-src", "worker-src")]
    assert ["'none'"] * 3 == [policy[name] for name in ("base-uri", "frame-ancestors", "form-action")]
    assert "unsafe" not in policy["style-src"]
    assert "nosniff" == response.headers["x-content-type-options"]
    assert "no-referrer" == response.headers["referrer-policy"]
    assert "same-origin" == response.headers["cross-origin-opener-policy"]
    assert "no-store" == response.headers["cache-control"]


async def test_each_response_has_its_own_nonce(built: Path) -> None:
    """A nonce is never reused, and the page contains the nonce that its policy names."""
    responses = [await _client(built).get("/graphql") for _ in range(2)]
    nonces = []
    for response in responses:
        match = re.search(r"'nonce-([^']+)'", response.headers["content-security-policy"])
        assert match
        assert f'nonce="{match[1]}"' in response.text
        nonces.append(match[1])
    assert 2 == len(set(nonces))


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_page_that_was_not_built_explains_the_build(tmp_path: Path, path: str) -> None:
    """It has no script, names the build command and shows a query that works without the page."""
    response = await _client(tmp_path).get(path)
    assert 200 == response.status_code
    assert "python -m web.build" in response.text
    assert "curl -s http://gateway.example/graphql" in response.text
    assert "<script" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_page_is_served_as_soon_as_it_is_built(tmp_path: Path) -> None:
    """The gateway does not need a restart after a build."""
    client = _client(tmp_path)
    before = (await client.get("/docs")).text
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert "was not built" in before
    assert "/assets/docs-1.js" in (await client.get("/docs")).text


async def test_asset_may_be_cached_for_ever(built: Path) -> None:
    """Its name changes with its content."""
    response = await _client(built).get("/assets/graphiql-1.js", headers={"Accept-Encoding": "identity"})
    assert "plain" == response.text
    assert "public, max-age=31536000, immutable" == response.headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")
    assert "nosniff" == response.headers["x-content-type-options"]


async def test_asset_is_compressed_if_the_client_accepts_gzip(built: Path) -> None:
    """The compressed copy of the build is sent, with its own ETag."""
    client = _client(built)
    async with client.stream("GET", "/assets/graphiql-1.js", headers={"Accept-Encoding": "gzip"}) as response:
        assert "gzip" == response.headers["content-encoding"]
        assert b"zipped" == b"".join([part async for part in response.aiter_raw()])
    plain = await client.get("/assets/graphiql-1.js", headers={"Accept-Encoding": "identity"})
    assert response.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" == plain.headers["vary"]


async def test_cached_asset_is_not_sent_again(built: Path) -> None:
    """Its ETag gets 304 without a body, whether it is sent alone, as a weak tag or in a list."""
    client = _client(built)
    tag = (await client.get("/assets/plain.woff2")).headers["etag"]
    for header in (tag, f"W/{tag}", f'"another", {tag}'):
        again = await client.get("/assets/plain.woff2", headers={"If-None-Match": header})
        assert (304, b"") == (again.status_code, again.content)
    assert 200 == (await client.get("/assets/plain.woff2", headers={"If-None-Match": '"another"'})).status_code


@pytest.mark.parametrize(
    "name",
    ["missing.js", "..%2Fmanifest.json", "%2e%2e/manifest.json", ".hidden", "graphiql-1.js.gz", "x%00.js", "a/b"],
)
async def test_other_names_are_not_found(built: Path, name: str) -> None:
    """No name gives access to a file outside of the folder."""
    assert 404 == (await _client(built).get(f"/assets/{name}")).status_code
