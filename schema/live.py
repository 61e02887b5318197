"""The `@live` directive, on every field in `domain.selection.LIVE_FIELDS` and on no other."""

from __future__ import annotations

from typing import Final, TypeVar

import strawberry
from strawberry.schema.name_converter import NameConverter
from strawberry.schema_directive import Location
from strawberry.types.base import get_object_definition

from domain.selection import LIVE_FIELDS

_T = TypeVar("_T", bound=type)
_NAMES: Final = NameConverter(auto_camel_case=True)
LIVE_PREFIX: Final = "Live: "


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="live",
    description=(
        "The vendor owns the value of this field: selecting the field demands freshness. The gateway owns the values of "
        "all other fields."
    ),
)
class Live:
    """The directive on a live field in the SDL."""


def mark_live(cls: _T) -> _T:
    """Mark the live fields of a type, by the directive in the SDL and by "Live: " at the start of the description.

    Introspection does not show directives, but it shows descriptions. Raises TypeError if the type lacks a live field.
    """
    definition = get_object_definition(cls, strict=True)
    live = LIVE_FIELDS[definition.name]
    fields = {_NAMES.from_field(field): field for field in definition.fields}
    unknown = live - fields.keys()
    if unknown:
        message = (
            f"{definition.name} lacks {sorted(unknown)}; domain.selection.LIVE_FIELDS names them as its live fields."
        )
        raise TypeError(message)
    for name in live:
        field = fields[name]
        field.directives = [*field.directives, Live()]
        field.description = LIVE_PREFIX + (field.description or "")
    return cls
