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
    with op.batch_alter_table("scopes", schema=None) as batch_op:
        for name in ("good_no", "listed_no"):
            batch_op.add_column(sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.execute("UPDATE scopes SET good_no = swept_no, listed_no = swept_no WHERE state <> 'SUSPECT'")


def downgrade() -> None:
    """Go back to the version before."""
    with op.batch_alter_table("scopes", schema=None) as batch_op:
        batch_op.drop_column("listed_no")
        batch_op.drop_column("good_no")
