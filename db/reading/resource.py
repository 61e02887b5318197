"""A resource's fields as SQL writes them, and what is nested in them: links, offers, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, select
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.reading import cursors, text
from db.reading.aliases import alias
from db.reading.built import Builder, Writing, sighted_object, written_object
from db.reading.dialect import among
from db.reading.facts import visible
from db.reading.filters import bound
from db.reading.finish import AccountOf, CursorOf, FreshnessOf, LastSynced, PricedAsOf
from db.reading.pages import Paging, connection, place_of
from db.reading.shape import Shape
from domain.identity import NODE_PREFIX

Source = tuple[str, Callable[[ColumnElement[Any]], text.Parts]]
"""A column, and how it is written."""

_COLUMNS: Final[Mapping[str, Source]] = {
    "resourceId": ("resource_id", text.plain),
    "resourceType": ("resource_type", text.plain),
    "vendor": ("vendor", text.escaped),
    "vendorRegion": ("vendor_region", text.escaped),
    "vendorId": ("vendor_id", text.escaped),
    "name": ("name", text.escaped),
    "status": ("status", text.plain),
    "vendorStatus": ("vendor_status", text.escaped),
    "statusMessage": ("status_message", text.escaped),
    "pricingTotalHourly": ("price_text", text.number),
    "currency": ("currency", text.escaped),
    "pricingSource": ("pricing_source", text.plain),
    "validFrom": ("valid_from", text.plain_or_null),
    "validTo": ("valid_to", text.plain_or_null),
    "createdAt": ("created_at", text.plain),
    "firstSeenAt": ("first_seen_at", text.plain),
}
_ACCESS: Final[Mapping[str, Source]] = {
    "externalIp": ("external_ip", text.escaped),
    "internalIp": ("internal_ip", text.escaped),
    "sshCommand": ("ssh_command", text.escaped),
    "sshPort": ("ssh_port", text.number),
}
_SPEC: Final[Mapping[str, Source]] = {
    "gpuType": ("gpu_type", text.escaped),
    "gpuFamily": ("gpu_family", text.escaped),
    "gpuCount": ("gpu_count", text.number),
    "vendorSku": ("vendor_sku", text.escaped),
    "image": ("image", text.escaped),
    "vendor": ("spec_vendor", text.raw),
    "vcpuCount": ("vcpu_count", text.number),
    "memoryGb": ("memory_gb", text.number),
    "diskGb": ("disk_gb", text.number),
}
_OFFER: Final[Mapping[str, Source]] = {
    "offerId": ("offer_id", text.plain),
    "offerType": ("offer_type", text.plain),
    "contractType": ("contract_type", text.plain),
    "vendorSku": ("vendor_sku", text.escaped),
    "priceHourly": ("price_text", text.number),
    "currency": ("currency", text.escaped),
}
_AGES: Final = ("freshness", "lastSyncedAt", "pricingAsOf")


def _columns(table: FromClause, sources: Mapping[str, Source]) -> dict[str, Builder]:
    def builder(column: str, write: Callable[[ColumnElement[Any]], text.Parts]) -> Builder:
        return lambda _: write(table.c[column])

    return {name: builder(column, write) for name, (column, write) in sources.items()}


def resource_object(shape: Shape, way: Writing, resource: FromClause, *, aged: bool = False) -> text.Parts:
    """A resource as selected. `aged` makes it count as live although it selects no live field: it was chosen by one."""
    fields: dict[str, Builder] = {
        **_columns(resource, _COLUMNS),
        "id": lambda _: (f'"{NODE_PREFIX}', resource.c.resource_id, '"'),
        "account": lambda child: way.hole(AccountOf(child), text.number(resource.c.account_id)),
        "access": lambda child: _access(child, resource),
        "spec": lambda child: written_object(child, _columns(resource, _SPEC)),
        "pricingAsOf": lambda _: way.hole(PricedAsOf(), (_priced_as_of(resource),)),
        "lastSyncedAt": lambda _: way.hole(LastSynced()),
        "freshness": lambda child: _freshness(child, way, resource),
        "linkedResources": lambda child: _links(child, way, resource),
        "offerHistory": lambda child: _offers(child, resource),
        "history": lambda child: _history(child, way, resource),
    }
    live, around = aged or any(child.live for child in shape.fields), shape.selects(*_AGES)
    if not (live or around):
        return written_object(shape, fields)
    links = shape.selects("linkedResources")
    return sighted_object(shape, fields, sighting(resource), live=live, links=links, around=around)


def change_object(
    shape: Shape, way: Writing, entry: FromClause, resource: FromClause, *, aged: bool = False
) -> text.Parts:
    """A change of a resource as selected."""
    return written_object(
        shape,
        {
            "resource": lambda child: resource_object(child, way, resource, aged=aged),
            "field": lambda _: text.escaped(entry.c.field),
            "before": lambda _: text.raw(entry.c.before),
            "after": lambda _: text.raw(entry.c.after),
            "observedAt": lambda _: text.plain(entry.c.observed_at),
            "source": lambda _: text.plain(entry.c.source),
        },
    )


def sighting(resource: FromClause) -> text.Parts:
    """The ingredients that `marks.sighting_of` reads: what is rarely there only where it is, who was seen at the end."""
    rare = [
        text.plain_or_null(resource.c.missing_since),
        text.flag(resource.c.deleted_at.is_not(None)),
        text.plain_or_null(resource.c.probed_at),
        text.plain_or_null(resource.c.probe_problem),
    ]
    columns = resource.c.missing_since, resource.c.deleted_at, resource.c.probed_at, resource.c.probe_problem
    told = text.written([part for each in rare for part in (",", *each)])
    return (
        cast(resource.c.scope_id, String),
        ",",
        cast(resource.c.seen_no, String),
        ',"',
        resource.c.seen_at,
        '","',
        resource.c.seen_source,
        '"',
        case((and_(*(column.is_(None) for column in columns)), text.EMPTY), else_=told),
        resource.c.resource_id,
    )


def _freshness(shape: Shape, way: Writing, resource: FromClause) -> text.Parts:
    """What explains it is read only where it is asked for."""
    if not shape.selects("explain"):
        return way.hole(FreshnessOf(shape))
    columns = (resource.c.vendor_id, resource.c.told, resource.c.tries)
    return way.hole(FreshnessOf(shape), text.array([text.escaped(column) for column in columns]))


def sequence_paging(shape: Shape, entry: FromClause, order: str) -> Paging:
    """The paging of a connection that runs through the history's numbers."""
    after = shape.place("after")
    return Paging(place_of(shape, "first"), CursorOf(order), text.number(entry.c.seq), after is not None, after)


