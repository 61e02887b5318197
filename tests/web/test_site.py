"""The pages and assets over HTTP, without a browser."""

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
    """A folder as the build leaves it."""
    (tmp_path / "static").mkdir()
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    (tmp_path / "static" / "graphiql-1.js").write_text("plain")
    (tmp_path / "static" / "graphiql-1.js.gz").write_bytes(b"zipped")
    (tmp_path / "static" / "plain.woff2").write_bytes(b"font")
    return tmp_path


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_a_page_loads_its_own_files_only(built: Path, path: str) -> None:
    """Every address in the page is a path on the gateway itself, and stylesheets come in the order of their imports."""
    text = (await _client(built).get(path)).text
    addresses = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert addresses
    assert [] == [address for address in addresses if not address.startswith(("/assets/", "data:,"))]
    assert "/assets/shared-1.css" in addresses


async def test_a_page_behind_a_prefix_keeps_to_it(built: Path) -> None:
    """A proxy's path prefix stands before every address."""
    text = (await _client(built, root="/gpu").get("/gpu/graphql")).text
    assert 'src="/gpu/assets/graphiql-1.js"' in text
    assert 'data-graphql="/gpu/graphql"' in text


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_a_page_is_sent_under_a_strict_policy(built: Path, path: str) -> None:
    """Scripts and connections are the gateway's own; nothing inline runs; nobody frames the page."""
    answer = await _client(built).get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert "'none'" == policy["default-src"]
    assert ["'self'"] * 4 == [policy[name] for name in ("script-src", "connect-src", "font-src", "worker-src")]
    assert ["'none'"] * 3 == [policy[name] for name in ("base-uri", "frame-ancestors", "form-action")]
    assert "unsafe" not in policy["style-src"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "same-origin" == answer.headers["cross-origin-opener-policy"]
    assert "no-store" == answer.headers["cache-control"]


async def test_each_page_has_a_nonce_of_its_own(built: Path) -> None:
    """A nonce that was seen once admits nothing later; the page carries the one its policy names."""
    answers = [await _client(built).get("/graphql") for _ in range(2)]
    nonces = []
    for answer in answers:
        found = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert found
        assert f'nonce="{found[1]}"' in answer.text
        nonces.append(found[1])
    assert 2 == len(set(nonces))


@pytest.mark.parametrize("path", ["/graphql", "/docs"])
async def test_a_page_that_was_not_built_says_how_to(tmp_path: Path, path: str) -> None:
    """It has no script, names the command and gives a query that works without it."""
    answer = await _client(tmp_path).get(path)
    assert 200 == answer.status_code
    assert "python -m supplygraph.web.build" in answer.text
    assert "curl -s http://gateway.example/graphql" in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_page_is_there_as_soon_as_it_is_built(tmp_path: Path) -> None:
    """The gateway need not be restarted after a build."""
    client = _client(tmp_path)
    before = (await client.get("/docs")).text
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert "was not built" in before
    assert "/assets/docs-1.js" in (await client.get("/docs")).text


async def test_an_asset_may_be_kept_for_ever(built: Path) -> None:
    """Its name changes with its content."""
    answer = await _client(built).get("/assets/graphiql-1.js", headers={"Accept-Encoding": "identity"})
    assert "plain" == answer.text
    assert "public, max-age=31536000, immutable" == answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "nosniff" == answer.headers["x-content-type-options"]


async def test_an_asset_is_sent_compressed_to_who_takes_it(built: Path) -> None:
    """The copy made by the build is sent, under a tag of its own."""
    client = _client(built)
    async with client.stream("GET", "/assets/graphiql-1.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "gzip" == answer.headers["content-encoding"]
        assert b"zipped" == b"".join([part async for part in answer.aiter_raw()])
    plain = await client.get("/assets/graphiql-1.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" == plain.headers["vary"]


async def test_an_asset_that_the_browser_has_is_not_sent_again(built: Path) -> None:
    """Its tag, alone, weak or in a list, gets 304 without a body."""
    client = _client(built)
    tag = (await client.get("/assets/plain.woff2")).headers["etag"]
    for known in (tag, f"W/{tag}", f'"another", {tag}'):
        again = await client.get("/assets/plain.woff2", headers={"If-None-Match": known})
        assert (304, b"") == (again.status_code, again.content)
    assert 200 == (await client.get("/assets/plain.woff2", headers={"If-None-Match": '"another"'})).status_code


@pytest.mark.parametrize(
    "name",
    ["missing.js", "..%2Fmanifest.json", "%2e%2e/manifest.json", ".hidden", "graphiql-1.js.gz", "x%00.js", "a/b"],
)
async def test_what_is_no_asset_is_not_found(built: Path, name: str) -> None:
    """No name leads out of the folder."""
    assert 404 == (await _client(built).get(f"/assets/{name}")).status_code
