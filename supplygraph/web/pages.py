"""HTML of the browser pages, and of the plain page that is served if they were not built."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

from supplygraph.web.assets import PageFiles

_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>{title}</title>
"""

_BUILT: Final = """<meta name="style-nonce" nonce="{nonce}">
{links}
</head>
<body class="{name}-page">
<noscript>This page needs JavaScript. The gateway itself works without it; see {root}/openapi.json.</noscript>
<div id="bar"></div>
<div id="page" data-graphql="{root}/graphql" data-docs="{root}/docs" data-openapi="{root}/openapi.json"></div>
</body>
</html>
"""

_PLAIN: Final = """<style nonce="{nonce}">
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 10vh auto; padding: 0 1rem; }}
pre {{ padding: .8rem 1rem; border: 1px solid #b8c0ca; border-radius: 6px; overflow-x: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>This page was not built. Everything else works: the graph at <code>{root}/graphql</code>, the REST route at
<code>{root}/resources/{{resource_id}}</code> and its description at <a href="{root}/openapi.json">{root}/openapi.json</a>.</p>
<p>The page is built from npm packages when the gateway is set up. That step was skipped, or the npm registry was
unreachable. To build the page, run this in a checkout, on a machine that can reach the npm registry:</p>
<pre>make web</pre>
<p>or, without make:</p>
<pre>python -m web.build</pre>
<p>Then load this page again; you do not need to restart the gateway. Until then, you can send a query with curl:</p>
<pre>curl -s {origin}{root}/graphql \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{{"query": "{{ resources {{ nodes {{ name status }} }} }}"}}'</pre>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """The gateway's address as the browser sees it.

    `origin` is scheme and host. `root` is the path prefix of a proxy, empty without one.
    """

    origin: str
    root: str


def built_page(name: str, title: str, url: PublicUrl, nonce: str, files: PageFiles) -> str:
    """Return a page that loads the built files. Its script adds the nonce to the style elements that it creates."""
    base = f"{url.root}/assets"
    sheets = [f'<link rel="stylesheet" href="{escape(f"{base}/{sheet}")}">' for sheet in files.stylesheets]
    script = f'<script type="module" src="{escape(f"{base}/{files.script}")}"></script>'
    links = "\n".join([*sheets, script])
    return (_HEAD + _BUILT).format(
        name=name, title=escape(title), root=escape(url.root), nonce=escape(nonce), links=links
    )


def plain_page(title: str, url: PublicUrl, nonce: str) -> str:
    """Return a page without scripts that explains how to build the real one."""
    return (_HEAD + _PLAIN).format(
        title=escape(title), root=escape(url.root), origin=escape(url.origin), nonce=escape(nonce)
    )
