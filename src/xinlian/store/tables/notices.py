"""Notices between nodes and what follows from an erasure."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

notices_out = Table(
    "notices_out",
    METADATA,
    id_(),
    text_("notice_id", comment="32 hex"),
    text_("recipient", comment="USCC"),
    text_("kind"),
    blob_("jti", null=True, comment="16 bytes, the record it speaks of"),
    blob_("document", null=True, comment="documents.digest of the text it brings"),
    text_("object_ref", null=True, comment="the correction it speaks of"),
    blob_("body", comment="the notice's exact bytes; sealed when it brings a text"),
    text_("state", comment="to-tell | told | acknowledged | refused"),
    int_("attempts"),
    int_("next_try", comment="wall clock"),
    text_("last_code", null=True, comment="why the last attempt came to nothing"),
    int_("created_at", comment="wall clock"),
    int_("told_at", null=True, comment="wall clock, when bytes first reached the recipient's node"),
    int_("acknowledged_at", null=True, comment="wall clock"),
    text_("outcome", null=True),
    text_("facts", null=True, comment="JSON of what the acknowledgement says"),
    int_("ask_again_at", null=True, comment="wall clock, when what a duty keeps should be gone"),
    UniqueConstraint("notice_id"),
    Index(None, "document", "recipient", unique=True),
    Index(None, "state", "next_try"),
    Index(None, "jti"),
    Index(None, "object_ref"),
    Index(None, "ask_again_at"),
)

notices_in = Table(
    "notices_in",
    METADATA,
    id_(),
    text_("sender", comment="USCC"),
    text_("notice_id", comment="32 hex"),
    blob_("digest", comment="SHA-256 of the notice's bytes"),
    text_("kind"),
    text_("facts", comment="JSON of what the acknowledgement says"),
    int_("received_at", comment="wall clock"),
    int_("wiped", comment="0 until what was deleted left the write-ahead log, too"),
    UniqueConstraint("sender", "notice_id"),
    Index(None, "wiped"),
)

ended_values = Table(
    "ended_values",
    METADATA,
    id_(),
    Column("notice", Integer, ForeignKey("notices_in.id"), nullable=False),
    text_("rid"),
    int_("item"),
    blob_("jti", comment="16 bytes, the record"),
    text_("case_ref", null=True),
    text_("state", comment="erased | restricted"),
    blob_("content_sealed", null=True, comment="what a duty keeps; null when erased"),
    Column("duty", Integer, ForeignKey("retention_duties.id"), nullable=True),
    int_("ended_at", comment="wall clock"),
    Index(None, "rid"),
    Index(None, "case_ref"),
)

retention_duties = Table(
    "retention_duties",
    METADATA,
    id_(),
    text_("case_ref"),
    text_("basis", comment="the law, one line; no personal data"),
    int_("until", comment="wall clock"),
    int_("recorded_by", comment="users.id"),
    int_("recorded_at", comment="wall clock"),
    int_("ended_by", null=True),
    int_("ended_at", null=True, comment="wall clock"),
    Index(None, "case_ref"),
)

file_transfers = Table(
    "file_transfers",
    METADATA,
    Column("rid", Text, primary_key=True, comment="of the piece that opened it"),
    text_("requester", comment="USCC"),
    text_("grant_ref"),
    text_("case_ref", null=True),
    int_("position", comment="of the record"),
    text_("field"),
    int_("pieces"),
    int_("bytes"),
    int_("opened_at", comment="wall clock"),
    int_("last_at", comment="wall clock"),
    text_("refused", null=True, comment="check that last refused a piece"),
    Index(None, "position"),
)

file_fetches = Table(
    "file_fetches",
    METADATA,
    Column("attachment", LargeBinary, primary_key=True, comment="attachments.id"),
    text_("rid", comment="of the query that brought the record"),
    int_("item"),
    text_("record_id"),
    text_("field"),
    text_("transfer", null=True, comment="rid of the piece that opened it"),
    UniqueConstraint("rid", "item", "record_id", "field"),
)
