"""The builder of a root field's text: JSON of the selected fields, with annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from db.query import annotated_text
from db.query.placeholders import PlaceholderRenderer
from db.query.shape import Shape
from db.query.sql import json_text
from domain.selection import TYPENAME

FieldBuilder: TypeAlias = Callable[[Shape], json_text.Parts]
"""Returns the text of one selected field."""


@dataclass(slots=True)
class StatementBuilder:
    """Collects the placeholders of one root field. `restricted`: the viewer sees only some accounts, which are bound."""

    restricted: bool
    placeholders: list[PlaceholderRenderer] = field(default_factory=list)

    def placeholder(self, renderer: PlaceholderRenderer, payload: json_text.Parts = ()) -> json_text.Parts:
        """Return the text of a placeholder. The renderer will receive the payload, which is JSON text."""
        if renderer not in self.placeholders:
            self.placeholders.append(renderer)
        number = self.placeholders.index(renderer)
        return (annotated_text.placeholder(number), *payload, annotated_text.DELIMITER)


def json_object(shape: Shape, fields: Mapping[str, FieldBuilder]) -> json_text.Parts:
    """Return an object of the selected fields, by response key."""
    return json_text.object_of([(child.key, _build_member(child, fields)) for child in shape.fields])


def annotated_object(
    shape: Shape,
    fields: Mapping[str, FieldBuilder],
    sighting: json_text.Parts,
    *,
    live: bool,
    links: bool,
    encloses: bool,
) -> json_text.Parts:
    """Return an object of the selected fields after its sighting. `encloses`: its placeholders need the sighting."""
    opening = annotated_text.sighting(live=live, links=links, encloses=encloses)
    closing = (annotated_text.END,) if encloses else ()
    return (opening, *sighting, annotated_text.DELIMITER, *json_object(shape, fields), *closing)


def _build_member(shape: Shape, fields: Mapping[str, FieldBuilder]) -> json_text.Parts:
    if shape.name == TYPENAME:
        return (f'"{shape.type_name}"',)
    return fields[shape.name](shape)
