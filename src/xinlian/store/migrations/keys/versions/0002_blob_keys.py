"""Keys of attachments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of wrapped attachment keys."""
    op.create_table(
        "blob_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False, comment="16 bytes"),
        sa.Column("kek", sa.Integer(), nullable=False, comment="number of the key-encryption key"),
        sa.Column(
            "wrapped",
            sa.LargeBinary(),
            nullable=False,
            comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blob_keys")),
        sa.UniqueConstraint("blob", name=op.f("uq_blob_keys_blob")),
    )
