"""The JSON document of a viewer's accounts and scopes, and the condition that restricts rows to these accounts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, and_, bindparam, exists, func, literal_column, not_, select, true
from sqlalchemy.sql.expression import FromClause

from db import tables
from db.query.shape import VIEWER, Shape
from db.query.sql import json_text
from db.query.sql.aliases import alias
from db.query.sql.dialect import Unindexed, is_in_array

DETAIL_FIELDS: Final = frozenset(
    {
        ("VendorScope", "resourceCount"),
        ("VendorScope", "missingCount"),
        ("VendorAccount", "lastError"),
        ("Freshness", "explain"),
    }
)
"""The fields that need columns of every scope which freshness does not need."""


def is_visible(account_id: ColumnElement[int], restricted: bool) -> ColumnElement[bool]:
    """Return the condition that the viewer may see the rows of an account."""
    if not restricted:
        return true()
    accounts = alias(tables.accounts)
    return Unindexed(account_id).in_(select(accounts.c.account_id).where(_is_visible_account(accounts)))


def _is_visible_account(accounts: FromClause) -> ColumnElement[bool]:
    return is_in_array(accounts.c.name, bindparam(VIEWER))


def accounts_document(root: Shape, restricted: bool, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    """Return the document that `db.query.account_state.parse_accounts` decodes.

    `possible` is the condition, over `tables.scopes` and `tables.accounts`, that a scope may hold a match. Without it, every
    scope is possible.
    """
    accounts = tables.accounts
    parts = json_text.array(
        [
            json_text.number(accounts.c.account_id),
            json_text.escaped_string(accounts.c.name),
            json_text.escaped_string(accounts.c.vendor),
            json_text.boolean(accounts.c.configured),
            json_text.number(accounts.c.cooldown_seconds),
            (_scopes_array(root, possible),),
        ]
    )
    query = select(json_text.concat(parts).label("t")).select_from(accounts).order_by(accounts.c.name)
    return json_text.array_of_rows(query.where(_is_visible_account(accounts)) if restricted else query)


def _scopes_array(root: Shape, possible: ColumnElement[bool] | None) -> ScalarSelect[str]:
    accounts, scopes = tables.accounts, tables.scopes
    return json_text.array_of_rows(
        select(json_text.concat(json_text.array(_scope_items(root, possible))).label("t"))
        .select_from(scopes)
        .where(scopes.c.account_id == accounts.c.account_id)
        .order_by(scopes.c.kind, scopes.c.region)
        .correlate(accounts)
    )


def _scope_items(root: Shape, possible: ColumnElement[bool] | None) -> list[json_text.Parts]:
    scopes, resources = tables.scopes, alias(tables.resources)
    selected = {(shape.type_name, shape.name) for shape in root.walk()}
    living = (resources.c.scope_id == scopes.c.scope_id, resources.c.status != literal_column("'DELETED'"))
    count = select(func.count()).select_from(resources).where(*living).correlate(scopes)
    missing_count = count.where(resources.c.missing_since.is_not(None))
    holds = exists(select(literal_column("1")).select_from(resources).where(*living).correlate(scopes))
    configured = and_(tables.accounts.c.configured, scopes.c.configured)

    def if_selected(type_name: str, name: str, parts: json_text.Parts) -> json_text.Parts:
        return parts if (type_name, name) in selected else ("null",)

    return [
        json_text.number(scopes.c.scope_id),
        json_text.plain_string(scopes.c.kind),
        json_text.escaped_string(scopes.c.region),
        json_text.boolean(configured),
        json_text.number(scopes.c.swept_no),
        json_text.plain_string_or_null(scopes.c.swept_at),
        json_text.plain_string_or_null(scopes.c.tried_at),
        json_text.plain_string_or_null(scopes.c.problem),
        json_text.plain_string_or_null(scopes.c.hold_until),
        json_text.plain_string(scopes.c.state),
        if_selected("VendorScope", "resourceCount", json_text.number(count.scalar_subquery())),
        if_selected("VendorAccount", "lastError", json_text.escaped_string(scopes.c.problem_detail)),
        ("true",) if possible is None else json_text.boolean(possible),
        ("false",) if possible is None else json_text.boolean(and_(not_(configured), holds)),
        json_text.number(scopes.c.failures),
        if_selected("VendorScope", "missingCount", json_text.number(missing_count.scalar_subquery())),
        if_selected("Freshness", "explain", json_text.escaped_string(scopes.c.sweep_trace)),
        if_selected("Freshness", "explain", json_text.escaped_string(scopes.c.failed_flights)),
    ]
