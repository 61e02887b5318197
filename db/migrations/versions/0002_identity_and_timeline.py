"""Identities of accounts that survive a change of name, and timelines that measure the time between pieces of evidence.

Revision 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns. An account that is recorded keeps the UUIDs that were derived from its name."""
    op.add_column("accounts", sa.Column("identity", TEXT, nullable=False, server_default=sa.text("''")))
    op.add_column("accounts", sa.Column("elapsed", sa.Float(), nullable=False, server_default=sa.text("0")))
    op.add_column("accounts", sa.Column("pauses", TEXT, nullable=False, server_default=sa.text("'[]'")))
    op.add_column("accounts", sa.Column("drawn_at", TEXT, nullable=True))
    op.execute("UPDATE accounts SET identity = name")
    op.create_index("uq_accounts_identity", "accounts", ["identity"], unique=True)
    op.add_column("resources", sa.Column("first_seen_elapsed", sa.Float(), nullable=False, server_default=sa.text("0")))
    for name in ("missing_elapsed", "first_absence_elapsed", "deleted_elapsed"):
        op.add_column("resources", sa.Column(name, sa.Float(), nullable=True))
    # How much of the time before the upgrade has certainly passed is unknown, so every span starts now.
    op.execute("UPDATE resources SET missing_elapsed = 0 WHERE missing_since IS NOT NULL")
    op.execute("UPDATE resources SET first_absence_elapsed = 0 WHERE first_absence_no IS NOT NULL")
    op.execute("UPDATE resources SET deleted_elapsed = 0 WHERE deleted_at IS NOT NULL")
    op.drop_column("resources", "first_absence_at")


def downgrade() -> None:
    """Remove the columns. Spans start again with the next listing."""
    op.add_column("resources", sa.Column("first_absence_at", TEXT, nullable=True))
    op.execute("UPDATE resources SET absence_count = 0, first_absence_no = NULL")
    for name in ("first_seen_elapsed", "missing_elapsed", "first_absence_elapsed", "deleted_elapsed"):
        op.drop_column("resources", name)
    op.drop_index("uq_accounts_identity", "accounts")
    for name in ("identity", "elapsed", "pauses", "drawn_at"):
        op.drop_column("accounts", name)
