"""The rules that a database file must obey, whenever its process was killed. Reads the file while no gateway runs."""

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
SELECT 'scope ' || s.scope_id || ' has number ' || max(s.swept_no, s.tried_no) || ', but only ' || a.flight_no || ' were drawn'
FROM scopes s JOIN accounts a USING (account_id) WHERE max(s.swept_no, s.tried_no) > a.flight_no
UNION ALL
SELECT r.vendor_id || ' has a number that was never drawn' FROM resources r JOIN accounts a USING (account_id)
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
SELECT vendor_id || ' is missing without its number' FROM resources
WHERE (missing_since IS NULL) <> (absent_no IS NULL) AND status <> 'DELETED'
UNION ALL
SELECT vendor_id || ' is deleted and has an open link' FROM resources r JOIN links l ON l.from_id = r.resource_id
WHERE r.status = 'DELETED' AND l.linked_until IS NULL
"""


def broken_rules(file: Path) -> list[str]:
    """Return a sentence for each broken rule."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        problems = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        dangling = connection.execute("PRAGMA foreign_key_check")
        problems += [f"a foreign key refers to no row: {tuple(row)}" for row in dangling]
        for statement in (_NUMBERS, _ROWS):
            problems += [str(row[0]) for row in connection.execute(statement)]
        return [*problems, *_check_links(connection), *_check_replays(connection)]


def flight_number(file: Path) -> int:
    """Return the last flight number that was drawn."""
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute("SELECT max(flight_no) FROM accounts").fetchone()[0])


def hash_rows(file: Path) -> str:
    """Return a hash of all rows."""
    digest = sha256()
    with closing(sqlite3.connect(file)) as connection:
        for line in connection.iterdump():
            digest.update(line.encode())
    return digest.hexdigest()


def _check_links(connection: sqlite3.Connection) -> Iterator[str]:
    """Check that each link is open once in each direction, with the same values."""
    rows = connection.execute("SELECT * FROM links WHERE linked_until IS NULL").fetchall()
    forward = [_link(row, reverse=False) for row in rows if row["owned"]]
    backward = [_link(row, reverse=True) for row in rows if not row["owned"]]
    for link in set(forward) | set(backward):
        if (1, 1) != (forward.count(link), backward.count(link)):
            yield f"a link is open {forward.count(link)} times forward and {backward.count(link)} times backward: {link}"


def _link(row: sqlite3.Row, *, reverse: bool) -> tuple[object, ...]:
    near, far = ("to", "from") if reverse else ("from", "to")
    link_type = LinkType(row["link_type"])
    ends = [row[f"{side}_{part}"] for side in (near, far) for part in ("kind", "vendor_id", "id")]
    return (INVERSE_LINK[link_type] if reverse else link_type, *ends, row["linked_since"])


def _check_replays(connection: sqlite3.Connection) -> Iterator[str]:
    """Check that each history starts with a snapshot, that each change follows from the one before, and that it ends now."""
    rows = connection.execute("SELECT r.*, a.name AS account FROM resources r JOIN accounts a USING (account_id)")
    for row in rows.fetchall():
        statement = "SELECT * FROM history WHERE resource_id = ? ORDER BY seq"
        entries = connection.execute(statement, [row["resource_id"]]).fetchall()
        changes = [(one["field"], json.loads(one["before"]), json.loads(one["after"])) for one in entries]
        name = f"{row['vendor_id']} ({row['resource_id']})"
        if not changes or changes[0][0] != SNAPSHOT:
            yield f"{name}: its history does not start with a snapshot"
            continue
        yield from (f"{name}: {problem}" for problem in _check_chain(changes))
        yield from (f"{name}: {problem}" for problem in _check_order(entries))
        present = _present(connection, row)
        replayed = replay(changes)
        yield from (
            f"{name}: {field} is {present.get(field)!r} and replays as {replayed.get(field)!r}"
            for field in sorted(present.keys() | replayed.keys())
            if present.get(field) != replayed.get(field)
        )


def _check_chain(changes: list[tuple[str, Any, Any]]) -> Iterator[str]:
    for number, (field, before, after) in enumerate(changes[1:], 1):
        state = replay(changes[:number])
        if field == SNAPSHOT:
            yield "its history has a second snapshot"
        elif field == LINKS:
            links = cast("list[object]", state[LINKS])
            if (before is not None and before not in links) or (after is not None and after in links):
                yield f"change {number} opens a link that was open, or closes one that was not"
        elif before != state[field] or before == after:
            yield f"change {number} of {field} is from {before!r} to {after!r}, but it was {state[field]!r}"


def _check_order(entries: list[sqlite3.Row]) -> Iterator[str]:
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
    open_links = [
        {
            "linkType": link["link_type"],
            "kind": link["to_kind"],
            "vendorId": link["to_vendor_id"],
            "linkedSince": link["linked_since"],
        }
        for link in links
    ]
    missing_since = optional_text(record.missing_since)
    return {**live_state(record.live), MISSING: missing_since, LINKS: sorted(open_links, key=repr)}
