"""The committed table: the expected result of every cell."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = Path(__file__).with_name("expected.csv")
IMPOSSIBLE: Final = "impossible"


class CellKey(NamedTuple):
    """The identity of a cell."""

    vendor: str
    flight: str
    fault: str


@dataclass(frozen=True)
class Row:
    """The result of one cell. Where machines and volumes differ, the row has both, machines first.

    | column | value |
    |---|---|
    | `verdict`, `reason` | the outcome of the flight |
    | `shown` | the freshness that a reader sees on the resources |
    | `gap` | the reason that a reader sees on the coverage gap of the list |
    | `rows` | number of resources that the flight wrote |
    | `calls` | number of HTTP calls, as counted by the server; as counted by the gateway if no server can be reached |
    | `seconds` | upper bound of the flight's duration; `flight` is the limit of a whole flight |
    | `note` | why the cell is impossible |
    """

    vendor: str
    flight: str
    fault: str
    verdict: str
    reason: str = "-"
    shown: str = "-"
    gap: str = "-"
    rows: str = "-"
    calls: str = "-"
    seconds: str = "-"
    note: str = ""

    @property
    def key(self) -> CellKey:
        """The identity of the row's cell."""
        return CellKey(self.vendor, self.flight, self.fault)

    @property
    def text(self) -> str:
        """The row as one line of text."""
        return " | ".join(astuple(self))


def load() -> dict[CellKey, Row]:
    """Read the committed table. Return an empty one if the file does not exist."""
    if not FILE.exists():
        return {}
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [Row(**record) for record in csv.DictReader(file)]
    return {row.key: row for row in rows}


def save(rows: Iterable[Row]) -> None:
    """Replace the committed table."""
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)
