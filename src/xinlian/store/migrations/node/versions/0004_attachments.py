"""Attachments and what uses them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "attachments",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False, comment="16 random bytes; name of its file in blobs/ and of its key"),
        sa.Column("origin", sa.Text(), nullable=False, comment="own | received"),
        sa.Column("state", sa.Text(), nullable=False, comment="uploading | complete | refused | destroying"),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=True, comment="bytes announced"),
        sa.Column("taken", sa.Integer(), nullable=False, comment="bytes taken in for good"),
        sa.Column(
            "tail_sealed",
            sa.LargeBinary(),
            nullable=True,
            comment="what does not fill a chunk yet, under the attachment's own key",
        ),
        sa.Column("expected_sealed", sa.LargeBinary(), nullable=True, comment="SHA-256 announced"),
        sa.Column("digest_sealed", sa.LargeBinary(), nullable=True, comment="SHA-256 once complete"),
        sa.Column("digest_tag", sa.LargeBinary(), nullable=True, comment="keyed"),
        sa.Column("scan", sa.Text(), nullable=True, comment="clean | not-scanned"),
        sa.Column("reason", sa.Text(), nullable=True, comment="code, once refused"),
        sa.Column("created_by", sa.Integer(), nullable=False, comment="users.id"),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("touched_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_attachments")),
        sa.UniqueConstraint("id", name=op.f("uq_attachments_id")),
    )
    op.create_index(op.f("ix_attachments_digest_tag"), "attachments", ["digest_tag"], unique=False)
    op.create_index(op.f("ix_attachments_state_touched_at"), "attachments", ["state", "touched_at"], unique=False)
    op.create_table(
        "attachment_uses",
        sa.Column("attachment", sa.LargeBinary(), nullable=False, comment="attachments.id"),
        sa.Column("kind", sa.Text(), nullable=False, comment="record: what uses it"),
        sa.Column("ref", sa.Text(), nullable=False, comment="record: its position"),
        sa.Column("field", sa.Text(), nullable=False, comment="record: name of the field"),
        sa.PrimaryKeyConstraint("attachment", "kind", "ref", "field", name=op.f("pk_attachment_uses")),
    )
    op.create_index(op.f("ix_attachment_uses_kind_ref"), "attachment_uses", ["kind", "ref"], unique=False)
