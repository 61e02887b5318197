"""The table of figures."""
# style: allow-file told - quoted definitions

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import tools.counts.__main__ as command
from domain.cache import LRUCache
from supplygraph.app import Application
from tests.style.examples import source
from tools.counts.application import CACHES, Assembled, assemble, count_caches, count_entries
from tools.counts.figures import (
    Figure,
    cached_functions,
    count_banned_names,
    count_duplicate_classes,
    count_folder_modules,
    count_lines,
)
from tools.counts.objects import reachable
from tools.style.sources import read_repository


def test_lines_of_product_code() -> None:
    """Tests, tools and documents are not product code."""
    files = [
        source("a = 1\n\nb = 2\n", "db/rows.py"),
        source("a = 1\n", "domain/rows.py"),
        source("a = 1\n", "tests/rows.py"),
        source("a\n", "README.md"),
    ]
    lines = {figure.name: figure.value for figure in count_lines(files)}
    assert (lines["lines in db"], lines["lines in domain"], lines["lines in schema"]) == (3, 1, 0)
    assert lines["lines of product code"] == 4


def test_modules_names_and_classes() -> None:
    """Folders of the product, names in all Python code."""
    files = [source("class Money: pass", f"db/module{number}.py") for number in range(13)]
    files.append(source("told = 1; told_row = 2", "tests/rows.py"))
    assert count_folder_modules(files) == Figure("modules in the largest folder", 13, ("13 in db",))
    assert count_banned_names(files).value == 2
    assert count_duplicate_classes(files) == Figure("duplicate class names", 1, ("Money x13",))


@pytest.mark.parametrize(
    "decorator", ["cache", "lru_cache", "lru_cache(maxsize=9)", "functools.cache", "functools.lru_cache()"]
)
def test_cached_functions_of_the_read_path(decorator: str) -> None:
    """Methods count; other packages do not, nor do packages whose names begin alike."""
    text = f"class Rows:\n    @{decorator}\n    def read(self): pass\n    @property\n    def size(self): pass\n"
    files = [source(text, path) for path in ("db/query/sql/rows.py", "vendors/rows.py", "db/query_log.py")]
    assert cached_functions(files) == ["db.query.sql.rows.read: functools"]


def test_functions_that_are_cached_by_a_call() -> None:
    """At the top of a module such a cache serves all requests; inside a function it serves one."""
    text = "graph: Final = cache(build)\nsizes = functools.lru_cache(9)(size)\ndef read(): return cache(build)\n"
    assert cached_functions([source(text, "resolvers/rows.py")]) == [
        "resolvers.rows.graph: functools",
        "resolvers.rows.sizes: functools",
    ]


def test_reachable_objects_are_named_by_their_path() -> None:
    """Attributes, containers, bound methods, partial functions and closures are followed, cycles once."""
    target = LRUCache[str, str](1)

    def closure() -> object:
        return target

    cycle: list[object] = []
    cycle.append(cycle)
    root: list[object] = [cycle, {"key": functools.partial(print, closure)}, LRUCache[str, str](1).get]
    paths = {path: item for path, item in reachable(root, "root") if isinstance(item, LRUCache)}
    assert target is paths["root[]['key'][]<target>"]
    assert sorted(paths) == ["root[]", "root[]['key'][]<target>"]


def test_objects_of_other_packages_are_not_looked_into() -> None:
    """Their contents are not part of the gateway."""
    assert [path for path, _ in reachable([SimpleNamespace(cache=1)], "root")] == ["root", "root[]"]


def test_entries_are_routes_and_comparisons_of_the_path() -> None:
    """A route of another path is not an entry, nor is a path in a set."""

    async def endpoint(_request: Request) -> Response:
        return Response()

    app = Starlette(routes=[Route("/graphql", endpoint, methods=["POST"]), Route("/docs", endpoint)])
    text = """
from supplygraph.http import graphql
a = scope["path"] == graphql.PATH
b = path in {"/graphql"}
c = name == "/graphql"
d = path == "/docs"
"""
    entries = count_entries(app.routes, [source(text, "supplygraph/app.py"), source(text, "tests/entry.py")])
    assert entries.value == 2
    assert entries.details[0] == "comparison at supplygraph/app.py:3"


def test_each_cache_is_counted_once() -> None:
    """Only objects on the read path count, and a cache that two of them share is one."""
    assembled = assemble()
    shared = LRUCache[str, str](1)
    assembled.gateway.queries._accounts = assembled.gateway.authenticator._tokens = shared
    assembled.app.pages.state.cache = LRUCache[str, str](1)
    assert count_caches(assembled, []).value == len(CACHES) - 1


@pytest.fixture(scope="module")
def assembled() -> Assembled:
    """Assemble the real application."""
    return assemble()


def test_there_is_one_way_into_the_graph(assembled: Assembled) -> None:
    """The application dispatches to its endpoint, and FastAPI has no route for it."""
    assert isinstance(assembled.app, Application)
    entries = count_entries(assembled.app.pages.routes, read_repository())
    assert entries.value == 1
    assert entries.details[0].startswith("comparison at supplygraph/app.py:")


def test_every_cache_is_explained(assembled: Assembled) -> None:
    """The table says what each cache holds, and explains no cache that does not exist."""
    caches = count_caches(assembled, [])
    assert sorted(caches.details) == sorted(f"{name}: {text}" for name, text in CACHES.items())


def test_the_table_is_printed_where_the_application_cannot_be_assembled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other figures are shown."""

    def fails() -> Assembled:
        raise ImportError("no such module")

    monkeypatch.setattr(command, "read_repository", lambda: [source("a = 1\n", "db/rows.py")])
    monkeypatch.setattr(command, "assemble", fails)
    assert command.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["lines", "in", "db", "1"]
    assert lines[-1].strip() == "ImportError: no such module"
