"""Two persons' approvals, texts and webhooks."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

documents = Table(
    "documents",
    METADATA,
    Column("digest", LargeBinary, primary_key=True, comment="salted, 32 bytes"),
    text_("kind"),
    text_("object_ref"),
    blob_("content_sealed", comment="salt and text"),
    text_("sender", null=True, comment="USCC; null for own texts"),
    int_("created_at", comment="law time"),
    Index(None, "object_ref"),
    Index(None, "sender", "created_at"),
)

approvals = Table(
    "approvals",
    METADATA,
    id_(),
    text_("kind"),
    text_("object_ref"),
    text_("open_key", null=True, comment="kind and object while it is open"),
    text_("state", comment="pending | returned | withdrawn | consented | executing | done | failed"),
    int_("round"),
    blob_("proposal", comment="documents.digest"),
    blob_("document", null=True, comment="documents.digest of what was consented to"),
    text_("code", null=True, comment="error code"),
    text_("result", null=True, comment="JSON without personal data"),
    int_("created_at", comment="law time"),
    int_("changed_at", comment="law time"),
    UniqueConstraint("open_key"),
    Index(None, "state"),
    Index(None, "object_ref"),
)

approval_steps = Table(
    "approval_steps",
    METADATA,
    Column("approval_id", Integer, ForeignKey("approvals.id"), nullable=False),
    int_("seq"),
    text_("act", comment="proposed | consented | sent-back | withdrawn"),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    int_("at", comment="law time"),
    blob_("document", null=True, comment="documents.digest"),
    PrimaryKeyConstraint("approval_id", "seq"),
)

webhooks = Table(
    "webhooks",
    METADATA,
    id_(),
    blob_("url_sealed"),
    blob_("secret_sealed"),
    text_("events", comment="space separated"),
    int_("created_by"),
    int_("created_at", comment="wall clock"),
    int_("removed_at", null=True, comment="wall clock"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    METADATA,
    id_(),
    Column("hook_id", Integer, ForeignKey("webhooks.id"), nullable=False),
    text_("message_id"),
    text_("event"),
    blob_("body", comment="JSON without personal data"),
    text_("state", comment="queued | delivered | parked"),
    int_("attempts"),
    int_("next_at", comment="wall clock"),
    text_("code", null=True, comment="error code of the last attempt"),
    int_("created_at", comment="wall clock"),
    UniqueConstraint("hook_id", "message_id"),
    Index(None, "state", "next_at"),
)
