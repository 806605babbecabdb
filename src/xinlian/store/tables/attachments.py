"""Files and what they belong to."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

attachments = Table(
    "attachments",
    METADATA,
    id_("number"),
    blob_("id", comment="16 random bytes; name of its file in blobs/ and of its key"),
    text_("origin", comment="own | received"),
    text_("state", comment="uploading | complete | refused | destroying"),
    text_("media_type"),
    blob_("name_sealed"),
    int_("length", null=True, comment="bytes announced"),
    int_("taken", comment="bytes taken in for good"),
    blob_("tail_sealed", null=True, comment="what does not fill a chunk yet, under the attachment's own key"),
    blob_("expected_sealed", null=True, comment="SHA-256 announced"),
    blob_("digest_sealed", null=True, comment="SHA-256 once complete"),
    blob_("digest_tag", null=True, comment="keyed"),
    text_("scan", null=True, comment="clean | not-scanned"),
    text_("reason", null=True, comment="code, once refused"),
    int_("created_by", comment="users.id"),
    int_("created_at", comment="wall clock"),
    int_("touched_at", comment="wall clock"),
    UniqueConstraint("id"),
    Index(None, "digest_tag"),
    Index(None, "state", "touched_at"),
)

attachment_uses = Table(
    "attachment_uses",
    METADATA,
    blob_("attachment", comment="attachments.id"),
    text_("kind", comment="record: what uses it"),
    text_("ref", comment="record: its position"),
    text_("field", comment="record: name of the field"),
    PrimaryKeyConstraint("attachment", "kind", "ref", "field"),
    Index(None, "kind", "ref"),
)
