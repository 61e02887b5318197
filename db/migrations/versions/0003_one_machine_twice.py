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
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("id_space", TEXT, nullable=True))
    with op.batch_alter_table("resources", schema=None) as batch_op:
        batch_op.add_column(sa.Column("elsewhere_vendor", TEXT, nullable=True))
        batch_op.add_column(sa.Column("elsewhere_id", TEXT, nullable=True))
        batch_op.create_index("ix_resources_vendor_id", ["vendor_id"])
        batch_op.create_index("ix_resources_elsewhere", ["elsewhere_id"], sqlite_where=TOLD, postgresql_where=TOLD)
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.add_column(sa.Column("other_account_id", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.drop_index("uq_links_open", table_name="links")
    keys = [KEY[0], "other_account_id", *KEY[1:]]
    op.create_index("uq_links_open", "links", keys, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    """Go back to the version before, which cannot hold a link between two accounts."""
    op.execute("DELETE FROM links WHERE other_account_id <> 0")
    op.drop_index("uq_links_open", table_name="links")
    op.create_index("uq_links_open", "links", KEY, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_column("other_account_id")
    with op.batch_alter_table("resources", schema=None) as batch_op:
        batch_op.drop_index("ix_resources_elsewhere", sqlite_where=TOLD, postgresql_where=TOLD)
        batch_op.drop_index("ix_resources_vendor_id")
        batch_op.drop_column("elsewhere_id")
        batch_op.drop_column("elsewhere_vendor")
    with op.batch_alter_table("accounts", schema=None) as batch_op:
        batch_op.drop_column("id_space")
