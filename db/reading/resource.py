"""A resource's fields as SQL writes them, and what is nested in them: links, offers, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, select
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.reading import cursors, text
from db.reading.built import Builder, Built, built_object, sighted_object
from db.reading.dialect import among
from db.reading.facts import visible
from db.reading.filters import bound
from db.reading.finish import AccountOf, Finisher, FreshnessOf, LastSynced, Many, PricedAsOf
from db.reading.pages import Paging, connection, limit, node_shapes, row_parts, wants_rows
from db.reading.shape import Place, Shape
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
        return lambda _: Built(write(table.c[column]))

    return {name: builder(column, write) for name, (column, write) in sources.items()}


def resource_object(shape: Shape, resource: FromClause, restricted: bool, *, aged: bool = False) -> Built:
    """A resource as selected. `aged` makes it count as live although it selects no live field: it was chosen by one."""
    fields: dict[str, Builder] = {
        **_columns(resource, _COLUMNS),
        "id": lambda _: Built((f'"{NODE_PREFIX}', resource.c.resource_id, '"')),
        "account": lambda child: Built(text.number(resource.c.account_id), AccountOf(child)),
        "access": lambda child: _access(child, resource),
        "spec": lambda child: built_object(child, _columns(resource, _SPEC)),
        "pricingAsOf": lambda _: Built((_priced_as_of(resource),), PricedAsOf()),
        "lastSyncedAt": lambda _: Built(("null",), LastSynced()),
        "freshness": lambda child: _freshness(child, resource),
        "linkedResources": lambda child: _links(child, resource, restricted),
        "offerHistory": lambda child: _offers(child, resource),
        "history": lambda child: _history(child, resource, restricted),
    }
    live = aged or any(child.live for child in shape.fields)
    if not (live or shape.selects(*_AGES)):
        return built_object(shape, fields)
    links = shape.selects("linkedResources")
    return sighted_object(shape, fields, sighting(resource), live=live, links=links)


def change_object(
    shape: Shape, entry: FromClause, resource: FromClause, restricted: bool, *, aged: bool = False
) -> Built:
    """A change of a resource as selected."""
    return built_object(
        shape,
        {
            "resource": lambda child: resource_object(child, resource, restricted, aged=aged),
            "field": lambda _: Built(text.escaped(entry.c.field)),
            "before": lambda _: Built(text.raw(entry.c.before)),
            "after": lambda _: Built(text.raw(entry.c.after)),
            "observedAt": lambda _: Built(text.plain(entry.c.observed_at)),
            "source": lambda _: Built(text.plain(entry.c.source)),
        },
    )


def sighting(resource: FromClause) -> text.Parts:
    """The ingredients that `finish.sighting_of` reads."""
    return text.array(
        [
            text.plain(resource.c.resource_id),
            text.number(resource.c.scope_id),
            text.number(resource.c.seen_no),
            text.plain(resource.c.seen_at),
            text.plain(resource.c.seen_source),
            text.plain_or_null(resource.c.missing_since),
            text.flag(resource.c.deleted_at.is_not(None)),
            text.plain_or_null(resource.c.probed_at),
            text.plain_or_null(resource.c.probe_problem),
        ]
    )


def _freshness(shape: Shape, resource: FromClause) -> Built:
    """What explains it is read only where it is asked for."""
    columns = (resource.c.vendor_id, resource.c.told, resource.c.tries)
    explained = text.array([text.escaped(column) for column in columns])
    return Built(explained if shape.selects("explain") else ("null",), FreshnessOf(shape))


def sequence_paging(shape: Shape, order: str) -> tuple[Place, Paging]:
    """The paging of a connection that runs through the history's numbers."""
    first, after = shape.place("first"), shape.place("after")
    if first is None:
        raise TypeError("a page has a size")
    given = None if after is None else lambda values: values[after.name]
    return first, Paging(first.name, lambda number: cursors.encode(order, number), given, keeps_place=True)


