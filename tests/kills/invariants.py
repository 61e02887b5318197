"""What must hold of a record at rest, whenever its process died: read from the file, with nothing of ours running."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from sqlalchemy import RowMapping

from db.record.rows import resource_record
from domain.enums import INVERSE_LINK, LinkType
from domain.records.history import LINKS, MISSING, SNAPSHOT, live_state, replay
from domain.timestamps import optional_text

_NUMBERS = """
SELECT 'scope ' || s.scope_id || ' holds ' || max(s.swept_no, s.tried_no) || ', drawn are ' || a.flight_no
FROM scopes s JOIN accounts a USING (account_id) WHERE max(s.swept_no, s.tried_no) > a.flight_no
UNION ALL
SELECT r.vendor_id || ' holds a number that was never drawn' FROM resources r JOIN accounts a USING (account_id)
WHERE max(r.seen_no, r.probed_no, coalesce(r.absent_no, 0), coalesce(r.first_absence_no, 0)) > a.flight_no
UNION ALL
SELECT 'change ' || h.seq || ' is by a flight that was never drawn' FROM history h JOIN accounts a USING (account_id)
WHERE h.flight_no > a.flight_no
UNION ALL
SELECT 'swept_no of scope ' || scope_id || ' is above tried_no' FROM scopes WHERE swept_no > tried_no
"""
_ROWS = """
SELECT vendor_id || ' lives ' || count(*) || ' times' FROM resources WHERE status <> 'DELETED'
GROUP BY account_id, kind, vendor_id HAVING count(*) > 1
UNION ALL
SELECT vendor_id || ' came from no offer' FROM resources
WHERE resource_id NOT IN (SELECT resource_id FROM provenance)
UNION ALL
SELECT vendor_id || ' is marked without its number' FROM resources
WHERE (missing_since IS NULL) <> (absent_no IS NULL) AND status <> 'DELETED'
UNION ALL
SELECT vendor_id || ' is deleted and has an open link' FROM resources r JOIN links l ON l.from_id = r.resource_id
WHERE r.status = 'DELETED' AND l.linked_until IS NULL
"""


def broken_rules(file: Path) -> list[str]:
    """Every rule that the record breaks, said in words; empty for a sound one."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        told = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        told += [f"a foreign key leads nowhere: {tuple(row)}" for row in connection.execute("PRAGMA foreign_key_check")]
        for question in (_NUMBERS, _ROWS):
            told += [str(row[0]) for row in connection.execute(question)]
        return [*told, *_links(connection), *_replays(connection)]


def flight_number(file: Path) -> int:
    """The last number that was drawn."""
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT max(flight_no) FROM accounts").fetchone()[0])


def contents(file: Path) -> str:
    """A hash of every row."""
    told = sha256()
    with closing(sqlite3.connect(file)) as connection:
        for line in connection.iterdump():
            told.update(line.encode())
    return told.hexdigest()


def _links(connection: sqlite3.Connection) -> Iterator[str]:
    """A link is open once in each direction, and both tell the same."""
    rows = connection.execute("SELECT * FROM links WHERE linked_until IS NULL").fetchall()
    there = [_link(row, back=False) for row in rows if row["owned"]]
    back = [_link(row, back=True) for row in rows if not row["owned"]]
    for one in set(there) | set(back):
        if (1, 1) != (there.count(one), back.count(one)):
            yield f"a link is open {there.count(one)} times there and {back.count(one)} times back: {one}"


def _link(row: sqlite3.Row, *, back: bool) -> tuple[object, ...]:
    near, far = ("to", "from") if back else ("from", "to")
    word = LinkType(row["link_type"])
    ends = [row[f"{side}_{part}"] for side in (near, far) for part in ("kind", "vendor_id", "id")]
    return (INVERSE_LINK[word] if back else word, *ends, row["linked_since"])


def _replays(connection: sqlite3.Connection) -> Iterator[str]:
    """The history of each resource begins with all of it, each change follows from the one before, and their end is now."""
    rows = connection.execute("SELECT r.*, a.name AS account FROM resources r JOIN accounts a USING (account_id)")
    for row in rows.fetchall():
        question = "SELECT * FROM history WHERE resource_id = ? ORDER BY seq"
        entries = connection.execute(question, [row["resource_id"]]).fetchall()
        changes = [(one["field"], json.loads(one["before"]), json.loads(one["after"])) for one in entries]
        name = f"{row['vendor_id']} ({row['resource_id']})"
        if not changes or changes[0][0] != SNAPSHOT:
            yield f"{name}: its history does not begin with all of it"
            continue
        yield from (f"{name}: {word}" for word in _chain(changes))
        yield from (f"{name}: {word}" for word in _order(entries))
        present = _present(connection, row)
        told = replay(changes)
        yield from (
            f"{name}: {field} is {present.get(field)!r} and replays as {told.get(field)!r}"
            for field in sorted(present.keys() | told.keys())
            if present.get(field) != told.get(field)
        )


def _chain(changes: list[tuple[str, Any, Any]]) -> Iterator[str]:
    for place, (field, before, after) in enumerate(changes[1:], 1):
        state = replay(changes[:place])
        if field == SNAPSHOT:
            yield "it begins twice"
        elif field == LINKS:
            known = cast("list[object]", state[LINKS])
            if (before is not None and before not in known) or (after is not None and after in known):
                yield f"change {place} of its links is told twice, or ends what was not open"
        elif before != state[field] or before == after:
            yield f"change {place} of {field} is from {before!r}, which was {state[field]!r}, to {after!r}"


def _order(entries: list[sqlite3.Row]) -> Iterator[str]:
    last: dict[str, int] = {}
    for entry in entries:
        if entry["flight_no"] < last.get(entry["field"], 0):
            yield f"{entry['field']} was changed by flight {entry['flight_no']} after {last[entry['field']]}"
        last[entry["field"]] = entry["flight_no"]


def _present(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    record = resource_record(cast("RowMapping", row), row["account"])
    links = connection.execute(
        "SELECT * FROM links WHERE from_id = ? AND linked_until IS NULL", [row["resource_id"]]
    ).fetchall()
    shown = [
        {
            "linkType": link["link_type"],
            "kind": link["to_kind"],
            "vendorId": link["to_vendor_id"],
            "linkedSince": link["linked_since"],
        }
        for link in links
    ]
    marks = {MISSING: optional_text(record.missing_since), LINKS: sorted(shown, key=repr)}
    return {**live_state(record.live), **marks}
