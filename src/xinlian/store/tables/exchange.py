"""Exchange with other nodes, subjects of cases and the values received for them."""

from __future__ import annotations

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

exchange_out = Table(
    "exchange_out",
    METADATA,
    Column("rid", Text, primary_key=True),
    text_("provider", comment="USCC"),
    text_("mode"),
    text_("grant_ref"),
    text_("case_ref", null=True),
    text_("state", comment="attempted | received | refused | no-answer"),
    blob_("request_digest", comment="SHA-256 of the ciphertext"),
    blob_("answer_digest", null=True, comment="SHA-256 of the ciphertext"),
    text_("detail", null=True, comment="refusing check or problem code"),
    int_("created_at"),
    int_("finished_at", null=True),
    int_("created_by"),
    Index(None, "state"),
    Index(None, "case_ref"),
)

exchange_in = Table(
    "exchange_in",
    METADATA,
    Column("rid", Text, primary_key=True),
    text_("requester", comment="USCC"),
    blob_("request_digest", comment="SHA-256 of the ciphertext"),
    int_("status", comment="HTTP status of the first answer"),
    blob_("answer", null=True, comment="HPKE sealed bytes; null once their time is over"),
    text_("headers", comment="JSON of the answer's signature headers"),
    blob_("answer_digest"),
    int_("created_at"),
    Index(None, "created_at"),
)

exchange_uses = Table(
    "exchange_uses",
    METADATA,
    text_("grant_ref"),
    text_("case_ref"),
    int_("count"),
    PrimaryKeyConstraint("grant_ref", "case_ref"),
)

verify_attempts = Table(
    "verify_attempts",
    METADATA,
    text_("case_ref"),
    blob_("pseudonym"),
    text_("field"),
    int_("count"),
    PrimaryKeyConstraint("case_ref", "pseudonym", "field"),
)

case_subjects = Table(
    "case_subjects",
    METADATA,
    text_("case_ref"),
    int_("idx"),
    blob_("disclosure_sealed"),
    blob_("pseudonym", comment="keyed, of this department only"),
    int_("dispose_at", null=True),
    PrimaryKeyConstraint("case_ref", "idx"),
    Index(None, "pseudonym"),
)

received_values = Table(
    "received_values",
    METADATA,
    id_(),
    text_("case_ref", null=True),
    text_("rid"),
    int_("item"),
    text_("provider"),
    text_("dataset", comment="vct"),
    blob_("content_sealed", comment="values with their evidence"),
    text_("verdict"),
    int_("received_at"),
    int_("dispose_at", comment="wall clock"),
    UniqueConstraint("rid", "item"),
    Index(None, "case_ref"),
    Index(None, "dispose_at"),
)
