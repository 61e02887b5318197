"""All that differs between the databases, as elements of SQL. Everything else in this package is the same on each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Chained(FunctionElement[str]):
    """Its arguments as one text, by `||`. One flat element: a tree of pairs would be walked as deep as it is long."""

    type = String()
    inherit_cache = True


class JsonText(FunctionElement[str]):
    """A text as JSON: quoted and escaped; null as `null`. Escapes only what JSON demands, alike on every database."""

    type = String()
    inherit_cache = True


class Joined(FunctionElement[str]):
    """The aggregate that joins texts by commas, in the order of the rows below it; null where there is no row."""

    type = String()
    inherit_cache = True


class JsonItems(FunctionElement[str]):
    """A query of the texts in a JSON array that is bound as one value, so that its length is no part of the statement."""

    type = String()
    inherit_cache = True


class Filtering(FunctionElement[int]):
    """A number by which rows are filtered and never found: SQLite would leave the order's index for the number's, and sort."""

    type = BigInteger()
    inherit_cache = True


def among(value: ColumnElement[Any], array: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a text is in a JSON array that is bound."""
    return value.bool_op("IN")(JsonItems(array))


class Size(FunctionElement[int]):
    """How many items a bound JSON array has."""

    inherit_cache = True


class Position(FunctionElement[int]):
    """Where the second text stands in the first, from 1; 0 where it does not, null where the first is null.

    Not LIKE: SQLite's folds case, limits the pattern and needs escapes.
    """

    inherit_cache = True


class Octets(FunctionElement[bytes]):
    """A text as bytes in UTF-8: drivers hand them on as they are, where a text would be decoded only to be encoded again."""

    type = LargeBinary()
    inherit_cache = True


@compiles(Octets)
def _octets(element: Octets, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS BLOB)"


@compiles(Octets, "postgresql")
def _octets_postgresql(element: Octets, compiler: SQLCompiler, **kw: Any) -> str:
    return f"convert_to({compiler.process(element.clauses, **kw)}, 'UTF8')"


@compiles(Chained)
def _chained(element: Chained, compiler: SQLCompiler, **kw: Any) -> str:
    # Without parentheses where it stands: each pair costs a place on SQLite's parser stack, which has a hundred in 3.40.
    # No other operator ever binds one of these: they are whole columns, arguments of functions or branches of CASE.
    return " || ".join(compiler.process(clause, **kw) for clause in element.clauses)


@compiles(JsonText)
def _json_text(element: JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_quote({compiler.process(element.clauses, **kw)})"


@compiles(JsonText, "postgresql")
def _json_text_postgresql(element: JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(to_json({compiler.process(element.clauses, **kw)})::text, 'null')"


@compiles(Filtering)
def _filtering(element: Filtering, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(Filtering, "postgresql")
def _filtering_postgresql(element: Filtering, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(Joined)
def _joined(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)}, ',')"


@compiles(Joined, "postgresql")
def _joined_postgresql(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kw)}, ',')"


@compiles(JsonItems)
def _listed(element: JsonItems, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kw)}))"  # noqa: S608 (compiled elements)


@compiles(JsonItems, "postgresql")
def _listed_postgresql(element: JsonItems, compiler: SQLCompiler, **kw: Any) -> str:
    bound = compiler.process(element.clauses, **kw)
    return f"(SELECT value FROM json_array_elements_text(CAST({bound} AS json)))"  # noqa: S608 (a compiled element)


@compiles(Size)
def _size(element: Size, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **kw)})"


@compiles(Size, "postgresql")
def _size_postgresql(element: Size, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_length(CAST({compiler.process(element.clauses, **kw)} AS json))"


@compiles(Position)
def _position(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(Position, "postgresql")
def _position_postgresql(element: Position, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"
