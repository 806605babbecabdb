"""The first schema of the keys database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "key_meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_key_meta")),
    )
    op.create_table(
        "record_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("kek", sa.Integer(), nullable=False, comment="number of the key-encryption key"),
        sa.Column(
            "wrapped",
            sa.LargeBinary(),
            nullable=False,
            comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_keys")),
        sa.UniqueConstraint("jti", "rev", name=op.f("uq_record_keys_jti_rev")),
    )
