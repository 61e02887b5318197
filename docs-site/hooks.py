"""Hooks of `mkdocs build`: serve the Mermaid script from the site itself.

Material for MkDocs loads Mermaid from a CDN unless the page has loaded it already, so the page loads this copy.
"""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

SCRIPT = Path(__file__).parent / "node_modules" / "@mermaid-js" / "tiny" / "dist" / "mermaid.tiny.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the script to the files of the site, under the name that `extra_javascript` refers to."""
    if not SCRIPT.is_file():
        raise PluginError("The Mermaid script is missing. Run `npm ci` in docs-site, or `make docs`, which does it.")
    files.append(File.generated(config, "assets/mermaid.js", abs_src_path=str(SCRIPT)))
    return files
