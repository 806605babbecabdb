"""Texts handed to other nodes: which notice brings which text; when the chain showed one is no longer kept, its events say it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the two tables."""
    op.add_column("notices_out", sa.Column("document", sa.LargeBinary(), nullable=True))
    op.create_index(op.f("ix_notices_out_document_recipient"), "notices_out", ["document", "recipient"], unique=True)
    op.drop_column("documents", "confirmed_at")
    op.create_index(op.f("ix_documents_sender_created_at"), "documents", ["sender", "created_at"], unique=False)
