"""The record's version.

Revision 0005: a number that changes with every change of accounts, scopes and what they hold, so that what was read of them can
be kept as long as it is true.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version."""
    table = op.create_table(
        "record_version",
        sa.Column("one", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(table, [{"one": 1, "version": 0}])


def downgrade() -> None:
    """Go back to the version before."""
    op.drop_table("record_version")
