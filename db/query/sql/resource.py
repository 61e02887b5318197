"""The text of a resource: its fields, links, offers and history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, select
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query import cursors
from db.query.placeholders import AccountOf, CursorOf, FreshnessOf, LastSynced, PricedAsOf
from db.query.shape import Shape
from db.query.sql import json_text
from db.query.sql.accounts import is_visible
from db.query.sql.aliases import alias
from db.query.sql.builder import FieldBuilder, StatementBuilder, annotated_object, json_object
from db.query.sql.dialect import is_in_array
from db.query.sql.filters import bind_param
from db.query.sql.pages import Paging, connection, required_param
from domain.records.fields import ACCESS_FIELDS, RESOURCE_FIELDS, SPEC_FIELDS, FieldKind, LiveField
from domain.records.identity import NODE_PREFIX

ColumnText: TypeAlias = tuple[str, Callable[[ColumnElement[Any]], json_text.Parts]]
"""The name of a column, and the function that writes it."""

_WRITERS: Final[Mapping[FieldKind, Callable[[ColumnElement[Any]], json_text.Parts]]] = {
    FieldKind.TEXT: json_text.escaped_string,
    FieldKind.INTEGER: json_text.number,
    FieldKind.NUMBER: json_text.number,
    FieldKind.INSTANT: json_text.plain_string_or_null,
}


def _live_columns(fields: Iterable[LiveField]) -> dict[str, ColumnText]:
    return {field.graph_name: (field.column, _WRITERS[field.kind]) for field in fields}


_COLUMNS: Final[Mapping[str, ColumnText]] = {
    **_live_columns(RESOURCE_FIELDS),
    "resourceId": ("resource_id", json_text.plain_string),
    "resourceType": ("resource_type", json_text.plain_string),
    "vendor": ("vendor", json_text.escaped_string),
    "vendorRegion": ("vendor_region", json_text.escaped_string),
    "vendorId": ("vendor_id", json_text.escaped_string),
    "status": ("status", json_text.plain_string),
    "pricingTotalHourly": ("price_text", json_text.number),
    "currency": ("currency", json_text.escaped_string),
    "pricingSource": ("pricing_source", json_text.plain_string),
    "createdAt": ("created_at", json_text.plain_string),
    "firstSeenAt": ("first_seen_at", json_text.plain_string),
}
_ACCESS: Final[Mapping[str, ColumnText]] = _live_columns(ACCESS_FIELDS)
_SPEC: Final[Mapping[str, ColumnText]] = {
    **_live_columns(SPEC_FIELDS),
    "vendor": ("spec_vendor", json_text.stored_json),
}
_OFFER: Final[Mapping[str, ColumnText]] = {
    "offerId": ("offer_id", json_text.plain_string),
    "offerType": ("offer_type", json_text.plain_string),
    "contractType": ("contract_type", json_text.plain_string),
    "vendorSku": ("vendor_sku", json_text.escaped_string),
    "priceHourly": ("price_text", json_text.number),
    "currency": ("currency", json_text.escaped_string),
}
_AGE_FIELDS: Final = ("freshness", "lastSyncedAt", "pricingAsOf")


def _column_fields(table: FromClause, columns: Mapping[str, ColumnText]) -> dict[str, FieldBuilder]:
    def column_field(column: str, write: Callable[[ColumnElement[Any]], json_text.Parts]) -> FieldBuilder:
        return lambda _: write(table.c[column])

    return {name: column_field(column, write) for name, (column, write) in columns.items()}


def resource_object(
    shape: Shape, builder: StatementBuilder, resource: FromClause, *, is_live: bool = False
) -> json_text.Parts:
    """Return a resource as selected.

    `is_live`: a demand applies to it even without a selected live field, because a live field was used to choose it.
    """
    fields: dict[str, FieldBuilder] = {
        **_column_fields(resource, _COLUMNS),
        "id": lambda _: (f'"{NODE_PREFIX}', resource.c.resource_id, '"'),
        "account": lambda child: builder.placeholder(AccountOf(child), json_text.number(resource.c.account_id)),
        "access": lambda child: _access(child, resource),
        "spec": lambda child: json_object(child, _column_fields(resource, _SPEC)),
        "pricingAsOf": lambda _: builder.placeholder(PricedAsOf(), (_priced_as_of(resource),)),
        "lastSyncedAt": lambda _: builder.placeholder(LastSynced()),
        "freshness": lambda child: _freshness(child, builder, resource),
        "linkedResources": lambda child: _links(child, builder, resource),
        "offerHistory": lambda child: _offers(child, resource),
        "history": lambda child: _history(child, builder, resource),
    }
    live, encloses = is_live or any(child.live for child in shape.fields), shape.selects(*_AGE_FIELDS)
    if not (live or encloses):
        return json_object(shape, fields)
    links = shape.selects("linkedResources")
    return annotated_object(shape, fields, sighting_columns(resource), live=live, links=links, encloses=encloses)


def change_object(
    shape: Shape, builder: StatementBuilder, entry: FromClause, resource: FromClause, *, is_live: bool = False
) -> json_text.Parts:
    """Return a change of a resource as selected."""
    return json_object(
        shape,
        {
            "resource": lambda child: resource_object(child, builder, resource, is_live=is_live),
            "field": lambda _: json_text.escaped_string(entry.c.field),
            "before": lambda _: json_text.stored_json(entry.c.before),
            "after": lambda _: json_text.stored_json(entry.c.after),
            "observedAt": lambda _: json_text.plain_string(entry.c.observed_at),
            "source": lambda _: json_text.plain_string(entry.c.source),
        },
    )


def sighting_columns(resource: FromClause) -> json_text.Parts:
    """Return the columns that `annotated_text.sighting_of` decodes.

    The columns that are rarely set are written only if one of them is. The resource id comes last, so that sightings which differ
    only in the resource have a common prefix.
    """
    rare = resource.c.missing_since, resource.c.deleted_at, resource.c.probed_at, resource.c.probe_problem
    values = [
        json_text.plain_string_or_null(resource.c.missing_since),
        json_text.boolean(resource.c.deleted_at.is_not(None)),
        json_text.plain_string_or_null(resource.c.probed_at),
        json_text.plain_string_or_null(resource.c.probe_problem),
    ]
    rare_values = json_text.concat([part for value in values for part in (",", *value)])
    return (
        cast(resource.c.scope_id, String),
        ",",
        cast(resource.c.seen_no, String),
        ',"',
        resource.c.seen_at,
        '","',
        resource.c.seen_source,
        '"',
        case((and_(*(column.is_(None) for column in rare)), json_text.EMPTY), else_=rare_values),
        resource.c.resource_id,
    )


def _freshness(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
    # The traces are long, so they are read only for an explanation.
    if not shape.selects("explain"):
        return builder.placeholder(FreshnessOf(shape))
    columns = (resource.c.vendor_id, resource.c.trace, resource.c.failed_flights)
    payload = json_text.array([json_text.escaped_string(column) for column in columns])
    return builder.placeholder(FreshnessOf(shape), payload)


def sequence_paging(shape: Shape, entry: FromClause, order: str) -> Paging:
    """Return the paging of a connection that is ordered by the sequence numbers of history entries."""
    after = shape.param("after")
    return Paging(
        required_param(shape, "first"),
        CursorOf(order),
        json_text.number(entry.c.seq),
        has_cursor=after is not None,
        empty_end=after,
    )


def _access(shape: Shape, resource: FromClause) -> json_text.Parts:
    access = json_text.concat(json_object(shape, _column_fields(resource, _ACCESS)))
    return (case((resource.c.has_access, access), else_=json_text.NULL),)


def _priced_as_of(resource: FromClause) -> ColumnElement[str]:
    as_of = resource.c.pricing_as_of
    is_from_sighting = and_(as_of.is_(None), resource.c.pricing_source == "VENDOR")
    as_of_text = json_text.concat(json_text.plain_string_or_null(as_of))
    return case((is_from_sighting, json_text.constant("true")), else_=as_of_text)


def _links(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
    """Return the open links, and the ended ones if selected, to resources that the viewer may see."""
    links, other = alias(tables.links), alias(tables.resources)
    fields: dict[str, FieldBuilder] = {
        **_column_fields(other, {name: _COLUMNS[name] for name in ("resourceId", "resourceType", "name", "status")}),
        "linkType": lambda _: json_text.plain_string(links.c.link_type),
        "linkedSince": lambda _: json_text.plain_string(links.c.linked_since),
        "linkedUntil": lambda _: json_text.plain_string_or_null(links.c.linked_until),
        "freshness": lambda child: _freshness(child, builder, other),
        "resource": lambda child: resource_object(child, builder, other),
    }
    live, encloses = any(child.live for child in shape.fields), shape.selects("freshness")
    if live or encloses:
        item = annotated_object(shape, fields, sighting_columns(other), live=live, links=False, encloses=encloses)
    else:
        item = json_object(shape, fields)
    ended_last = [links.c.linked_until.is_not(None)] if shape.argument("includeEnded") else []
    query = (
        select(json_text.concat(item).label("t"))
        .select_from(links.join(other, other.c.resource_id == links.c.to_id))
        .where(links.c.from_id == resource.c.resource_id, is_visible(other.c.account_id, builder.restricted))
        # Open links all have a null end. Without that term, the order is the order of the index.
        .order_by(*ended_last, links.c.linked_since, links.c.to_id, links.c.link_id)
        .correlate(resource)
    )
    if not shape.argument("includeEnded"):
        query = query.where(links.c.linked_until.is_(None))
    return (json_text.array_of_rows(query),)


def _offers(shape: Shape, resource: FromClause) -> json_text.Parts:
    provenance, offers = alias(tables.provenance), alias(tables.offers)
    offer = _column_fields(offers, _OFFER)
    item = json_object(
        shape,
        {
            "offerId": offer["offerId"],
            "offerType": offer["offerType"],
            "role": lambda _: json_text.plain_string(provenance.c.role),
            "createdAt": lambda _: json_text.plain_string(provenance.c.created_at),
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
    return (json_text.array_of_rows(query),)


def _history(shape: Shape, builder: StatementBuilder, resource: FromClause) -> json_text.Parts:
    """Return the changes of one resource, in the order in which they were recorded."""
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
            query = query.where(entry.c.seq > bind_param(after))
        if names := shape.param("fields"):
            query = query.where(is_in_array(entry.c.field, bind_param(names)))
        if since := shape.param("since"):
            query = query.where(entry.c.observed_at >= bind_param(since))
        return query

    paging = sequence_paging(shape, entry, cursors.HISTORY)
    return connection(shape, builder, paging, lambda node: change_object(node, builder, entry, resource), page, {})
