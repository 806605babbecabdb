"""Approvals by two persons, texts behind the law's steps, who acted on what, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the column of the act statements."""
    _documents()
    _approvals()
    _webhooks()
    op.add_column("read_entries", sa.Column("object_ref", sa.Text(), nullable=True, comment="actor: what was acted on"))
    op.create_index(op.f("ix_read_entries_object_ref"), "read_entries", ["object_ref"], unique=False)


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="salted, 32 bytes"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False, comment="salt and text"),
        sa.Column("sender", sa.Text(), nullable=True, comment="USCC; null for own texts"),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("confirmed_at", sa.Integer(), nullable=True, comment="law time: the chain showed the digest"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_object_ref"), "documents", ["object_ref"], unique=False)


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_ref", sa.Text(), nullable=False),
        sa.Column("open_key", sa.Text(), nullable=True, comment="kind and object while it is open"),
        sa.Column(
            "state",
            sa.Text(),
            nullable=False,
            comment="pending | returned | withdrawn | consented | executing | done | failed",
        ),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("proposal", sa.LargeBinary(), nullable=False, comment="documents.digest"),
        sa.Column("document", sa.LargeBinary(), nullable=True, comment="documents.digest of what was consented to"),
        sa.Column("code", sa.Text(), nullable=True, comment="error code"),
        sa.Column("result", sa.Text(), nullable=True, comment="JSON without personal data"),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("changed_at", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("open_key", name=op.f("uq_approvals_open_key")),
    )
    op.create_index(op.f("ix_approvals_state"), "approvals", ["state"], unique=False)
    op.create_index(op.f("ix_approvals_object_ref"), "approvals", ["object_ref"], unique=False)
    op.create_table(
        "approval_steps",
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False, comment="proposed | consented | sent-back | withdrawn"),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("document", sa.LargeBinary(), nullable=True, comment="documents.digest"),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_steps_approval_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_approval_steps_user_id")),
        sa.PrimaryKeyConstraint("approval_id", "seq", name=op.f("pk_approval_steps")),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False, comment="space separated"),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("removed_at", sa.Integer(), nullable=True, comment="wall clock"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hook_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="JSON without personal data"),
        sa.Column("state", sa.Text(), nullable=False, comment="queued | delivered | parked"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("code", sa.Text(), nullable=True, comment="error code of the last attempt"),
        sa.Column("created_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.ForeignKeyConstraint(["hook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_hook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("hook_id", "message_id", name=op.f("uq_webhook_deliveries_hook_id_message_id")),
    )
    op.create_index(op.f("ix_webhook_deliveries_state_next_at"), "webhook_deliveries", ["state", "next_at"], unique=False)
