"""What a filter means: over resources, and over the scopes that may hold a match."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    distinct,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query.shape import Argument, BindParam, Shape
from db.query.sql.accounts import visible
from db.query.sql.aliases import alias
from db.query.sql.dialect import Position, Size, among
from domain.enums import KIND_OF_TYPE, ResourceKind

_LISTS: Final = {
    "resourceId": "resource_id",
    "vendorId": "vendor_id",
    "vendor": "vendor",
    "vendorRegion": "vendor_region",
    "status": "status",
    "resourceType": "resource_type",
    "gpuType": "gpu_type",
    "gpuFamily": "gpu_family",
}
_ONE: Final[ColumnElement[int]] = literal_column("1")


def conditions_of(root: Shape) -> Mapping[str, Hashable]:
    """The filter of a root field; empty where there is none."""
    return dict(cast("tuple[Argument, ...]", root.argument("filter") or ()))


def bound(place: Hashable) -> ColumnElement[Any]:
    """A bound value."""
    if not isinstance(place, BindParam):
        raise TypeError(f"{place!r} is no place of a bound value")
    return bindparam(place.name)


def living(resource: FromClause) -> ColumnElement[bool]:
    """Whether it is no tombstone. Written out, not bound: a partial index is chosen by the text."""
    return resource.c.status != literal_column("'DELETED'")


def matches(
    resource: FromClause, conditions: Mapping[str, Hashable], restricted: bool, *, tombstones: bool = False
) -> list[ColumnElement[bool]]:
    """The conditions of the filter over a resource, its visibility among them. `tombstones` shows the deleted ones anyway."""
    found = [visible(resource.c.account_id, restricted)]
    found.extend(
        among(resource.c[column], bound(conditions[name])) for name, column in _LISTS.items() if name in conditions
    )
    if "account" in conditions:
        found.append(resource.c.account_id.in_(_accounts_named(conditions["account"])))
    if "nameContains" in conditions:
        found.append(Position(resource.c.name_folded, bound(conditions["nameContains"])) > literal_column("0"))
    if "unconfirmed" in conditions:
        marked = resource.c.missing_since
        found.append(marked.is_not(None) if conditions["unconfirmed"] is True else marked.is_(None))
    if "offerId" in conditions:
        found.append(_came_from(resource, conditions["offerId"]))
    if "linkedTo" in conditions:
        found.append(_linked_to(resource, conditions["linkedTo"], restricted))
    if not tombstones and "includeDeleted" not in conditions:
        found.append(living(resource))
    if "includeDuplicates" not in conditions:
        found.append(not_(_is_duplicate(resource, restricted)))
    return found


def possible_scopes(conditions: Mapping[str, Hashable], restricted: bool) -> ColumnElement[bool]:
    """Whether the *recorded* conditions leave a scope possible: over `tables.scopes` and `tables.accounts`.

    A scope without any resource counts: what was made outside may be in it. A region rules out the regional scopes of other
    regions that hold nothing there. Our own ids are of recorded resources alone, so they name their scopes; a vendor's ids do
    as long as each of them is recorded.
    """
    scopes, accounts = tables.scopes, tables.accounts
    found: list[ColumnElement[bool]] = []
    if "vendor" in conditions:
        found.append(among(accounts.c.vendor, bound(conditions["vendor"])))
    if "account" in conditions:
        found.append(among(accounts.c.name, bound(conditions["account"])))
    if "resourceType" in conditions:
        found.append(_lists_type(conditions["resourceType"]))
    if "vendorRegion" in conditions:
        region = bound(conditions["vendorRegion"])
        some = Size(region) > literal_column("0")
        found.append(
            and_(some, or_(scopes.c.region == "", among(scopes.c.region, region), _holds("vendor_region", region)))
        )
    if "resourceId" in conditions:
        found.append(_holds("resource_id", bound(conditions["resourceId"])))
    if "vendorId" in conditions:
        ids = bound(conditions["vendorId"])
        found.append(or_(_holds("vendor_id", ids), _some_unrecorded(conditions["vendorId"], restricted)))
    return and_(true(), *found)


def _accounts_named(place: Hashable) -> Select[Any]:
    accounts = alias(tables.accounts)
    return select(accounts.c.account_id).where(among(accounts.c.name, bound(place)))


def _came_from(resource: FromClause, offer: Hashable) -> ColumnElement[bool]:
    provenance = alias(tables.provenance)
    return exists(
        select(_ONE)
        .select_from(provenance)
        .where(provenance.c.resource_id == resource.c.resource_id, provenance.c.offer_id == bound(offer))
        .correlate(resource)
    )


def _linked_to(resource: FromClause, other: Hashable, restricted: bool) -> ColumnElement[bool]:
    links, end = alias(tables.links), alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(links.join(end, end.c.resource_id == links.c.to_id))
        .where(
            links.c.from_id == resource.c.resource_id,
            links.c.to_id == bound(other),
            links.c.linked_until.is_(None),
            visible(end.c.account_id, restricted),
        )
        .correlate(resource)
    )


def _is_duplicate(resource: FromClause, restricted: bool) -> ColumnElement[bool]:
    """Whether the same machine is shown by another, direct record: the owned direction runs from the duplicate to it."""
    links, direct = alias(tables.links), alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(links.join(direct, direct.c.resource_id == links.c.to_id))
        .where(
            links.c.from_id == resource.c.resource_id,
            links.c.link_type == "SAME_MACHINE",
            links.c.owned,
            links.c.linked_until.is_(None),
            visible(direct.c.account_id, restricted),
        )
        .correlate(resource)
    )


def _lists_type(place: Hashable) -> ColumnElement[bool]:
    types = bound(place)
    kinds = {
        kind: [resource_type.value for resource_type, listing in KIND_OF_TYPE.items() if kind in listing]
        for kind in ResourceKind
    }
    return or_(
        *(
            and_(
                tables.scopes.c.kind == kind.value,
                or_(*(among(literal_column(f"'{name}'"), types) for name in names)),
            )
            for kind, names in kinds.items()
        )
    )


def _holds(column: str, values: ColumnElement[Any]) -> ColumnElement[bool]:
    held = alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(held)
        .where(held.c.scope_id == tables.scopes.c.scope_id, among(held.c[column], values))
        .correlate(tables.scopes)
    )


def _some_unrecorded(place: Hashable, restricted: bool) -> ColumnElement[bool]:
    known = alias(tables.resources)
    recorded = (
        select(func.count(distinct(known.c.vendor_id)))
        .select_from(known)
        .where(among(known.c.vendor_id, bound(place)), visible(known.c.account_id, restricted))
        .scalar_subquery()
    )
    return recorded < Size(bound(place))
