"""Writes the changes of a flight, in the transaction that loaded the state they are based on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.locks import AdvisoryLock, acquire
from db.record.load import LockedAccount
from db.record.rows import json_text, offer_row, resource_row, scope_row
from db.tables import history, links, offers, provenance, resources, scopes
from domain.enums import INVERSE_LINK
from domain.records.identity import offer_uuid
from domain.records.model import (
    Changes,
    HistoryEntry,
    LinkRecord,
    LockedState,
    ProvenanceEntry,
    ResourceRecord,
    VendorKey,
)
from domain.timestamps import optional_text, to_text


async def write(connection: AsyncConnection, account: LockedAccount, state: LockedState, changes: Changes) -> None:
    """Write the changes: first updates and closed links, which free unique keys, then new rows, and the history last."""
    if changes.scope is not None and changes.scope != state.scope:
        mine = scopes.c.scope_id == changes.scope.scope_id
        await connection.execute(update(scopes).where(mine).values(**scope_row(changes.scope)))
    recorded = {record.resource_id for record in (*state.resources.values(), *state.tombstones.values())}
    await _update_resources(
        connection, account, [record for record in changes.resources if record.resource_id in recorded]
    )
    await _close_links(connection, account, changes.closed)
    await _insert_resources(
        connection, account, [record for record in changes.resources if record.resource_id not in recorded]
    )
    await _open_links(connection, account, changes.opened)
    await _complete_links(connection, account, [record for record in changes.resources if not record.deleted])
    await _insert_provenance(connection, account, changes.provenance)
    await _append_history(connection, account, changes.history)


async def _update_resources(
    connection: AsyncConnection, account: LockedAccount, records: Sequence[ResourceRecord]
) -> None:
    if not records:
        return
    # Tombstones first: they free the vendor id for a living resource that reuses it.
    ordered = sorted(records, key=lambda record: not record.deleted)
    rows = [resource_row(record, account.account_id, account.vendor) for record in ordered]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "resource_id"}
    statement = update(resources).where(resources.c.resource_id == bindparam("new_resource_id")).values(values)
    await connection.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in rows])


async def _insert_resources(
    connection: AsyncConnection, account: LockedAccount, records: Sequence[ResourceRecord]
) -> None:
    if records:
        rows = [resource_row(record, account.account_id, account.vendor) for record in records]
        await connection.execute(insert(resources), rows)


def _link_rows(link: LinkRecord, account: LockedAccount) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two rows of a link, one for each direction."""
    common = {
        "account_id": account.account_id,
        "linked_since": to_text(link.linked_since),
        "linked_until": optional_text(link.linked_until),
    }

    def ends(start: VendorKey, start_id: object, end: VendorKey, end_id: object) -> dict[str, Any]:
        return {
            "from_kind": start.kind.value,
            "from_vendor_id": start.vendor_id,
            "from_id": None if start_id is None else str(start_id),
            "to_kind": end.kind.value,
            "to_vendor_id": end.vendor_id,
            "to_id": None if end_id is None else str(end_id),
        }

    forward = ends(link.from_key, link.from_id, link.to_key, link.to_id)
    backward = ends(link.to_key, link.to_id, link.from_key, link.from_id)
    return (
        {**common, **forward, "owned": True, "link_type": link.link_type.value},
        {**common, **backward, "owned": False, "link_type": INVERSE_LINK[link.link_type].value},
    )


async def _open_links(connection: AsyncConnection, account: LockedAccount, records: Sequence[LinkRecord]) -> None:
    if records:
        await connection.execute(insert(links), [row for link in records for row in _link_rows(link, account)])


async def _close_links(connection: AsyncConnection, account: LockedAccount, records: Sequence[LinkRecord]) -> None:
    key = ("account_id", "link_type", "from_kind", "from_vendor_id", "to_kind", "to_vendor_id")
    rows = [row for link in records for row in _link_rows(link, account)]
    if not rows:
        return
    statement = (
        update(links)
        .where(*(links.c[name] == bindparam(f"the_{name}") for name in key), links.c.linked_until.is_(None))
        .values(linked_until=bindparam("the_linked_until"))
    )
    await connection.execute(statement, [{f"the_{name}": row[name] for name in (*key, "linked_until")} for row in rows])


async def _complete_links(
    connection: AsyncConnection, account: LockedAccount, records: Sequence[ResourceRecord]
) -> None:
    """Set the resource id of an end in open links that were reported before that end was recorded."""
    rows = [
        {"the_kind": record.kind.value, "the_vendor_id": record.vendor_id, "the_id": str(record.resource_id)}
        for record in records
    ]
    if not rows:
        return
    for side in ("from", "to"):
        statement = (
            update(links)
            .where(
                links.c.account_id == account.account_id,
                links.c[f"{side}_kind"] == bindparam("the_kind"),
                links.c[f"{side}_vendor_id"] == bindparam("the_vendor_id"),
                links.c[f"{side}_id"].is_(None),
                links.c.linked_until.is_(None),
            )
            .values({f"{side}_id": bindparam("the_id")})
        )
        await connection.execute(statement, rows)


async def _insert_provenance(
    connection: AsyncConnection, account: LockedAccount, entries: Sequence[ProvenanceEntry]
) -> None:
    if not entries:
        return
    terms_by_id = {offer_uuid(account.identity, entry.terms): entry.terms for entry in entries}
    ids = sorted(map(str, terms_by_id))
    recorded = set(await connection.scalars(select(offers.c.offer_id).where(offers.c.offer_id.in_(ids))))
    new_offers = [
        offer_row(offer_id, terms, account.account_id)
        for offer_id, terms in terms_by_id.items()
        if str(offer_id) not in recorded
    ]
    if new_offers:
        await connection.execute(insert(offers), new_offers)
    rows = [
        {
            "resource_id": str(entry.resource_id),
            "offer_id": str(offer_uuid(account.identity, entry.terms)),
            "role": entry.role.value,
            "created_at": to_text(entry.created_at),
        }
        for entry in entries
    ]
    await connection.execute(insert(provenance), rows)


async def _append_history(connection: AsyncConnection, account: LockedAccount, entries: Sequence[HistoryEntry]) -> None:
    rows = [
        {
            "resource_id": str(entry.resource_id),
            "account_id": account.account_id,
            "field": entry.field,
            "before": json_text(entry.before),
            "after": json_text(entry.after),
            "observed_at": to_text(entry.observed_at),
            "source": entry.source.value,
            "flight_no": entry.flight_no,
        }
        for entry in entries
    ]
    if rows:
        # The history is written last, so that the lock is held for no longer than the commit takes.
        await acquire(connection, AdvisoryLock.HISTORY)
        await connection.execute(insert(history), rows)
