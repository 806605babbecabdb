"""Attachments, what uses them, and their transfers between departments."""

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
    op.create_table(
        "file_transfers",
        sa.Column("rid", sa.Text(), nullable=False, comment="of the piece that opened it"),
        sa.Column("requester", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("grant_ref", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False, comment="of the record"),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("last_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("refused", sa.Text(), nullable=True, comment="check that last refused a piece"),
        sa.PrimaryKeyConstraint("rid", name=op.f("pk_file_transfers")),
    )
    op.create_index(op.f("ix_file_transfers_position"), "file_transfers", ["position"], unique=False)
    op.create_table(
        "file_fetches",
        sa.Column("attachment", sa.LargeBinary(), nullable=False, comment="attachments.id"),
        sa.Column("rid", sa.Text(), nullable=False, comment="of the query that brought the record"),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("transfer", sa.Text(), nullable=True, comment="rid of the piece that opened it"),
        sa.PrimaryKeyConstraint("attachment", name=op.f("pk_file_fetches")),
        sa.UniqueConstraint("rid", "item", "record_id", "field", name=op.f("uq_file_fetches_rid_item_record_id_field")),
    )
