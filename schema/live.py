"""What the vendor owns: the `@live` directive, put on every field that `domain.selection.LIVE_FIELDS` names, and nowhere else."""

from __future__ import annotations

from typing import TypeVar

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.base import get_object_definition

from domain.selection import LIVE_FIELDS
from schema.names import NAMES

_T = TypeVar("_T", bound=type)
LIVE_PREFIX = "Live: "


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="live",
    description="The vendor owns this field: selecting it demands freshness. Everything else is our own record.",
)
class Live:
    """Marks a live field in the SDL."""


def mark_live(cls: _T) -> _T:
    """Mark the type's live fields, in the SDL by the directive and in each description by "Live: " at its head.

    The descriptions serve those who cannot see directives: introspection does not show them.
    """
    definition = get_object_definition(cls, strict=True)
    live = LIVE_FIELDS[definition.name]
    fields = {NAMES.from_field(field): field for field in definition.fields}
    unknown = live - fields.keys()
    if unknown:
        message = f"{definition.name} has no fields {sorted(unknown)}, which are said to be live."
        raise TypeError(message)
    for name in live:
        field = fields[name]
        field.directives = [*field.directives, Live()]
        field.description = LIVE_PREFIX + (field.description or "")
    return cls
