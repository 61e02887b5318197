"""The conditions of a filter: which resources match, and which scopes may hold a match that is not recorded yet."""

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
from db.query.sql.accounts import is_visible
from db.query.sql.aliases import alias
from db.query.sql.dialect import JsonArrayLength, TextPosition, is_in_array
from domain.enums import KIND_OF_TYPE, ResourceKind

_LIST_COLUMNS: Final = {
    "resourceId": "resource_id",
    "vendorId": "vendor_id",
    "vendor": "vendor",
    "vendorRegion": "vendor_region",
    "status": "status",
    "resourceType": "resource_type",
    "gpuType": "gpu_type",
    "gpuFamily": "gpu_family",
}
"""The conditions that compare a column with a list of values, and their columns."""
_ONE: Final[ColumnElement[int]] = literal_column("1")
_ZERO: Final[ColumnElement[int]] = literal_column("0")


def filter_conditions(root: Shape) -> Mapping[str, Hashable]:
    """Return the conditions in the filter of a root field, by name; empty without a filter."""
    return dict(cast("tuple[Argument, ...]", root.argument("filter") or ()))


def bind_param(param: Hashable) -> ColumnElement[Any]:
    """Return the SQL parameter of a bound value. Raises TypeError if the argument is not a bound value."""
    if not isinstance(param, BindParam):
        raise TypeError(f"{param!r} is not a bound value")
    return bindparam(param.name)


def is_living(resource: FromClause) -> ColumnElement[bool]:
    """Return the condition that a resource is not deleted.

    The status is written into the statement, because a database uses a partial index only if it can see that the condition fits.
    """
    return resource.c.status != literal_column("'DELETED'")


def match_conditions(
    resource: FromClause, conditions: Mapping[str, Hashable], restricted: bool, *, tombstones: bool = False
) -> list[ColumnElement[bool]]:
    """Return the conditions that a resource matches the filter and is visible. `tombstones`: deleted resources match too."""
    clauses = [is_visible(resource.c.account_id, restricted)]
    clauses.extend(
        is_in_array(resource.c[column], bind_param(conditions[name]))
        for name, column in _LIST_COLUMNS.items()
        if name in conditions
    )
    if "account" in conditions:
        clauses.append(resource.c.account_id.in_(_select_accounts(conditions["account"])))
    if "nameContains" in conditions:
        clauses.append(TextPosition(resource.c.name_folded, bind_param(conditions["nameContains"])) > _ZERO)
    if "unconfirmed" in conditions:
        missing_since = resource.c.missing_since
        clauses.append(missing_since.is_not(None) if conditions["unconfirmed"] is True else missing_since.is_(None))
    if "offerId" in conditions:
        clauses.append(_has_offer(resource, conditions["offerId"]))
    if "linkedTo" in conditions:
        clauses.append(_is_linked_to(resource, conditions["linkedTo"], restricted))
    if not tombstones and "includeDeleted" not in conditions:
        clauses.append(is_living(resource))
    if "includeDuplicates" not in conditions:
        clauses.append(not_(_is_duplicate(resource, restricted)))
    return clauses