def _access(shape: Shape, resource: FromClause) -> text.Parts:
    written = text.written(written_object(shape, _columns(resource, _ACCESS)))
    return (case((resource.c.has_access, written), else_=text.NULL),)


def _priced_as_of(resource: FromClause) -> ColumnElement[str]:
    told = resource.c.pricing_as_of
    with_sighting = and_(told.is_(None), resource.c.pricing_source == "VENDOR")
    return case((with_sighting, text.constant("true")), else_=text.written(text.plain_or_null(told)))


def _links(shape: Shape, way: Writing, resource: FromClause) -> text.Parts:
    """Open links, and ended ones where asked for; only those whose other end the viewer may see."""
    links, other = alias(tables.links), alias(tables.resources)
    fields: dict[str, Builder] = {
        **_columns(other, {name: _COLUMNS[name] for name in ("resourceId", "resourceType", "name", "status")}),
        "linkType": lambda _: text.plain(links.c.link_type),
        "linkedSince": lambda _: text.plain(links.c.linked_since),
        "linkedUntil": lambda _: text.plain_or_null(links.c.linked_until),
        "freshness": lambda child: _freshness(child, way, other),
        "resource": lambda child: resource_object(child, way, other),
    }
    live, around = any(child.live for child in shape.fields), shape.selects("freshness")
    if live or around:
        item = sighted_object(shape, fields, sighting(other), live=live, links=False, around=around)
    else:
        item = written_object(shape, fields)
    ended = [links.c.linked_until.is_not(None)] if shape.argument("includeEnded") else []
    query = (
        select(text.written(item).label("t"))
        .select_from(links.join(other, other.c.resource_id == links.c.to_id))
        .where(links.c.from_id == resource.c.resource_id, visible(other.c.account_id, way.restricted))
        # Where only open ones are told, none of them ended: then the index has their order.
        .order_by(*ended, links.c.linked_since, links.c.to_id, links.c.link_id)
        .correlate(resource)
    )
    if not shape.argument("includeEnded"):
        query = query.where(links.c.linked_until.is_(None))
    return (text.rows(query),)


def _offers(shape: Shape, resource: FromClause) -> text.Parts:
    provenance, offers = alias(tables.provenance), alias(tables.offers)
    offer = _columns(offers, _OFFER)
    item = written_object(
        shape,
        {
            "offerId": offer["offerId"],
            "offerType": offer["offerType"],
            "role": lambda _: text.plain(provenance.c.role),
            "createdAt": lambda _: text.plain(provenance.c.created_at),
            "offer": lambda child: written_object(child, offer),
        },
    )
    query = (
        select(text.written(item).label("t"))
        .select_from(provenance.join(offers, offers.c.offer_id == provenance.c.offer_id))
        .where(provenance.c.resource_id == resource.c.resource_id)
        .order_by(provenance.c.created_at, provenance.c.provenance_id)
        .correlate(resource)
    )
    return (text.rows(query),)


def _history(shape: Shape, way: Writing, resource: FromClause) -> text.Parts:
    """The changes of one resource, in the order in which they were recorded."""
    entry = alias(tables.history)

    def page(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        query = (
            select(*columns)
            .select_from(entry)
            .where(entry.c.resource_id == resource.c.resource_id)
            .order_by(entry.c.seq)
            .correlate(resource)
        )
        if after := shape.place("after"):
            query = query.where(entry.c.seq > bound(after))
        if names := shape.place("fields"):
            query = query.where(among(entry.c.field, bound(names)))
        if since := shape.place("since"):
            query = query.where(entry.c.observed_at >= bound(since))
        return query

    paging = sequence_paging(shape, entry, cursors.HISTORY)
    return connection(shape, way, paging, lambda node: change_object(node, way, entry, resource), page, {})
