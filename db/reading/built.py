"""What a part of a selection becomes: text that SQL writes, with holes where SQL cannot print what is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from db.reading import marks, text
from db.reading.finish import Finisher
from db.reading.shape import Shape
from domain.selection import TYPENAME

Builder: TypeAlias = Callable[[Shape], text.Parts]
"""Writes one selected field."""


@dataclass(slots=True)
class Writing:
    """One statement being written. `restricted`: the viewer sees only some accounts, which are bound.

    `holes` fills itself: what is told in each of the places that SQL leaves open.
    """

    restricted: bool
    holes: list[Finisher] = field(default_factory=list)

    def hole(self, finisher: Finisher, ingredient: text.Parts = ()) -> text.Parts:
        """A place that is filled afterwards, from an ingredient in JSON."""
        if finisher not in self.holes:
            self.holes.append(finisher)
        return (marks.hole(self.holes.index(finisher)), *ingredient, marks.MARK)


def written_object(shape: Shape, fields: Mapping[str, Builder]) -> text.Parts:
    """An object of the selected fields."""
    return text.record([(child.key, _member(child, fields)) for child in shape.fields])


def sighted_object(
    shape: Shape, fields: Mapping[str, Builder], sighting: text.Parts, *, live: bool, links: bool, around: bool
) -> text.Parts:
    """An object of the selected fields, marked by its sighting. `around`: holes directly in it tell of that sighting."""
    opening = marks.sighting(live=live, links=links, around=around)
    closing = (marks.END,) if around else ()
    return (opening, *sighting, marks.MARK, *written_object(shape, fields), *closing)


def _member(shape: Shape, fields: Mapping[str, Builder]) -> text.Parts:
    if shape.name == TYPENAME:
        return (f'"{shape.type_name}"',)
    return fields[shape.name](shape)
