"""The tables.

Text has a canonical form: instants are fixed-width UTC, numbers that are sent to clients are their shortest decimal text, and
JSON is compact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from domain.records.fields import COLUMN_FIELDS, FieldKind

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Text sorts by code point on both databases. This is the default of SQLite (BINARY).
Text: Final = String().with_variant(String(collation="C"), "postgresql")
# SQLite generates row numbers only for columns of the type INTEGER.
Serial: Final = BigInteger().with_variant(Integer(), "sqlite")

accounts: Final = Table(
    "accounts",
    metadata,
    Column("account_id", Serial, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("vendor", Text, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("cooldown_seconds", Float, nullable=False),
    Column("flight_no", BigInteger, nullable=False, server_default=text("0")),
    # Accounts with the same value use the same vendor ids for the same resources. Null if that is not known.
    Column("id_space", Text),
    # UUIDs are derived from it. It never changes, also if the account is renamed.
    Column("identity", Text, nullable=False, server_default=text("''")),
    # The timeline of the account's flights. The pauses are JSON.
    Column("elapsed", Float, nullable=False, server_default=text("0")),
    Column("pauses", Text, nullable=False, server_default=text("'[]'")),
    Column("drawn_at", Text),
    Index("uq_accounts_identity", "identity", unique=True),
)

data_revision: Final = Table(
    "data_revision",
    metadata,
    # The table has a single row.
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
)

scopes: Final = Table(
    "scopes",
    metadata,
    Column("scope_id", Serial, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.account_id), nullable=False),
    Column("kind", Text, nullable=False),
    # '' if the vendor's API is not regional, because a unique constraint allows repeated nulls.
    Column("region", Text, nullable=False),
    Column("configured", Boolean, nullable=False),
    Column("swept_no", BigInteger, nullable=False, server_default=text("0")),
    Column("swept_at", Text),
    Column("tried_no", BigInteger, nullable=False, server_default=text("0")),
    Column("tried_at", Text),
    Column("state", Text, nullable=False),
    Column("problem", Text),
    Column("problem_detail", Text),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("hold_until", Text),
    Column("held", Integer, nullable=False, server_default=text("0")),
    Column("good_no", BigInteger, nullable=False, server_default=text("0")),
    Column("fingerprint", Text),
    Column("proven_no", BigInteger, nullable=False, server_default=text("0")),
    Column("listed_no", BigInteger, nullable=False, server_default=text("0")),
    # Traces as JSON; they are not part of the history.
    Column("sweep_trace", Text),
    Column("failed_flights", Text),
    UniqueConstraint("account_id", "kind", "region"),
)

LIVING: Final = text("status <> 'DELETED'")
# Sort keys map null to a value below every other one. A single comparison of (key, id) then finds the start of a page, and one
# index serves both directions. The key of a null price is the lowest double, and no price is that low.
NAME_ORDER: Final = "CASE WHEN name IS NULL THEN '' ELSE '+' || name END"
PRICE_ORDER: Final = "coalesce(price, -1.7976931348623157e308)"

# A number is stored as its shortest text, an instant as canonical text.
_COLUMN_TYPES: Final[Mapping[FieldKind, TypeEngine[Any]]] = {
    FieldKind.TEXT: Text,
    FieldKind.INTEGER: Integer(),
    FieldKind.NUMBER: Text,
    FieldKind.INSTANT: Text,
}

resources: Final = Table(
    "resources",
    metadata,
    Column("resource_id", Text, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.account_id), nullable=False),
    Column("scope_id", ForeignKey(scopes.c.scope_id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("resource_type", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("vendor_region", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("vendor_created_at", Text),
    Column("first_seen_at", Text, nullable=False),
    Column("first_seen_elapsed", Float, nullable=False, server_default=text("0")),
    Column("first_no", BigInteger, nullable=False, server_default=text("0")),
    # Live fields.
    *(Column(field.column, _COLUMN_TYPES[field.kind]) for field in COLUMN_FIELDS),
    Column("name_folded", Text),
    Column("status", Text, nullable=False),
    Column("status_rank", Integer, nullable=False),
    Column("has_access", Boolean, nullable=False),
    Column("spec_vendor", Text, nullable=False),
    Column("price", Float),
    Column("price_text", Text),
    Column("currency", Text),
    Column("pricing_source", Text, nullable=False),
    # Null if the vendor returned the price with the resource; the price is then as old as the sighting.
    Column("pricing_as_of", Text),
    # The last observed terms, and the status of the resource at that time.
    Column("terms", Text),
    Column("terms_status", Text),
    # Flight order and absence.
    Column("seen_no", BigInteger, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("seen_source", Text, nullable=False),
    Column("missing_since", Text),
    Column("missing_elapsed", Float),
    Column("absent_no", BigInteger),
    Column("absence_count", Integer, nullable=False, server_default=text("0")),
    Column("first_absence_no", BigInteger),
    Column("first_absence_elapsed", Float),
    Column("deleted_by", Text),
    Column("deleted_at", Text),
    Column("deleted_elapsed", Float),
    Column("probed_no", BigInteger, nullable=False, server_default=text("0")),
    Column("probed_at", Text),
    Column("probe_problem", Text),
    Column("trace", Text),
    Column("failed_flights", Text),
    # The machine at its cloud, as an aggregator reports it.
    Column("upstream_vendor", Text),
    Column("upstream_id", Text),
    Column("name_order", Text, Computed(NAME_ORDER, persisted=True)),
    Column("price_order", Float, Computed(PRICE_ORDER, persisted=True)),
    CheckConstraint("(status = 'DELETED') = (deleted_at IS NOT NULL)", name="tombstone"),
    Index(
        "uq_resources_living",
        "account_id",
        "kind",
        "vendor_id",
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    ),
    Index("ix_resources_identity", "account_id", "kind", "vendor_id"),
    Index("ix_resources_vendor_id", "vendor_id"),
    Index(
        "ix_resources_upstream",
        "upstream_id",
        sqlite_where=text("upstream_id IS NOT NULL"),
        postgresql_where=text("upstream_id IS NOT NULL"),
    ),
    Index("ix_resources_scope", "scope_id"),
    # Every order has a second index without tombstones: they are close together in most orders, and a reader who hides them
    # must not scan them.
    *(
        Index(name, column, "resource_id", sqlite_where=where, postgresql_where=where)
        for prefix, where in (("", None), ("living_", LIVING))
        for name, column in (
            (f"ix_resources_{prefix}created_at", "created_at"),
            (f"ix_resources_{prefix}name", "name_order"),
            (f"ix_resources_{prefix}status", "status_rank"),
            (f"ix_resources_{prefix}price", "price_order"),
        )
    ),
    Index(
        "ix_resources_missing",
        "scope_id",
        "missing_since",
        sqlite_where=text("missing_since IS NOT NULL"),
        postgresql_where=text("missing_since IS NOT NULL"),
    ),
)

OPEN: Final = text("linked_until IS NULL")

links: Final = Table(
    "links",
    metadata,
    # Every link has two rows, one for each end. `owned` is true in the row whose `from` end is the owner of the link.
    Column("link_id", Serial, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.account_id), nullable=False),
    Column("owned", Boolean, nullable=False),
    Column("link_type", Text, nullable=False),
    Column("from_kind", Text, nullable=False),
    Column("from_vendor_id", Text, nullable=False),
    Column("from_id", ForeignKey(resources.c.resource_id)),
    Column("to_kind", Text, nullable=False),
    Column("to_vendor_id", Text, nullable=False),
    Column("to_id", ForeignKey(resources.c.resource_id)),
    # The account of the `to` end; 0 if it is the same account.
    Column("other_account_id", BigInteger, nullable=False, server_default=text("0")),
    Column("linked_since", Text, nullable=False),
    Column("linked_until", Text),
    Index(
        "uq_links_open",
        "account_id",
        "other_account_id",
        "link_type",
        "from_kind",
        "from_vendor_id",
        "to_kind",
        "to_vendor_id",
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    ),
    Index("ix_links_from", "from_id", "linked_since", "to_id", "link_id"),
    Index("ix_links_to", "to_id"),
    Index("ix_links_from_key", "account_id", "from_kind", "from_vendor_id"),
)

offers: Final = Table(
    "offers",
    metadata,
    Column("offer_id", Text, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.account_id), nullable=False),
    Column("offer_type", Text, nullable=False),
    Column("contract_type", Text, nullable=False),
    Column("vendor_sku", Text),
    Column("price_text", Text),
    Column("currency", Text),
)

provenance: Final = Table(
    "provenance",
    metadata,
    Column("provenance_id", Serial, primary_key=True),
    Column("resource_id", ForeignKey(resources.c.resource_id), nullable=False),
    Column("offer_id", ForeignKey(offers.c.offer_id), nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("ix_provenance_resource", "resource_id", "created_at", "provenance_id"),
    Index("ix_provenance_offer", "offer_id"),
)

history: Final = Table(
    "history",
    metadata,
    # Rises in the order of commits. The field `changes` pages by it.
    Column("seq", Serial, primary_key=True),
    Column("resource_id", ForeignKey(resources.c.resource_id), nullable=False),
    Column("account_id", ForeignKey(accounts.c.account_id), nullable=False),
    Column("field", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("observed_at", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("flight_no", BigInteger, nullable=False),
    Index("ix_history_resource", "resource_id", "seq"),
    Index("ix_history_observed_at", "observed_at"),
    # Numbers are never reused, so the cursors of readers stay valid after pruning.
    sqlite_autoincrement=True,
)

tokens: Final = Table(
    "tokens",
    metadata,
    Column("token_id", Serial, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("hash", Text, nullable=False, unique=True),
    # JSON arrays. A token with null `accounts` sees all accounts.
    Column("permissions", Text, nullable=False),
    Column("accounts", Text),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
)
