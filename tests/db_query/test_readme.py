"""The README of `db/query` names existing code, and its example shows what the code does."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import Final

from graphql import parse
from graphql.execution import VariableValues, get_variable_values
from graphql.language import OperationDefinitionNode

from db.connections import EngineReader
from db.query.annotated_text import DELIMITER
from db.query.shape import Shape
from domain.selection import Selected
from resolvers.operation.selection import collect_fields
from tests.databases import DatabaseBackend
from tests.db_query.support.queries import EVERYONE, Queries, read, render
from tests.db_query.support.rows import RowWorld, ago
from tests.graphql_http.gateway import graph

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = (ROOT / "db/query/README.md").read_text(encoding="utf-8")
_PACKAGES: Final = ("db", "domain", "resolvers", "supplygraph/config")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README.replace("␁", DELIMITER), re.DOTALL | re.MULTILINE)


def _world() -> RowWorld:
    world = RowWorld()
    scope = world.add_scope(world.add_account("lab"))
    world.add_resource(scope, 0, name="trainer", created_at=ago(300))
    world.add_resource(scope, 1, name='old "box"', created_at=ago(400), missing_since=ago(10))
    world.add_resource(scope, 2, status="STOPPED")
    return world


def _select(text: str) -> tuple[Selected, ...]:
    document = parse(text)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(graph().core, (), {})
    assert isinstance(values, VariableValues)
    return collect_fields(graph().core, document, operation, values).roots


def _describe(shape: Shape, indent: str = "") -> list[str]:
    arguments = "".join(f"  {name}={value}" for name, value in shape.arguments)
    plain_arguments = re.sub(r"BindParam\(name='(\w+)'\)", r"\1", arguments).replace("'", "")
    children = [line for child in shape.fields for line in _describe(child, indent + "  ")]
    return [indent + shape.name + plain_arguments, *children]


def _without_spaces(text: str) -> str:
    return re.sub(r"\s+", "", text)


async def test_example(backend: DatabaseBackend) -> None:
    """Shape, statement, text and answer of the example are real. The statement is that for SQLite."""
    (query,) = _blocks("graphql")
    shape_text, annotated_text = _blocks("text")
    (sql,) = _blocks("sql")
    (answer,) = _blocks("json")
    async with _world().database() as engine:
        queries = Queries(engine)
        compiled = queries.compile(_select(query), EVERYONE)
        (result,) = await read(queries, *_select(query))
        text, _ = await EngineReader(engine, 5).row(compiled.statement.sql, compiled.statement.bind(compiled.params))

    (root,) = compiled.statement.roots
    params = [f"{name} = {value}" for name, value in compiled.params.items()]
    assert shape_text.splitlines() == [*_describe(root.shape), *params]
    assert _without_spaces(annotated_text) == _without_spaces(bytes(text).decode())
    assert json.loads(answer) == render(result)
    if backend is DatabaseBackend.SQLITE:
        parts = [re.escape(_without_spaces(part)) for part in sql.split("…")]
        assert re.fullmatch(".*".join(parts), _without_spaces(compiled.statement.sql))


def _identifiers() -> set[str]:
    files = [file for package in _PACKAGES for file in (ROOT / package).rglob("*.py")]
    sources = [io.StringIO(file.read_text(encoding="utf-8")) for file in files]
    return {token.string for source in sources for token in tokenize.generate_tokens(source.readline)}


def test_names_exist() -> None:
    """Every file that the README names exists, and every identifier occurs in the code."""
    names = set(re.findall(r"`([A-Za-z_][\w./]*)`", README))
    files = {name for name in names if "/" in name or name.endswith(".py")}
    assert set() == {name for name in files if not (ROOT / name).exists() and not (ROOT / "db/query" / name).exists()}
    settings = {name.removeprefix("graph.") for name in names - files}
    assert set() == {part for name in settings for part in name.split(".")} - _identifiers()


def test_length() -> None:
    """The README has at most 120 lines."""
    assert README.count("\n") <= 120
