"""Which read entries speak of a person who is not the first of their subjects."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; older entries are indexed at the next start."""
    op.create_table(
        "read_subjects",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False, comment="keyed, of this department only"),
        sa.Column("position", sa.Integer(), nullable=False, comment="of the entry"),
        sa.PrimaryKeyConstraint("pseudonym", "position", name=op.f("pk_read_subjects")),
    )
