"""Which sweep was the last good one, and which the last by the proven credential.

Revision 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this version. Where the last complete sweep is in doubt, which one was good before it is not known: none."""
    # Not in a batch: that would build the table anew on SQLite, and what refers to its rows forbids it.
    for name in ("good_no", "listed_no"):
        op.add_column("scopes", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE scopes SET good_no = swept_no, listed_no = swept_no WHERE state <> 'SUSPECT'")


def downgrade() -> None:
    """Go back to the version before."""
    for name in ("listed_no", "good_no"):
        op.drop_column("scopes", name)
