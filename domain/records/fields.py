"""The table of live fields, read from the dataclasses that hold them.

Everything that treats all live fields alike works from this table: which fields demand freshness, columns and rows, the SQL that
writes them, merging, and the history. So a new live field is declared once as an attribute, and needs no code in these places.
The name in the graph is the attribute in camel case; the column has the attribute's name.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import Enum
from typing import Any, Final, get_args, get_type_hints

from domain.records.model import LiveState
from domain.records.observation import Access, Spec


class FieldKind(Enum):
    """How a value is stored: a number as its shortest text, an instant as canonical text."""

    TEXT = str
    INTEGER = int
    NUMBER = float
    INSTANT = datetime


@dataclass(frozen=True, slots=True)
class LiveField:
    """One nullable field of a single value."""

    attribute: str
    graph_name: str
    kind: FieldKind

    @property
    def column(self) -> str:
        """The column of `resources` that stores it."""
        return self.attribute


def camel_case(name: str) -> str:
    """Return an attribute's name in the graph."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _fields_of(holder: type[Any], *, without: frozenset[str] = frozenset()) -> tuple[LiveField, ...]:
    hints = get_type_hints(holder)
    return tuple(
        LiveField(each.name, camel_case(each.name), FieldKind(_value_type(hints[each.name])))
        for each in fields(holder)
        if each.name not in without
    )


def _value_type(hint: Any) -> type[Any]:
    value_type: type[Any] = next((each for each in get_args(hint) if each is not type(None)), hint)
    return value_type


# The others have a rule of their own: the status ranks and deletes, a price has three parts and a source.
RESOURCE_FIELDS: Final = _fields_of(LiveState, without=frozenset({"status", "access", "spec", "price"}))
ACCESS_FIELDS: Final = _fields_of(Access)
# `vendor` is a JSON object, not a single value.
SPEC_FIELDS: Final = _fields_of(Spec, without=frozenset({"vendor"}))
COLUMN_FIELDS: Final = (*RESOURCE_FIELDS, *ACCESS_FIELDS, *SPEC_FIELDS)