def _access(shape: Shape, resource: FromClause) -> Built:
    built = built_object(shape, _columns(resource, _ACCESS))
    return Built((case((resource.c.has_access, text.written(built.parts)), else_=text.NULL),), built.finisher)


def _priced_as_of(resource: FromClause) -> ColumnElement[str]:
    told = resource.c.pricing_as_of
    with_sighting = and_(told.is_(None), resource.c.pricing_source == "VENDOR")
    return case((with_sighting, text.constant("true")), else_=text.written(text.plain_or_null(told)))


def _links(shape: Shape, resource: FromClause, restricted: bool) -> Built:
    """Open links, and ended ones where asked for; only those whose other end the viewer may see."""
    links, other = tables.links.alias(), tables.resources.alias()
    fields: dict[str, Builder] = {
        **_columns(other, {name: _COLUMNS[name] for name in ("resourceId", "resourceType", "name", "status")}),
        "linkType": lambda _: Built(text.plain(links.c.link_type)),
        "linkedSince": lambda _: Built(text.plain(links.c.linked_since)),
        "linkedUntil": lambda _: Built(text.plain_or_null(links.c.linked_until)),
        "freshness": lambda child: _freshness(child, other),
        "resource": lambda child: resource_object(child, other, restricted),
    }
    live = any(child.live for child in shape.fields)
    if live or shape.selects("freshness"):
        item = sighted_object(shape, fields, sighting(other), live=live)
    else:
        item = built_object(shape, fields)
    query = (
        select(text.written(item.parts).label("t"))
        .select_from(links.join(other, other.c.resource_id == links.c.to_id))
        .where(links.c.from_id == resource.c.resource_id, visible(other.c.account_id, restricted))
        .order_by(links.c.linked_until.is_not(None), links.c.linked_since, links.c.to_id, links.c.link_id)
        .correlate(resource)
    )
    if not shape.argument("includeEnded"):
        query = query.where(links.c.linked_until.is_(None))
    return _listed(query, item.finisher)


def _offers(shape: Shape, resource: FromClause) -> Built:
    provenance, offers = tables.provenance.alias(), tables.offers.alias()
    offer = _columns(offers, _OFFER)
    item = built_object(
        shape,
        {
            "offerId": offer["offerId"],
            "offerType": offer["offerType"],
            "role": lambda _: Built(text.plain(provenance.c.role)),
            "createdAt": lambda _: Built(text.plain(provenance.c.created_at)),
            "offer": lambda child: built_object(child, offer),
        },
    )
    query = (
        select(text.written(item.parts).label("t"))
        .select_from(provenance.join(offers, offers.c.offer_id == provenance.c.offer_id))
        .where(provenance.c.resource_id == resource.c.resource_id)
        .order_by(provenance.c.created_at, provenance.c.provenance_id)
        .correlate(resource)
    )
    return _listed(query, item.finisher)


def _listed(query: Select[Any], finisher: Finisher | None) -> Built:
    return Built((text.rows(query),), None if finisher is None else Many(finisher))


def _history(shape: Shape, resource: FromClause, restricted: bool) -> Built:
    """The changes of one resource, in the order in which they were recorded."""
    entry = tables.history.alias()
    first, paging = sequence_paging(shape, cursors.HISTORY)
    nodes = [change_object(node, entry, resource, restricted) for node in node_shapes(shape)]
    query = (
        select(text.written(row_parts(text.number(entry.c.seq), nodes)).label("t"))
        .select_from(entry)
        .where(entry.c.resource_id == resource.c.resource_id)
        .order_by(entry.c.seq)
        .limit(limit(shape, first))
        .correlate(resource)
    )
    if after := shape.place("after"):
        query = query.where(entry.c.seq > bound(after))
    if names := shape.place("fields"):
        query = query.where(among(entry.c.field, bound(names)))
    if since := shape.place("since"):
        query = query.where(entry.c.observed_at >= bound(since))
    listed: text.Part = text.rows(query) if wants_rows(shape) else "[]"
    return Built(('{"rows":', listed, "}"), connection(shape, paging, nodes))
