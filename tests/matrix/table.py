"""The committed table: what every cell must come to."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = Path(__file__).with_name("expected.csv")
CANNOT_BE: Final = "cannot be"


class Key(NamedTuple):
    """Which cell."""

    vendor: str
    when: str
    fault: str


@dataclass(frozen=True)
class Row:
    """One cell. Where machines and volumes differ, both are told, machines first.

    `verdict` and `reason` are the flight's; `told` is what a reader is told of the resources, `gap` of the list; `rows` counts
    the resources that the flight wrote, `calls` the HTTP calls that the server counted (ours where nobody could be reached),
    `seconds` bounds the flight: `flight` is the limit of a whole flight. `note` says why a cell cannot be.
    """

    vendor: str
    when: str
    fault: str
    verdict: str
    reason: str = "-"
    told: str = "-"
    gap: str = "-"
    rows: str = "-"
    calls: str = "-"
    seconds: str = "-"
    note: str = ""

    @property
    def key(self) -> Key:
        """Which cell it is."""
        return Key(self.vendor, self.when, self.fault)

    @property
    def text(self) -> str:
        """In one line."""
        return " | ".join(astuple(self))


def load() -> dict[Key, Row]:
    """The table as committed; empty where there is none."""
    if not FILE.exists():
        return {}
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [Row(**told) for told in csv.DictReader(file)]
    return {row.key: row for row in rows}


def save(rows: Iterable[Row]) -> None:
    """Write the table anew."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)
