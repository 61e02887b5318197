"""The text of the pages, and of the plain one that stands in for them where they were not built."""

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
<noscript>This page needs JavaScript. The gateway itself does not: see {root}/openapi.json.</noscript>
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
<code>{root}/resources/{{resource_id}}</code>, its description at <a href="{root}/openapi.json">{root}/openapi.json</a>.</p>
<p>The page is made from npm packages when the gateway is set up, and npm could not be reached then, or that step was
left out. In a checkout, with npm's registry in reach, run</p>
<pre>make web</pre>
<p>or, in an environment where the gateway is installed from a checkout,</p>
<pre>python -m supplygraph.web.build</pre>
<p>and load this page again; the gateway need not be restarted. Until then, a query by hand:</p>
<pre>curl -s {origin}{root}/graphql \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{{"query": "{{ resources {{ nodes {{ name status }} }} }}"}}'</pre>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """Where the browser sees the gateway: `origin` as scheme and host, `root` the path prefix of a proxy or empty."""

    origin: str
    root: str


def built_page(name: str, title: str, place: PublicUrl, nonce: str, files: PageFiles) -> str:
    """A page which loads the built files; its script marks style elements with the nonce."""
    base = f"{place.root}/assets"
    sheets = [f'<link rel="stylesheet" href="{escape(f"{base}/{sheet}")}">' for sheet in files.stylesheets]
    script = f'<script type="module" src="{escape(f"{base}/{files.script}")}"></script>'
    links = "\n".join([*sheets, script])
    return (_HEAD + _BUILT).format(
        name=name, title=escape(title), root=escape(place.root), nonce=escape(nonce), links=links
    )


def plain_page(title: str, place: PublicUrl, nonce: str) -> str:
    """A page without any script, which says how to build the real one."""
    return (_HEAD + _PLAIN).format(
        title=escape(title), root=escape(place.root), origin=escape(place.origin), nonce=escape(nonce)
    )
