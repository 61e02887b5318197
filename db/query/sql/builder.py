"""What a part of a selection becomes: text that SQL writes, with holes where SQL cannot print what is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from db.query import annotated_text
from db.query.placeholders import PlaceholderFiller
from db.query.shape import Shape
from db.query.sql import json_text
from domain.selection import TYPENAME

Builder: TypeAlias = Callable[[Shape], json_text.Parts]
"""Writes one selected field."""


@dataclass(slots=True)
class StatementBuilder:
    """One statement being written. `restricted`: the viewer sees only some accounts, which are bound.

    `holes` fills itself: what is told in each of the places that SQL leaves open.
    """

    restricted: bool
    holes: list[PlaceholderFiller] = field(default_factory=list)

    def hole(self, finisher: PlaceholderFiller, ingredient: json_text.Parts = ()) -> json_text.Parts:
        """A place that is filled afterwards, from an ingredient in JSON."""
        if finisher not in self.holes:
            self.holes.append(finisher)
        return (annotated_text.hole(self.holes.index(finisher)), *ingredient, annotated_text.MARK)


def written_object(shape: Shape, fields: Mapping[str, Builder]) -> json_text.Parts:
    """An object of the selected fields."""
    return json_text.record([(child.key, _member(child, fields)) for child in shape.fields])


def sighted_object(
    shape: Shape, fields: Mapping[str, Builder], sighting: json_text.Parts, *, live: bool, links: bool, around: bool
) -> json_text.Parts:
    """An object of the selected fields, marked by its sighting. `around`: holes directly in it tell of that sighting."""
    opening = annotated_text.sighting(live=live, links=links, around=around)
    closing = (annotated_text.END,) if around else ()
    return (opening, *sighting, annotated_text.MARK, *written_object(shape, fields), *closing)


def _member(shape: Shape, fields: Mapping[str, Builder]) -> json_text.Parts:
    if shape.name == TYPENAME:
        return (f'"{shape.type_name}"',)
    return fields[shape.name](shape)
