"""The initial schema.

Revision 0001.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _create_accounts()
    _create_data_revision()
    _create_tokens()
    _create_scopes()
    _create_resources()
    _create_resource_indexes()
    _create_history()
    _create_links()
    _create_offers()


def downgrade() -> None:
    """Drop every table. Its indexes are dropped with it."""
    for table in (
        "provenance",
        "links",
        "history",
        "resources",
        "scopes",
        "offers",
        "tokens",
        "data_revision",
        "accounts",
    ):
        op.drop_table(table)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("vendor", TEXT, nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("cooldown_seconds", sa.Float(), nullable=False),
        _number("flight_no"),
        sa.Column("id_space", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
    )


def _create_data_revision() -> None:
    table = op.create_table(
        "data_revision",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_data_revision")),
    )
    op.bulk_insert(table, [{"one": 1, "revision": 0}])


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", SERIAL, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("permissions", TEXT, nullable=False),
        sa.Column("accounts", TEXT, nullable=True),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("expires_at", TEXT, nullable=True),
        sa.Column("revoked_at", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_tokens_name")),
    )


def _create_scopes() -> None:
    op.create_table(
        "scopes",
        sa.Column("scope_id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        _number("swept_no"),
        sa.Column("swept_at", TEXT, nullable=True),
        _number("tried_no"),
        sa.Column("tried_at", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("problem_detail", TEXT, nullable=True),
        _count("failures"),
        sa.Column("hold_until", TEXT, nullable=True),
        _count("held"),
        _number("good_no"),
        sa.Column("fingerprint", TEXT, nullable=True),
        _number("proven_no"),
        _number("listed_no"),
        sa.Column("sweep_trace", TEXT, nullable=True),
        sa.Column("failed_flights", TEXT, nullable=True),
        _foreign_key("scopes", "account_id", "accounts.account_id"),
        sa.PrimaryKeyConstraint("scope_id", name=op.f("pk_scopes")),
        sa.UniqueConstraint("account_id", "kind", "region", name=op.f("uq_scopes_account_id_kind_region")),
    )


def _create_resources() -> None:
    op.create_table(
        "resources",
        *_identity_columns(),
        *_state_columns(),
        *_spec_columns(),
        *_price_columns(),
        *_absence_columns(),
        *_derived_columns(),
        sa.CheckConstraint("(status = 'DELETED') = (deleted_at IS NOT NULL)", name=op.f("ck_resources_tombstone")),
        _foreign_key("resources", "account_id", "accounts.account_id"),
        _foreign_key("resources", "scope_id", "scopes.scope_id"),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_resources")),
    )


def _identity_columns() -> Iterable[sa.Column[Any]]:
    return (
        sa.Column("resource_id", TEXT, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("scope_id", SERIAL, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("vendor_id", TEXT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("resource_type", TEXT, nullable=False),
        sa.Column("vendor", TEXT, nullable=False),
        sa.Column("vendor_region", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.Column("vendor_created_at", TEXT, nullable=True),
        sa.Column("first_seen_at", TEXT, nullable=False),
        _number("first_no"),
    )


def _state_columns() -> Iterable[sa.Column[Any]]:
    return (
        sa.Column("name", TEXT, nullable=True),
        sa.Column("name_folded", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("status_rank", sa.Integer(), nullable=False),
        sa.Column("vendor_status", TEXT, nullable=True),
        sa.Column("status_message", TEXT, nullable=True),
        sa.Column("has_access", sa.Boolean(), nullable=False),
        sa.Column("external_ip", TEXT, nullable=True),
        sa.Column("internal_ip", TEXT, nullable=True),
        sa.Column("ssh_command", TEXT, nullable=True),
        sa.Column("ssh_port", sa.Integer(), nullable=True),
    )


def _spec_columns() -> Iterable[sa.Column[Any]]:
    return (
        sa.Column("gpu_type", TEXT, nullable=True),
        sa.Column("gpu_family", TEXT, nullable=True),
        sa.Column("gpu_count", sa.Integer(), nullable=True),
        sa.Column("vcpu_count", TEXT, nullable=True),
        sa.Column("memory_gb", TEXT, nullable=True),
        sa.Column("disk_gb", TEXT, nullable=True),
        sa.Column("vendor_sku", TEXT, nullable=True),
        sa.Column("image", TEXT, nullable=True),
        sa.Column("spec_vendor", TEXT, nullable=False),
    )


def _price_columns() -> Iterable[sa.Column[Any]]:
    return (
        sa.Column("price", sa.Float(), nullable=True),
        sa.Column("price_text", TEXT, nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("pricing_source", TEXT, nullable=False),
        sa.Column("pricing_as_of", TEXT, nullable=True),
        sa.Column("valid_from", TEXT, nullable=True),
        sa.Column("valid_to", TEXT, nullable=True),
        sa.Column("terms", TEXT, nullable=True),
        sa.Column("terms_status", TEXT, nullable=True),
    )


def _absence_columns() -> Iterable[sa.Column[Any]]:
    return (
        sa.Column("seen_no", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", TEXT, nullable=False),
        sa.Column("seen_source", TEXT, nullable=False),
        sa.Column("missing_since", TEXT, nullable=True),
        sa.Column("absent_no", sa.BigInteger(), nullable=True),
        _count("absence_count"),
        sa.Column("first_absence_no", sa.BigInteger(), nullable=True),
        sa.Column("first_absence_at", TEXT, nullable=True),
        sa.Column("deleted_by", TEXT, nullable=True),
        sa.Column("deleted_at", TEXT, nullable=True),
        _number("probed_no"),
        sa.Column("probed_at", TEXT, nullable=True),
        sa.Column("probe_problem", TEXT, nullable=True),
        sa.Column("trace", TEXT, nullable=True),
        sa.Column("failed_flights", TEXT, nullable=True),
    )


def _derived_columns() -> Iterable[sa.Column[Any]]:
    name_order = sa.Computed("CASE WHEN name IS NULL THEN '' ELSE '+' || name END", persisted=True)
    price_order = sa.Computed("coalesce(price, -1.7976931348623157e308)", persisted=True)
    return (
        sa.Column("upstream_vendor", TEXT, nullable=True),
        sa.Column("upstream_id", TEXT, nullable=True),
        sa.Column("name_order", TEXT, name_order, nullable=True),
        sa.Column("price_order", sa.Float(), price_order, nullable=True),
    )


def _create_index(name: str, table: str, columns: list[str], *, where: str | None = None, unique: bool = False) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _create_resource_indexes() -> None:
    living = "status <> 'DELETED'"
    _create_index("uq_resources_living", "resources", ["account_id", "kind", "vendor_id"], where=living, unique=True)
    _create_index("ix_resources_identity", "resources", ["account_id", "kind", "vendor_id"])
    _create_index("ix_resources_vendor_id", "resources", ["vendor_id"])
    _create_index("ix_resources_upstream", "resources", ["upstream_id"], where="upstream_id IS NOT NULL")
    _create_index("ix_resources_scope", "resources", ["scope_id"])
    for prefix, where in (("", None), ("living_", living)):
        for name, column in (
            ("created_at", "created_at"),
            ("name", "name_order"),
            ("status", "status_rank"),
            ("price", "price_order"),
        ):
            _create_index(f"ix_resources_{prefix}{name}", "resources", [column, "resource_id"], where=where)
    _create_index("ix_resources_missing", "resources", ["scope_id", "missing_since"], where="missing_since IS NOT NULL")


def _create_history() -> None:
    op.create_table(
        "history",
        sa.Column("seq", SERIAL, nullable=False),
        sa.Column("resource_id", TEXT, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("field", TEXT, nullable=False),
        sa.Column("before", TEXT, nullable=True),
        sa.Column("after", TEXT, nullable=True),
        sa.Column("observed_at", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("flight_no", sa.BigInteger(), nullable=False),
        _foreign_key("history", "account_id", "accounts.account_id"),
        _foreign_key("history", "resource_id", "resources.resource_id"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_history")),
        sqlite_autoincrement=True,
    )
    _create_index("ix_history_observed_at", "history", ["observed_at"])
    _create_index("ix_history_resource", "history", ["resource_id", "seq"])


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("link_id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("owned", sa.Boolean(), nullable=False),
        sa.Column("link_type", TEXT, nullable=False),
        sa.Column("from_kind", TEXT, nullable=False),
        sa.Column("from_vendor_id", TEXT, nullable=False),
        sa.Column("from_id", TEXT, nullable=True),
        sa.Column("to_kind", TEXT, nullable=False),
        sa.Column("to_vendor_id", TEXT, nullable=False),
        sa.Column("to_id", TEXT, nullable=True),
        _number("other_account_id"),
        sa.Column("linked_since", TEXT, nullable=False),
        sa.Column("linked_until", TEXT, nullable=True),
        _foreign_key("links", "account_id", "accounts.account_id"),
        _foreign_key("links", "from_id", "resources.resource_id"),
        _foreign_key("links", "to_id", "resources.resource_id"),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_links")),
    )
    link = ["account_id", "other_account_id", "link_type", "from_kind", "from_vendor_id", "to_kind", "to_vendor_id"]
    _create_index("uq_links_open", "links", link, where="linked_until IS NULL", unique=True)
    _create_index("ix_links_from", "links", ["from_id", "linked_since", "to_id", "link_id"])
    _create_index("ix_links_from_key", "links", ["account_id", "from_kind", "from_vendor_id"])
    _create_index("ix_links_to", "links", ["to_id"])


def _create_offers() -> None:
    op.create_table(
        "offers",
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("offer_type", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("vendor_sku", TEXT, nullable=True),
        sa.Column("price_text", TEXT, nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        _foreign_key("offers", "account_id", "accounts.account_id"),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_offers")),
    )
    op.create_table(
        "provenance",
        sa.Column("provenance_id", SERIAL, nullable=False),
        sa.Column("resource_id", TEXT, nullable=False),
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        _foreign_key("provenance", "offer_id", "offers.offer_id"),
        _foreign_key("provenance", "resource_id", "resources.resource_id"),
        sa.PrimaryKeyConstraint("provenance_id", name=op.f("pk_provenance")),
    )
    _create_index("ix_provenance_offer", "provenance", ["offer_id"])
    _create_index("ix_provenance_resource", "provenance", ["resource_id", "created_at", "provenance_id"])
