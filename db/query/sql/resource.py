"""A resource's fields as SQL writes them, and what is nested in them: links, offers, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, select
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query import cursors
from db.query.placeholders import AccountOf, CursorOf, FreshnessOf, LastSynced, PricedAsOf
from db.query.shape import Shape
from db.query.sql import json_text
from db.query.sql.accounts import visible
from db.query.sql.aliases import alias
from db.query.sql.builder import FieldBuilder, StatementBuilder, annotated_object, json_object
from db.query.sql.dialect import among
from db.query.sql.filters import bound
from db.query.sql.pages import Paging, bind_param_of, connection
from domain.records.identity import NODE_PREFIX

Source = tuple[str, Callable[[ColumnElement[Any]], json_text.Parts]]
"""A column, and how it is written."""

_COLUMNS: Final[Mapping[str, Source]] = {
    "resourceId": ("resource_id", json_text.plain),
    "resourceType": ("resource_type", json_text.plain),
    "vendor": ("vendor", json_text.escaped),
    "vendorRegion": ("vendor_region", json_text.escaped),
    "vendorId": ("vendor_id", json_text.escaped),
    "name": ("name", json_text.escaped),
    "status": ("status", json_text.plain),
    "vendorStatus": ("vendor_status", json_text.escaped),
    "statusMessage": ("status_message", json_text.escaped),
    "pricingTotalHourly": ("price_text", json_text.number),
    "currency": ("currency", json_text.escaped),
    "pricingSource": ("pricing_source", json_text.plain),
    "validFrom": ("valid_from", json_text.plain_or_null),
    "validTo": ("valid_to", json_text.plain_or_null),
    "createdAt": ("created_at", json_text.plain),
    "firstSeenAt": ("first_seen_at", json_text.plain),
}
_ACCESS: Final[Mapping[str, Source]] = {
    "externalIp": ("external_ip", json_text.escaped),
    "internalIp": ("internal_ip", json_text.escaped),
    "sshCommand": ("ssh_command", json_text.escaped),
    "sshPort": ("ssh_port", json_text.number),
}
_SPEC: Final[Mapping[str, Source]] = {
    "gpuType": ("gpu_type", json_text.escaped),
    "gpuFamily": ("gpu_family", json_text.escaped),
    "gpuCount": ("gpu_count", json_text.number),
    "vendorSku": ("vendor_sku", json_text.escaped),
    "image": ("image", json_text.escaped),
    "vendor": ("spec_vendor", json_text.raw),
    "vcpuCount": ("vcpu_count", json_text.number),
    "memoryGb": ("memory_gb", json_text.number),
    "diskGb": ("disk_gb", json_text.number),
}
_OFFER: Final[Mapping[str, Source]] = {
    "offerId": ("offer_id", json_text.plain),
    "offerType": ("offer_type", json_text.plain),
    "contractType": ("contract_type", json_text.plain),
    "vendorSku": ("vendor_sku", json_text.escaped),
    "priceHourly": ("price_text", json_text.number),
    "currency": ("currency", json_text.escaped),
}
_AGES: Final = ("freshness", "lastSyncedAt", "pricingAsOf")


def _columns(table: FromClause, sources: Mapping[str, Source]) -> dict[str, FieldBuilder]:
    def builder(column: str, write: Callable[[ColumnElement[Any]], json_text.Parts]) -> FieldBuilder:
        return lambda _: write(table.c[column])

    return {name: builder(column, write) for name, (column, write) in sources.items()}


def resource_object(
    shape: Shape, builder: StatementBuilder, resource: FromClause, *, is_live: bool = False
) -> json_text.Parts:
    """A resource as selected. `is_live` makes it count as live although it selects no live field: it was chosen by one."""
    fields: dict[str, FieldBuilder] = {
        **_columns(resource, _COLUMNS),
        "id": lambda _: (f'"{NODE_PREFIX}', resource.c.resource_id, '"'),
        "account": lambda child: builder.placeholder(AccountOf(child), json_text.number(resource.c.account_id)),
        "access": lambda child: _access(child, resource),
        "spec": lambda child: json_object(child, _columns(resource, _SPEC)),
        "pricingAsOf": lambda _: builder.placeholder(PricedAsOf(), (_priced_as_of(resource),)),
        "lastSyncedAt": lambda _: builder.placeholder(LastSynced()),
        "freshness": lambda child: _freshness(child, builder, resource),
        "linkedResources": lambda child: _links(child, builder, resource),
        "offerHistory": lambda child: _offers(child, resource),
        "history": lambda child: _history(child, builder, resource),
    }
    live, encloses = is_live or any(child.live for child in shape.fields), shape.selects(*_AGES)
    if not (live or encloses):
        return json_object(shape, fields)
    links = shape.selects("linkedResources")
    return annotated_object(shape, fields, sighting(resource), live=live, links=links, encloses=encloses)


def change_object(
    shape: Shape, builder: StatementBuilder, entry: FromClause, resource: FromClause, *, is_live: bool = False
) -> json_text.Parts:
    """A change of a resource as selected."""
    return json_object(
        shape,
        {
            "resource": lambda child: resource_object(child, builder, resource, is_live=is_live),
            "field": lambda _: json_text.escaped(entry.c.field),
            "before": lambda _: json_text.raw(entry.c.before),
            "after": lambda _: json_text.raw(entry.c.after),
            "observedAt": lambda _: json_text.plain(entry.c.observed_at),
            "source": lambda _: json_text.plain(entry.c.source),
        },
    )


def sighting(resource: FromClause) -> json_text.Parts:
    """The ingredients that `annotations.sighting_of` reads: what is rarely there only where it is, who was seen at the end."""
    rare = [
        json_text.plain_or_null(resource.c.missing_since),
        json_text.flag(resource.c.deleted_at.is_not(None)),
        json_text.plain_or_null(resource.c.probed_at),
        json_text.plain_or_null(resource.c.probe_problem),
    ]
    columns = resource.c.missing_since, resource.c.deleted_at, resource.c.probed_at, resource.c.probe_problem
    values = json_text.concat([part for each in rare for part in (",", *each)])
    return (
        cast(resource.c.scope_id, String),
        ",",
        cast(resource.c.seen_no, String),
        ',"',
        resource.c.seen_at,
        '","',
        resource.c.seen_source,
        '"',
        case((and_(*(column.is_(None) for column in columns)), json_text.EMPTY), else_=values),
        resource.c.resource_id,
    )


def _freshness(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
    """What explains it is read only where it is asked for."""
    if not shape.selects("explain"):
        return builder.placeholder(FreshnessOf(shape))
    columns = (resource.c.vendor_id, resource.c.trace, resource.c.failed_flights)
    return builder.placeholder(FreshnessOf(shape), json_text.array([json_text.escaped(column) for column in columns]))


def sequence_paging(shape: Shape, entry: FromClause, order: str) -> Paging:
    """The paging of a connection that runs through the history's numbers."""
    after = shape.param("after")
    return Paging(
        bind_param_of(shape, "first"), CursorOf(order), json_text.number(entry.c.seq), after is not None, after
    )


