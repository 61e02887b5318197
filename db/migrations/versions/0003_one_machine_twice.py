"""What an aggregator says that its machine is elsewhere, over which accounts ids reach, and links between two accounts.

Revision 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
OPEN = sa.text("linked_until IS NULL")
TOLD = sa.text("elsewhere_id IS NOT NULL")
KEY = ["account_id", "link_type", "from_kind", "from_vendor_id", "to_kind", "to_vendor_id"]


def upgrade() -> None:
    """Go to this version. Zero stands for the account of the link's own end."""
    # Not in batches: those would build tables anew on SQLite, and what refers to their rows forbids it.
    op.add_column("accounts", sa.Column("id_space", TEXT, nullable=True))
    op.add_column("resources", sa.Column("elsewhere_vendor", TEXT, nullable=True))
    op.add_column("resources", sa.Column("elsewhere_id", TEXT, nullable=True))
    op.create_index("ix_resources_vendor_id", "resources", ["vendor_id"])
    op.create_index("ix_resources_elsewhere", "resources", ["elsewhere_id"], sqlite_where=TOLD, postgresql_where=TOLD)
    op.add_column("links", sa.Column("other_account_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.drop_index("uq_links_open", table_name="links")
    keys = [KEY[0], "other_account_id", *KEY[1:]]
    op.create_index("uq_links_open", "links", keys, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    """Go back to the version before, which cannot hold a link between two accounts."""
    op.execute("DELETE FROM links WHERE other_account_id <> 0")
    op.drop_index("uq_links_open", table_name="links")
    op.create_index("uq_links_open", "links", KEY, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.drop_column("links", "other_account_id")
    op.drop_index("ix_resources_elsewhere", table_name="resources")
    op.drop_index("ix_resources_vendor_id", table_name="resources")
    op.drop_column("resources", "elsewhere_id")
    op.drop_column("resources", "elsewhere_vendor")
    op.drop_column("accounts", "id_space")
