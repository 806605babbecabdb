"""Corrections (校核): records corrected here, and what other departments told about values received from them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from xinlian.store.tables.base import METADATA, blob_, int_, text_

corrected_records = Table(
    "corrected_records",
    METADATA,
    Column("object_ref", Text, primary_key=True, comment="the correction"),
    blob_("jti", comment="16 bytes, the record"),
    int_("rev", comment="of the revision that is right"),
    blob_("leaf", comment="of that revision"),
    int_("told_at", comment="law time"),
)

corrections_told = Table(
    "corrections_told",
    METADATA,
    Column("notice", Integer, ForeignKey("notices_in.id"), primary_key=True),
    text_("object_ref", comment="the correction"),
    blob_("jti", comment="16 bytes, the record"),
    text_("fields", comment="names, space separated"),
    int_("rev", comment="of the revision that is right"),
    blob_("leaf", comment="of that revision"),
    int_("corrected_at", comment="law time"),
    int_("seen_by", null=True, comment="users.id"),
    int_("seen_at", null=True, comment="law time"),
    Index(None, "seen_at"),
)

corrected_values = Table(
    "corrected_values",
    METADATA,
    Column("notice", Integer, ForeignKey("corrections_told.notice"), nullable=False),
    text_("rid"),
    int_("item"),
    PrimaryKeyConstraint("notice", "rid", "item"),
    Index(None, "rid"),
)
