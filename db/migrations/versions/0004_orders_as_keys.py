"""Orders as keys.

Revision 0004: in the order of names and of prices null is a value like others, and every order has an index over what lives.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
ORDERS = {"created_at": "created_at", "name": "name_order", "status": "status_rank", "price": "price_order"}


def upgrade() -> None:
    """Go to this version."""
    # SQLite adds no column that is stored, PostgreSQL before 18 computes none when it is read; an index stores it anyway.
    stored = op.get_bind().dialect.name != "sqlite"
    name = sa.Computed("CASE WHEN name IS NULL THEN '' ELSE '+' || name END", persisted=stored)
    price = sa.Computed("coalesce(price, -1.7976931348623157e308)", persisted=stored)
    op.drop_index("ix_resources_name", "resources")
    op.drop_index("ix_resources_price", "resources")
    op.add_column("resources", sa.Column("name_order", TEXT, name))
    op.add_column("resources", sa.Column("price_order", sa.Float(), price))
    for word in ("name", "price"):
        op.create_index(f"ix_resources_{word}", "resources", [ORDERS[word], "resource_id"])
    living = sa.text("status <> 'DELETED'")
    for word, column in ORDERS.items():
        op.create_index(
            f"ix_resources_living_{word}",
            "resources",
            [column, "resource_id"],
            sqlite_where=living,
            postgresql_where=living,
        )


def downgrade() -> None:
    """Go back to the version before."""
    for word in ORDERS:
        op.drop_index(f"ix_resources_living_{word}", "resources")
    for word in ("name", "price"):
        op.drop_index(f"ix_resources_{word}", "resources")
        op.drop_column("resources", ORDERS[word])
        op.create_index(f"ix_resources_{word}", "resources", [word, "resource_id"])
