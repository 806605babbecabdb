"""Corrections: what a notice is about, which records were corrected here, and what was told about values received."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the column of the outbox."""
    op.add_column("notices_out", sa.Column("object_ref", sa.Text(), nullable=True))
    op.create_index(op.f("ix_notices_out_object_ref"), "notices_out", ["object_ref"], unique=False)
    op.create_table(
        "corrected_records",
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("told_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("object_ref", name=op.f("pk_corrected_records")),
    )
    op.create_table(
        "corrections_told",
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("corrected_at", sa.Integer(), nullable=False),
        sa.Column("seen_by", sa.Integer(), nullable=True),
        sa.Column("seen_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["notice"], ["notices_in.id"], name=op.f("fk_corrections_told_notice")),
        sa.PrimaryKeyConstraint("notice", name=op.f("pk_corrections_told")),
    )
    op.create_index(op.f("ix_corrections_told_seen_at"), "corrections_told", ["seen_at"], unique=False)
    op.create_table(
        "corrected_values",
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["corrections_told.notice"], name=op.f("fk_corrected_values_notice")),
        sa.PrimaryKeyConstraint("notice", "rid", "item", name=op.f("pk_corrected_values")),
    )
    op.create_index(op.f("ix_corrected_values_rid"), "corrected_values", ["rid"], unique=False)
