"""The step that makes the pages from npm, with a double in npm's place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from supplygraph.web.build import NotBuilt, build, fingerprint
from supplygraph.web.node import NodeRuntime, NodeUnavailable

WEB = Path(__file__).parents[2] / "web"
_BUNDLES = """
import pathlib, sys
log = pathlib.Path(__file__).with_suffix(".log")
log.write_text((log.read_text() if log.exists() else "") + sys.argv[1] + "\\n")
if sys.argv[1] == "run":
    static = pathlib.Path("dist/static")
    static.mkdir(parents=True)
    (static / "page-1.js").write_text(pathlib.Path("src/page.js").read_text())
    pathlib.Path("dist/manifest.json").write_text("{}")
"""
_FAILS = """
import sys
print("npm warn something old", file=sys.stderr)
print("npm error network request to the registry failed: EAI_AGAIN", file=sys.stderr)
sys.exit(1)
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Sources of a page."""
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "page.js").write_text("first")
    return folder


def _npm(tmp_path: Path, script: str) -> NodeRuntime:
    """This Python in node's place, a script in npm's."""
    npm = tmp_path / "npm.py"
    npm.write_text(script)
    return NodeRuntime(Path(sys.executable), npm)


def test_a_build_installs_bundles_and_compresses(tmp_path: Path, sources: Path) -> None:
    """The lock file decides what is installed; each script has a compressed copy; the checkout stays clean."""
    node, assets = _npm(tmp_path, _BUNDLES), tmp_path / "assets"
    assert build(sources, assets, node)
    assert "ci\nrun\n" == (tmp_path / "npm.log").read_text()
    assert {"page-1.js", "page-1.js.gz"} == {path.name for path in (assets / "static").iterdir()}
    assert not (sources / "dist").exists()


def test_what_is_up_to_date_is_left_alone(tmp_path: Path, sources: Path) -> None:
    """A second build calls npm no more, unless a source changed or it is forced."""
    node, assets = _npm(tmp_path, _BUNDLES), tmp_path / "assets"
    assert build(sources, assets, node)
    assert not build(sources, assets, node)
    assert build(sources, assets, node, force=True)
    (sources / "src" / "page.js").write_text("second")
    assert build(sources, assets, node)
    assert "second" == (assets / "static" / "page-1.js").read_text()
    assert 6 == len((tmp_path / "npm.log").read_text().splitlines())


def test_a_build_without_the_registry_says_so_and_keeps_what_there_is(tmp_path: Path, sources: Path) -> None:
    """One line with the reason; the pages of before go on being served."""
    assets = tmp_path / "assets"
    build(sources, assets, _npm(tmp_path, _BUNDLES))
    (sources / "src" / "page.js").write_text("second")
    with pytest.raises(NotBuilt) as raised:
        build(sources, assets, _npm(tmp_path, _FAILS))
    assert "npm ci failed: npm's registry cannot be reached (EAI_AGAIN)" == str(raised.value)
    assert "first" == (assets / "static" / "page-1.js").read_text()


def test_a_build_that_fails_by_itself_says_what_npm_said(tmp_path: Path, sources: Path) -> None:
    """The first line that is no warning."""
    npm = _npm(tmp_path, _FAILS.replace("network request to the registry failed: EAI_AGAIN", "no such package"))
    with pytest.raises(NotBuilt, match=r"^npm ci failed: no such package$"):
        build(sources, tmp_path / "assets", npm)


def test_a_build_without_sources_says_where_they_are(tmp_path: Path) -> None:
    """An installed gateway has no `web/`."""
    with pytest.raises(NotBuilt, match="web/ of a checkout"):
        build(tmp_path / "nowhere", tmp_path / "assets", _npm(tmp_path, _FAILS))


def test_an_npm_that_hangs_is_given_up(tmp_path: Path) -> None:
    """Set-up goes on without the pages."""
    node = _npm(tmp_path, "import threading; threading.Event().wait()")
    with pytest.raises(NodeUnavailable, match="did not end within"):
        node.run_npm(("ci",), tmp_path, 0.2)


def test_installed_packages_are_no_source(sources: Path) -> None:
    """What a developer installed beside the sources does not make the pages out of date."""
    before = fingerprint(sources)
    (sources / "node_modules").mkdir()
    (sources / "node_modules" / "package.js").write_text("x")
    assert before == fingerprint(sources)


def test_the_lock_file_names_no_registry() -> None:
    """Whoever builds uses the registry that they are configured with; every package is pinned by its hash."""
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    assert [] == [name for name, package in packages.items() if "resolved" in package]
    assert [] == [name for name, package in packages.items() if name and "integrity" not in package]
