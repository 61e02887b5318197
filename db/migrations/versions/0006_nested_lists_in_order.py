"""Nested lists in order.

Revision 0006: the links and the offers of a resource are read off their indexes in the order in which they are told.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES = {
    "links": ("ix_links_from", ["from_id", "linked_since"], ["to_id", "link_id"]),
    "provenance": ("ix_provenance_resource", ["resource_id", "created_at"], ["provenance_id"]),
}


def upgrade() -> None:
    """Go to this version."""
    for table, (name, columns, more) in INDEXES.items():
        op.drop_index(name, table)
        op.create_index(name, table, [*columns, *more])


def downgrade() -> None:
    """Go back to the version before."""
    for table, (name, columns, _) in INDEXES.items():
        op.drop_index(name, table)
        op.create_index(name, table, columns)
