"""Notices between nodes, retention duties, what they leave of received values; reads by record; answers that were shredded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; an answer's disclosures may be null from now on."""
    with op.batch_alter_table("answers") as answers:
        answers.alter_column("disclosures_sealed", existing_type=sa.LargeBinary(), nullable=True)
    op.create_table(
        "read_records",
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tag", "position", name=op.f("pk_read_records")),
        sqlite_with_rowid=False,
    )
    _notices()
    op.create_table(
        "retention_duties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.Integer(), nullable=False),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_duties")),
    )
    op.create_index(op.f("ix_retention_duties_case_ref"), "retention_duties", ["case_ref"], unique=False)
    _ended_values()


def _notices() -> None:
    op.create_table(
        "notices_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try", sa.Integer(), nullable=False),
        sa.Column("last_code", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.Integer(), nullable=True),
        sa.Column("acknowledged_at", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("ask_again_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices_out")),
        sa.UniqueConstraint("notice_id", name=op.f("uq_notices_out_notice_id")),
    )
    op.create_index(op.f("ix_notices_out_state_next_try"), "notices_out", ["state", "next_try"], unique=False)
    op.create_index(op.f("ix_notices_out_jti"), "notices_out", ["jti"], unique=False)
    op.create_index(op.f("ix_notices_out_ask_again_at"), "notices_out", ["ask_again_at"], unique=False)
    op.create_table(
        "notices_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Integer(), nullable=False),
        sa.Column("wiped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices_in")),
        sa.UniqueConstraint("sender", "notice_id", name=op.f("uq_notices_in_sender_notice_id")),
    )
    op.create_index(op.f("ix_notices_in_wiped"), "notices_in", ["wiped"], unique=False)


def _ended_values() -> None:
    op.create_table(
        "ended_values",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice", sa.Integer(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("duty", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["notice"], ["notices_in.id"], name=op.f("fk_ended_values_notice")),
        sa.ForeignKeyConstraint(["duty"], ["retention_duties.id"], name=op.f("fk_ended_values_duty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_values")),
    )
    op.create_index(op.f("ix_ended_values_rid"), "ended_values", ["rid"], unique=False)
    op.create_index(op.f("ix_ended_values_case_ref"), "ended_values", ["case_ref"], unique=False)
