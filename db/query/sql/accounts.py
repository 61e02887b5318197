"""The SQL that writes the accounts and scopes of a viewer as one JSON document, and that restricts rows to them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, exists, func, literal_column, not_, select, true
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query.shape import VIEWER, Shape
from db.query.sql import json_text
from db.query.sql.aliases import alias
from db.query.sql.dialect import Filtering, among

DETAIL_FIELDS: Final = frozenset(
    {
        ("VendorScope", "resourceCount"),
        ("VendorScope", "missingCount"),
        ("VendorAccount", "lastError"),
        ("Freshness", "explain"),
    }
)
"""The fields that need more of every scope than judging ages does."""


def visible(account_id: ColumnElement[int], restricted: bool) -> ColumnElement[bool]:
    """Return the condition that the viewer sees what belongs to this account."""
    if not restricted:
        return true()
    accounts = alias(tables.accounts)
    return Filtering(account_id).in_(select(accounts.c.account_id).where(_is_visible(accounts)))


def _is_visible(accounts: FromClause) -> ColumnElement[bool]:
    return among(accounts.c.name, bindparam(VIEWER))


def accounts_document(root: Shape, restricted: bool, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    """Return the JSON that `parse_accounts` decodes. `possible` is a condition over `tables.scopes` and `tables.accounts`."""
    accounts = tables.accounts
    parts = json_text.array(
        [
            json_text.number(accounts.c.account_id),
            json_text.escaped(accounts.c.name),
            json_text.escaped(accounts.c.vendor),
            json_text.flag(accounts.c.configured),
            json_text.number(accounts.c.cooldown_seconds),
            (_scopes(root, possible),),
        ]
    )
    query = select(json_text.concat(parts).label("t")).select_from(accounts).order_by(accounts.c.name)
    return json_text.rows(query.where(_is_visible(accounts)) if restricted else query)


def _scopes(root: Shape, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    accounts, scopes, resources = tables.accounts, tables.scopes, alias(tables.resources)
    selected = {(shape.type_name, shape.name) for shape in root.walk()}
    living = (resources.c.scope_id == scopes.c.scope_id, resources.c.status != literal_column("'DELETED'"))
    count = select(func.count()).select_from(resources).where(*living).correlate(scopes)
    missing = count.where(resources.c.missing_since.is_not(None))
    holds = exists(select(literal_column("1")).select_from(resources).where(*living).correlate(scopes))
    configured = and_(accounts.c.configured, scopes.c.configured)

    def if_selected(type_name: str, name: str, parts: json_text.Parts) -> json_text.Parts:
        return parts if (type_name, name) in selected else ("null",)

    parts = json_text.array(
        [
            json_text.number(scopes.c.scope_id),
            json_text.plain(scopes.c.kind),
            json_text.escaped(scopes.c.region),
            json_text.flag(configured),
            json_text.number(scopes.c.swept_no),
            json_text.plain_or_null(scopes.c.swept_at),
            json_text.plain_or_null(scopes.c.tried_at),
            json_text.plain_or_null(scopes.c.problem),
            json_text.plain_or_null(scopes.c.hold_until),
            json_text.plain(scopes.c.state),
            if_selected("VendorScope", "resourceCount", json_text.number(count.scalar_subquery())),
            if_selected("VendorAccount", "lastError", json_text.escaped(scopes.c.problem_detail)),
            ("true",) if possible is None else json_text.flag(possible),
            ("false",) if possible is None else json_text.flag(and_(not_(configured), holds)),
            json_text.number(scopes.c.failures),
            if_selected("VendorScope", "missingCount", json_text.number(missing.scalar_subquery())),
            if_selected("Freshness", "explain", json_text.escaped(scopes.c.sweep_trace)),
            if_selected("Freshness", "explain", json_text.escaped(scopes.c.failed_flights)),
        ]
    )
    return json_text.rows(
        select(json_text.concat(parts).label("t"))
        .select_from(scopes)
        .where(scopes.c.account_id == accounts.c.account_id)
        .order_by(scopes.c.kind, scopes.c.region)
        .correlate(accounts)
    )
