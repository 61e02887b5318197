"""What a part of a selection becomes: text that SQL writes, and what finishes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from db.reading import text
from db.reading.finish import SIGHTED, Finisher, Record
from db.reading.shape import Shape


@dataclass(frozen=True, slots=True)
class Built:
    """The parts of the text, and the finisher where the text is not final."""

    parts: text.Parts
    finisher: Finisher | None = None


Builder: TypeAlias = Callable[[Shape], Built]


def built_object(shape: Shape, fields: Mapping[str, Builder]) -> Built:
    """An object of the selected fields."""
    members = [(child.key, fields[child.name](child)) for child in shape.fields]
    children = _finishers(members)
    return Built(text.record([(key, member.parts) for key, member in members]), Record(children) if children else None)


def sighted_object(
    shape: Shape, fields: Mapping[str, Builder], sighting: text.Parts, *, live: bool, links: bool = False
) -> Built:
    """An object of the selected fields that carries its sighting."""
    members = [(child.key, fields[child.name](child)) for child in shape.fields]
    parts = text.record([(SIGHTED, sighting), *((key, member.parts) for key, member in members)])
    return Built(parts, Record(_finishers(members), sighted=True, live=live, links=links))


def _finishers(members: Sequence[tuple[str, Built]]) -> tuple[tuple[str, Finisher], ...]:
    return tuple((key, member.finisher) for key, member in members if member.finisher is not None)
