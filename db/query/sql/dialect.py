"""The SQL that differs between SQLite and PostgreSQL, as SQLAlchemy elements. The rest of this package is the same for both."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class Concatenation(FunctionElement[str]):
    """Its arguments as one text, joined by `||`.

    It is one flat element, because SQLAlchemy walks a tree of pairs recursively and the tree would be as deep as it is long.
    """

    type = String()
    inherit_cache = True


class JsonString(FunctionElement[str]):
    """A text as JSON: quoted and escaped, or `null`. Both databases escape only the characters that JSON requires."""

    type = String()
    inherit_cache = True


class CommaJoined(FunctionElement[str]):
    """The aggregate that joins texts by commas, in the order of the rows of its subquery; null if there is no row."""

    type = String()
    inherit_cache = True


class JsonArrayItems(FunctionElement[str]):
    """A subquery of the texts in a JSON array.

    The array is bound as one value, so the statement does not depend on its length.
    """

    type = String()
    inherit_cache = True


class Unindexed(FunctionElement[int]):
    """A number by which rows are filtered without using its index.

    With that index, SQLite would give up the index of the order and sort all rows.
    """

    type = BigInteger()
    inherit_cache = True


def is_in_array(value: ColumnElement[Any], array: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a text is in a bound JSON array."""
    return value.bool_op("IN")(JsonArrayItems(array))


class JsonArrayLength(FunctionElement[int]):
    """The number of items in a bound JSON array."""

    inherit_cache = True


class TextPosition(FunctionElement[int]):
    """The position of the second text in the first, counted from 1; 0 if it is not in it, null if the first is null.

    `LIKE` is not used: in SQLite it ignores case, limits the length of the pattern and needs escapes.
    """

    inherit_cache = True


class Utf8Bytes(FunctionElement[bytes]):
    """A text as bytes in UTF-8. Drivers return bytes unchanged, whereas they would decode a text that is then encoded again."""

    type = LargeBinary()
    inherit_cache = True


@compiles(Utf8Bytes)
def _compile_utf8_bytes(element: Utf8Bytes, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS BLOB)"


@compiles(Utf8Bytes, "postgresql")
def _compile_utf8_bytes_postgresql(element: Utf8Bytes, compiler: SQLCompiler, **kw: Any) -> str:
    return f"convert_to({compiler.process(element.clauses, **kw)}, 'UTF8')"


@compiles(Concatenation)
def _compile_concatenation(element: Concatenation, compiler: SQLCompiler, **kw: Any) -> str:
    # Without parentheses: each pair takes an entry on SQLite's parser stack, which has 100 entries in 3.40. They are not
    # needed, because a concatenation is always a whole column, an argument of a function or a branch of CASE.
    return " || ".join(compiler.process(clause, **kw) for clause in element.clauses)


@compiles(JsonString)
def _compile_json_string(element: JsonString, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_quote({compiler.process(element.clauses, **kw)})"


@compiles(JsonString, "postgresql")
def _compile_json_string_postgresql(element: JsonString, compiler: SQLCompiler, **kw: Any) -> str:
    return f"coalesce(to_json({compiler.process(element.clauses, **kw)})::text, 'null')"


@compiles(Unindexed)
def _compile_unindexed(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"+{compiler.process(element.clauses, **kw)}"


@compiles(Unindexed, "postgresql")
def _compile_unindexed_postgresql(element: Unindexed, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(CommaJoined)
def _compile_comma_joined(element: CommaJoined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **kw)}, ',')"


@compiles(CommaJoined, "postgresql")
def _compile_comma_joined_postgresql(element: CommaJoined, compiler: SQLCompiler, **kw: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **kw)}, ',')"


@compiles(JsonArrayItems)
def _compile_json_array_items(element: JsonArrayItems, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **kw)}))"  # noqa: S608 - a compiled element


@compiles(JsonArrayItems, "postgresql")
def _compile_json_array_items_postgresql(element: JsonArrayItems, compiler: SQLCompiler, **kw: Any) -> str:
    array = compiler.process(element.clauses, **kw)
    return f"(SELECT value FROM json_array_elements_text(CAST({array} AS json)))"  # noqa: S608 - a compiled element


@compiles(JsonArrayLength)
def _compile_json_array_length(element: JsonArrayLength, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_length({compiler.process(element.clauses, **kw)})"


@compiles(JsonArrayLength, "postgresql")
def _compile_json_array_length_postgresql(element: JsonArrayLength, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_length(CAST({compiler.process(element.clauses, **kw)} AS json))"


@compiles(TextPosition)
def _compile_text_position(element: TextPosition, compiler: SQLCompiler, **kw: Any) -> str:
    return f"instr({compiler.process(element.clauses, **kw)})"


@compiles(TextPosition, "postgresql")
def _compile_text_position_postgresql(element: TextPosition, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **kw)})"
