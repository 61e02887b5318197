"""The first schema.

Revision 0001.
"""

from __future__ import annotations

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
    op.create_table(
        "accounts",
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("vendor", TEXT, nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("cooldown_seconds", sa.Float(), nullable=False),
        sa.Column("flight_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("id_space", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
    )
    data_revision = op.create_table(
        "data_revision",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_data_revision")),
    )
    op.bulk_insert(data_revision, [{"one": 1, "revision": 0}])
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
    op.create_table(
        "offers",
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("offer_type", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("vendor_sku", TEXT, nullable=True),
        sa.Column("price_text", TEXT, nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_offers_account_id")),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_offers")),
    )
    op.create_table(
        "scopes",
        sa.Column("scope_id", SERIAL, nullable=False),
        sa.Column("account_id", SERIAL, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("region", TEXT, nullable=False),
        sa.Column("configured", sa.Boolean(), nullable=False),
        sa.Column("swept_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("swept_at", TEXT, nullable=True),
        sa.Column("tried_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tried_at", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("problem", TEXT, nullable=True),
        sa.Column("problem_detail", TEXT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_until", TEXT, nullable=True),
        sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("good_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fingerprint", TEXT, nullable=True),
        sa.Column("proven_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("listed_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sweep_trace", TEXT, nullable=True),
        sa.Column("failed_flights", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_scopes_account_id")),
        sa.PrimaryKeyConstraint("scope_id", name=op.f("pk_scopes")),
        sa.UniqueConstraint("account_id", "kind", "region", name=op.f("uq_scopes_account_id_kind_region")),
    )
    op.create_table(
        "resources",
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
        sa.Column("first_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
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
        sa.Column("gpu_type", TEXT, nullable=True),
        sa.Column("gpu_family", TEXT, nullable=True),
        sa.Column("gpu_count", sa.Integer(), nullable=True),
        sa.Column("vcpu_count", TEXT, nullable=True),
        sa.Column("memory_gb", TEXT, nullable=True),
        sa.Column("disk_gb", TEXT, nullable=True),
        sa.Column("vendor_sku", TEXT, nullable=True),
        sa.Column("image", TEXT, nullable=True),
        sa.Column("spec_vendor", TEXT, nullable=False),
        sa.Column("price", sa.Float(), nullable=True),
        sa.Column("price_text", TEXT, nullable=True),
        sa.Column("currency", TEXT, nullable=True),
        sa.Column("pricing_source", TEXT, nullable=False),
        sa.Column("pricing_as_of", TEXT, nullable=True),
        sa.Column("valid_from", TEXT, nullable=True),
        sa.Column("valid_to", TEXT, nullable=True),
        sa.Column("terms", TEXT, nullable=True),
        sa.Column("terms_status", TEXT, nullable=True),
        sa.Column("seen_no", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", TEXT, nullable=False),
        sa.Column("seen_source", TEXT, nullable=False),
        sa.Column("missing_since", TEXT, nullable=True),
        sa.Column("absent_no", sa.BigInteger(), nullable=True),
        sa.Column("absence_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_absence_no", sa.BigInteger(), nullable=True),
        sa.Column("first_absence_at", TEXT, nullable=True),
        sa.Column("deleted_by", TEXT, nullable=True),
        sa.Column("deleted_at", TEXT, nullable=True),
        sa.Column("probed_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("probed_at", TEXT, nullable=True),
        sa.Column("probe_problem", TEXT, nullable=True),
        sa.Column("trace", TEXT, nullable=True),
        sa.Column("failed_flights", TEXT, nullable=True),
        sa.Column("upstream_vendor", TEXT, nullable=True),
        sa.Column("upstream_id", TEXT, nullable=True),
        sa.Column(
            "name_order",
            TEXT,
            sa.Computed("CASE WHEN name IS NULL THEN '' ELSE '+' || name END", persisted=True),
            nullable=True,
        ),
        sa.Column(
            "price_order",
            sa.Float(),
            sa.Computed("coalesce(price, -1.7976931348623157e308)", persisted=True),
            nullable=True,
        ),
        sa.CheckConstraint("(status = 'DELETED') = (deleted_at IS NOT NULL)", name=op.f("ck_resources_tombstone")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_resources_account_id")),
        sa.ForeignKeyConstraint(["scope_id"], ["scopes.scope_id"], name=op.f("fk_resources_scope_id")),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_resources")),
    )
    op.create_index(
        "ix_resources_created_at",
        "resources",
        ["created_at", "resource_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index("ix_resources_identity", "resources", ["account_id", "kind", "vendor_id"], unique=False)
    op.create_index(
        "ix_resources_living_created_at",
        "resources",
        ["created_at", "resource_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.create_index(
        "ix_resources_living_name",
        "resources",
        ["name_order", "resource_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.create_index(
        "ix_resources_living_price",
        "resources",
        ["price_order", "resource_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.create_index(
        "ix_resources_living_status",
        "resources",
        ["status_rank", "resource_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.create_index(
        "ix_resources_missing",
        "resources",
        ["scope_id", "missing_since"],
        unique=False,
        sqlite_where=sa.text("missing_since IS NOT NULL"),
        postgresql_where=sa.text("missing_since IS NOT NULL"),
    )
    op.create_index(
        "ix_resources_name",
        "resources",
        ["name_order", "resource_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_resources_price",
        "resources",
        ["price_order", "resource_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index("ix_resources_scope", "resources", ["scope_id"], unique=False)
    op.create_index(
        "ix_resources_status",
        "resources",
        ["status_rank", "resource_id"],
        unique=False,
        sqlite_where=None,
        postgresql_where=None,
    )
    op.create_index(
        "ix_resources_upstream",
        "resources",
        ["upstream_id"],
        unique=False,
        sqlite_where=sa.text("upstream_id IS NOT NULL"),
        postgresql_where=sa.text("upstream_id IS NOT NULL"),
    )
    op.create_index("ix_resources_vendor_id", "resources", ["vendor_id"], unique=False)
    op.create_index(
        "uq_resources_living",
        "resources",
        ["account_id", "kind", "vendor_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
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
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_history_account_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.resource_id"], name=op.f("fk_history_resource_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_history")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_observed_at", "history", ["observed_at"], unique=False)
    op.create_index("ix_history_resource", "history", ["resource_id", "seq"], unique=False)
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
        sa.Column("other_account_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("linked_since", TEXT, nullable=False),
        sa.Column("linked_until", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_links_account_id")),
        sa.ForeignKeyConstraint(["from_id"], ["resources.resource_id"], name=op.f("fk_links_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["resources.resource_id"], name=op.f("fk_links_to_id")),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_from", "links", ["from_id", "linked_since", "to_id", "link_id"], unique=False)
    op.create_index("ix_links_from_key", "links", ["account_id", "from_kind", "from_vendor_id"], unique=False)
    op.create_index("ix_links_to", "links", ["to_id"], unique=False)
    op.create_index(
        "uq_links_open",
        "links",
        ["account_id", "other_account_id", "link_type", "from_kind", "from_vendor_id", "to_kind", "to_vendor_id"],
        unique=True,
        sqlite_where=sa.text("linked_until IS NULL"),
        postgresql_where=sa.text("linked_until IS NULL"),
    )
    op.create_table(
        "provenance",
        sa.Column("provenance_id", SERIAL, nullable=False),
        sa.Column("resource_id", TEXT, nullable=False),
        sa.Column("offer_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("created_at", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.offer_id"], name=op.f("fk_provenance_offer_id")),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.resource_id"], name=op.f("fk_provenance_resource_id")),
        sa.PrimaryKeyConstraint("provenance_id", name=op.f("pk_provenance")),
    )
    op.create_index("ix_provenance_offer", "provenance", ["offer_id"], unique=False)
    op.create_index(
        "ix_provenance_resource", "provenance", ["resource_id", "created_at", "provenance_id"], unique=False
    )


def downgrade() -> None:
    """Drop every table."""
    op.drop_index("ix_provenance_resource", table_name="provenance")
    op.drop_index("ix_provenance_offer", table_name="provenance")
    op.drop_table("provenance")
    op.drop_index(
        "uq_links_open",
        table_name="links",
        sqlite_where=sa.text("linked_until IS NULL"),
        postgresql_where=sa.text("linked_until IS NULL"),
    )
    op.drop_index("ix_links_to", table_name="links")
    op.drop_index("ix_links_from_key", table_name="links")
    op.drop_index("ix_links_from", table_name="links")
    op.drop_table("links")
    op.drop_index("ix_history_resource", table_name="history")
    op.drop_index("ix_history_observed_at", table_name="history")
    op.drop_table("history")
    op.drop_index(
        "uq_resources_living",
        table_name="resources",
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.drop_index("ix_resources_vendor_id", table_name="resources")
    op.drop_index(
        "ix_resources_upstream",
        table_name="resources",
        sqlite_where=sa.text("upstream_id IS NOT NULL"),
        postgresql_where=sa.text("upstream_id IS NOT NULL"),
    )
    op.drop_index("ix_resources_status", table_name="resources", sqlite_where=None, postgresql_where=None)
    op.drop_index("ix_resources_scope", table_name="resources")
    op.drop_index("ix_resources_price", table_name="resources", sqlite_where=None, postgresql_where=None)
    op.drop_index("ix_resources_name", table_name="resources", sqlite_where=None, postgresql_where=None)
    op.drop_index(
        "ix_resources_missing",
        table_name="resources",
        sqlite_where=sa.text("missing_since IS NOT NULL"),
        postgresql_where=sa.text("missing_since IS NOT NULL"),
    )
    op.drop_index(
        "ix_resources_living_status",
        table_name="resources",
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.drop_index(
        "ix_resources_living_price",
        table_name="resources",
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.drop_index(
        "ix_resources_living_name",
        table_name="resources",
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.drop_index(
        "ix_resources_living_created_at",
        table_name="resources",
        sqlite_where=sa.text("status <> 'DELETED'"),
        postgresql_where=sa.text("status <> 'DELETED'"),
    )
    op.drop_index("ix_resources_identity", table_name="resources")
    op.drop_index("ix_resources_created_at", table_name="resources", sqlite_where=None, postgresql_where=None)
    op.drop_table("resources")
    op.drop_table("scopes")
    op.drop_table("offers")
    op.drop_table("tokens")
    op.drop_table("data_revision")
    op.drop_table("accounts")
