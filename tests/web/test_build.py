"""Tests of the page build, with a Python script in place of npm."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from web.build import BuildFailed, build, fingerprint, is_up_to_date, main
from web.node_runtime import NodeRuntime, NodeUnavailable

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
    """Create the sources of a page."""
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "package-lock.json").write_text("{}")
    (folder / "src" / "page.js").write_text("first")
    return folder


def _npm(tmp_path: Path, script: str) -> NodeRuntime:
    """Create a runtime that runs a Python script in place of npm."""
    npm = tmp_path / "npm.py"
    npm.write_text(script)
    return NodeRuntime(Path(sys.executable), npm)


def test_build_installs_bundles_and_compresses(tmp_path: Path, sources: Path) -> None:
    """The build installs from the lock file and bundles, each script gets a compressed copy, and the checkout stays clean."""
    node, assets = _npm(tmp_path, _BUNDLES), tmp_path / "assets"
    assert build(sources, assets, node)
    assert "ci\nrun\n" == (tmp_path / "npm.log").read_text()
    assert {"page-1.js", "page-1.js.gz"} == {path.name for path in (assets / "static").iterdir()}
    assert not (sources / "dist").exists()


def test_pages_that_are_up_to_date_are_not_built_again(tmp_path: Path, sources: Path) -> None:
    """A second build does not call npm, unless a source changed or the build is forced."""
    node, assets = _npm(tmp_path, _BUNDLES), tmp_path / "assets"
    assert build(sources, assets, node)
    assert not build(sources, assets, node)
    assert build(sources, assets, node, force=True)
    assert is_up_to_date(sources, assets)
    (sources / "src" / "page.js").write_text("second")
    assert not is_up_to_date(sources, assets)
    assert build(sources, assets, node)
    assert "second" == (assets / "static" / "page-1.js").read_text()
    assert 6 == len((tmp_path / "npm.log").read_text().splitlines())


def test_unreachable_registry_is_reported_and_old_pages_stay(tmp_path: Path, sources: Path) -> None:
    """The error gives the reason in one line, and the previous pages are still served."""
    assets = tmp_path / "assets"
    build(sources, assets, _npm(tmp_path, _BUNDLES))
    (sources / "src" / "page.js").write_text("second")
    with pytest.raises(BuildFailed) as raised:
        build(sources, assets, _npm(tmp_path, _FAILS))
    assert "npm ci failed: the npm registry cannot be reached (EAI_AGAIN)" == str(raised.value)
    assert "first" == (assets / "static" / "page-1.js").read_text()


def test_npm_error_is_reported(tmp_path: Path, sources: Path) -> None:
    """The error contains the first line of npm's output that is not a warning."""
    npm = _npm(tmp_path, _FAILS.replace("network request to the registry failed: EAI_AGAIN", "no such package"))
    with pytest.raises(BuildFailed, match=r"^npm ci failed: no such package$"):
        build(sources, tmp_path / "assets", npm)


def test_build_without_sources_says_where_they_are(tmp_path: Path) -> None:
    """Without the page sources the error names the folder of a checkout that has them."""
    with pytest.raises(BuildFailed, match="run this command in a checkout, which has them in web/"):
        build(tmp_path / "nowhere", tmp_path / "assets", _npm(tmp_path, _FAILS))


def test_command_checks_the_output_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--output` names the folder that is checked and written."""
    (tmp_path / "stamp").write_text(fingerprint(WEB))
    assert 0 == main(["--output", str(tmp_path)])
    assert "The GraphiQL page and /docs are up to date\n" == capsys.readouterr().out


def test_npm_is_stopped_after_a_timeout(tmp_path: Path) -> None:
    """Setup continues without the pages if npm hangs."""
    node = _npm(tmp_path, "import threading; threading.Event().wait()")
    with pytest.raises(NodeUnavailable, match="did not finish within"):
        node.run_npm(("ci",), tmp_path, 0.2)


@pytest.mark.parametrize("name", ["node_modules/package.js", "__pycache__/build.cpython-313.pyc", "build.py"])
def test_fingerprint_ignores_files_that_are_not_sources(sources: Path, name: str) -> None:
    """Installed packages and the build script do not make the pages out of date."""
    before = fingerprint(sources)
    (sources / name).parent.mkdir(exist_ok=True)
    (sources / name).write_text("x")
    assert before == fingerprint(sources)


def test_lock_file_names_no_registry() -> None:
    """The build uses the registry that npm is configured with, and pins every package by its hash."""
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    assert [] == [name for name, package in packages.items() if "resolved" in package]
    assert [] == [name for name, package in packages.items() if name and "integrity" not in package]