def _access(shape: Shape, resource: FromClause) -> json_text.Parts:
    written = json_text.concat(json_object(shape, _columns(resource, _ACCESS)))
    return (case((resource.c.has_access, written), else_=json_text.NULL),)


def _priced_as_of(resource: FromClause) -> ColumnElement[str]:
    values = resource.c.pricing_as_of
    with_sighting = and_(values.is_(None), resource.c.pricing_source == "VENDOR")
    return case((with_sighting, json_text.constant("true")), else_=json_text.concat(json_text.plain_or_null(values)))


def _links(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
    """Open links, and ended ones where asked for; only those whose other end the viewer may see."""
    links, other = alias(tables.links), alias(tables.resources)
    fields: dict[str, FieldBuilder] = {
        **_columns(other, {name: _COLUMNS[name] for name in ("resourceId", "resourceType", "name", "status")}),
        "linkType": lambda _: json_text.plain(links.c.link_type),
        "linkedSince": lambda _: json_text.plain(links.c.linked_since),
        "linkedUntil": lambda _: json_text.plain_or_null(links.c.linked_until),
        "freshness": lambda child: _freshness(child, builder, other),
        "resource": lambda child: resource_object(child, builder, other),
    }
    live, encloses = any(child.live for child in shape.fields), shape.selects("freshness")
    if live or encloses:
        item = annotated_object(shape, fields, sighting(other), live=live, links=False, encloses=encloses)
    else:
        item = json_object(shape, fields)
    ended = [links.c.linked_until.is_not(None)] if shape.argument("includeEnded") else []
    query = (
        select(json_text.concat(item).label("t"))
        .select_from(links.join(other, other.c.resource_id == links.c.to_id))
        .where(links.c.from_id == resource.c.resource_id, visible(other.c.account_id, builder.restricted))
        # Where only open ones are values, none of them ended: then the index has their order.
        .order_by(*ended, links.c.linked_since, links.c.to_id, links.c.link_id)
        .correlate(resource)
    )
    if not shape.argument("includeEnded"):
        query = query.where(links.c.linked_until.is_(None))
    return (json_text.rows(query),)


def _offers(shape: Shape, resource: FromClause) -> json_text.Parts:
    provenance, offers = alias(tables.provenance), alias(tables.offers)
    offer = _columns(offers, _OFFER)
    item = json_object(
        shape,
        {
            "offerId": offer["offerId"],
            "offerType": offer["offerType"],
            "role": lambda _: json_text.plain(provenance.c.role),
            "createdAt": lambda _: json_text.plain(provenance.c.created_at),
            "offer": lambda child: json_object(child, offer),
        },
    )
    query = (
        select(json_text.concat(item).label("t"))
        .select_from(provenance.join(offers, offers.c.offer_id == provenance.c.offer_id))
        .where(provenance.c.resource_id == resource.c.resource_id)
        .order_by(provenance.c.created_at, provenance.c.provenance_id)
        .correlate(resource)
    )
    return (json_text.rows(query),)


def _history(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
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
        if after := shape.param("after"):
            query = query.where(entry.c.seq > bound(after))
        if names := shape.param("fields"):
            query = query.where(among(entry.c.field, bound(names)))
        if since := shape.param("since"):
            query = query.where(entry.c.observed_at >= bound(since))
        return query

    paging = sequence_paging(shape, entry, cursors.HISTORY)
    return connection(shape, builder, paging, lambda node: change_object(node, builder, entry, resource), page, {})
