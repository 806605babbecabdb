"""Use records, disposals, calls that were refused as out of scope, findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _use()
    op.create_table(
        "refused_calls",
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("grant_ref", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("check_name", sa.Text(), nullable=False, comment="the provider's check that refused it"),
        sa.Column("refused_at", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("rid", name=op.f("pk_refused_calls")),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.Text(), nullable=False, comment="64 hex, from its evidence"),
        sa.Column("origin", sa.Text(), nullable=False, comment="chain | local | USCC that told it"),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False, comment="USCC whose breach it is, or authority"),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="JSON without personal data"),
        sa.Column("noticed_at", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index(op.f("ix_findings_noticed_at_id"), "findings", ["noticed_at", "id"], unique=False)


def _use() -> None:
    op.create_table(
        "use_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_ref", sa.Text(), nullable=False, comment="provider USCC/number"),
        sa.Column("case_ref", sa.Text(), nullable=True, comment="lead USCC/case no.; null: all cases of the period"),
        sa.Column("period_from", sa.Integer(), nullable=False, comment="first second, epoch seconds"),
        sa.Column("period_to", sa.Integer(), nullable=False, comment="first second after it"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="documents.digest"),
        sa.Column("recorded_at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("deleted_at", sa.Integer(), nullable=True, comment="law time; its text is gone then"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_records")),
        sa.UniqueConstraint("document", name=op.f("uq_use_records_document")),
    )
    op.create_index(op.f("ix_use_records_grant_ref"), "use_records", ["grant_ref"], unique=False)
    op.create_table(
        "disposals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False, comment="request or case"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="documents.digest"),
        sa.Column("deleted", sa.Integer(), nullable=False, comment="values that were deleted"),
        sa.Column("kept", sa.Integer(), nullable=False, comment="values that a retention duty keeps"),
        sa.Column("disposed_at", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposals")),
        sa.UniqueConstraint("document", name=op.f("uq_disposals_document")),
    )
    op.create_index(op.f("ix_disposals_object_ref"), "disposals", ["object_ref"], unique=False)