def is_possible_scope(conditions: Mapping[str, Hashable], restricted: bool) -> ColumnElement[bool]:
    """Return the condition, over `tables.scopes` and `tables.accounts`, that a scope may hold a match.

    Only conditions on *recorded* fields rule out scopes. A scope without resources stays possible, because somebody may have
    created one at the vendor. A region rules out the scopes of other regions, unless they hold resources of that region.
    Resource ids leave only the scopes of these resources, because only recorded resources have one. Vendor ids do the same,
    provided that all of them are recorded.
    """
    scopes, accounts = tables.scopes, tables.accounts
    clauses: list[ColumnElement[bool]] = []
    if "vendor" in conditions:
        clauses.append(is_in_array(accounts.c.vendor, bind_param(conditions["vendor"])))
    if "account" in conditions:
        clauses.append(is_in_array(accounts.c.name, bind_param(conditions["account"])))
    if "resourceType" in conditions:
        clauses.append(_lists_type(conditions["resourceType"]))
    if "vendorRegion" in conditions:
        regions = bind_param(conditions["vendorRegion"])
        is_not_empty = JsonArrayLength(regions) > _ZERO
        fits = or_(
            scopes.c.region == "", is_in_array(scopes.c.region, regions), _holds_resource("vendor_region", regions)
        )
        clauses.append(and_(is_not_empty, fits))
    if "resourceId" in conditions:
        clauses.append(_holds_resource("resource_id", bind_param(conditions["resourceId"])))
    if "vendorId" in conditions:
        ids = bind_param(conditions["vendorId"])
        clauses.append(or_(_holds_resource("vendor_id", ids), _has_unrecorded_id(conditions["vendorId"], restricted)))
    return and_(true(), *clauses)


def _select_accounts(names: Hashable) -> Select[Any]:
    accounts = alias(tables.accounts)
    return select(accounts.c.account_id).where(is_in_array(accounts.c.name, bind_param(names)))


def _has_offer(resource: FromClause, offer_id: Hashable) -> ColumnElement[bool]:
    provenance = alias(tables.provenance)
    return exists(
        select(_ONE)
        .select_from(provenance)
        .where(provenance.c.resource_id == resource.c.resource_id, provenance.c.offer_id == bind_param(offer_id))
        .correlate(resource)
    )


def _is_linked_to(resource: FromClause, other_id: Hashable, restricted: bool) -> ColumnElement[bool]:
    links, other = alias(tables.links), alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(links.join(other, other.c.resource_id == links.c.to_id))
        .where(
            links.c.from_id == resource.c.resource_id,
            links.c.to_id == bind_param(other_id),
            links.c.linked_until.is_(None),
            is_visible(other.c.account_id, restricted),
        )
        .correlate(resource)
    )


def _is_duplicate(resource: FromClause, restricted: bool) -> ColumnElement[bool]:
    """Return the condition that another visible resource is the direct record of the same machine.

    The link is stored in both directions. The owned one leads from the duplicate to the direct record.
    """
    links, direct = alias(tables.links), alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(links.join(direct, direct.c.resource_id == links.c.to_id))
        .where(
            links.c.from_id == resource.c.resource_id,
            links.c.link_type == "SAME_MACHINE",
            links.c.owned,
            links.c.linked_until.is_(None),
            is_visible(direct.c.account_id, restricted),
        )
        .correlate(resource)
    )


def _lists_type(resource_types: Hashable) -> ColumnElement[bool]:
    wanted = bind_param(resource_types)
    types_of_kind = {
        kind: [resource_type.value for resource_type, kinds in KIND_OF_TYPE.items() if kind in kinds]
        for kind in ResourceKind
    }
    return or_(
        *(
            and_(
                tables.scopes.c.kind == kind.value,
                or_(*(is_in_array(literal_column(f"'{name}'"), wanted) for name in names)),
            )
            for kind, names in types_of_kind.items()
        )
    )


def _holds_resource(column: str, values: ColumnElement[Any]) -> ColumnElement[bool]:
    resources = alias(tables.resources)
    return exists(
        select(_ONE)
        .select_from(resources)
        .where(resources.c.scope_id == tables.scopes.c.scope_id, is_in_array(resources.c[column], values))
        .correlate(tables.scopes)
    )


def _has_unrecorded_id(vendor_ids: Hashable, restricted: bool) -> ColumnElement[bool]:
    resources = alias(tables.resources)
    recorded_count = (
        select(func.count(distinct(resources.c.vendor_id)))
        .select_from(resources)
        .where(
            is_in_array(resources.c.vendor_id, bind_param(vendor_ids)),
            is_visible(resources.c.account_id, restricted),
        )
        .scalar_subquery()
    )
    return recorded_count < JsonArrayLength(bind_param(vendor_ids))
