"""Users, their tokens, and what the public API keeps for them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

users = Table(
    "users",
    METADATA,
    id_(),
    text_("person_id", comment="staff number, not an ID number"),
    text_("name"),
    text_("post"),
    text_("roles", comment="space separated"),
    int_("expires_at", comment="wall clock"),
    int_("created_at"),
    int_("disabled_at", null=True),
    UniqueConstraint("person_id"),
)

tokens = Table(
    "tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the 256-bit token"),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    text_("label"),
    int_("created_at"),
    int_("expires_at"),
    int_("revoked_at", null=True),
    Index(None, "user_id"),
)

idempotency = Table(
    "idempotency",
    METADATA,
    int_("user_id"),
    text_("route"),
    text_("key"),
    blob_("body_tag", null=True, comment="keyed digest of the body; null after an erasure"),
    int_("status", comment="HTTP status of the first answer"),
    blob_("response_sealed", null=True, comment="ids only; null after an erasure"),
    int_("first_position", null=True),
    int_("last_position", null=True),
    int_("created_at"),
    PrimaryKeyConstraint("user_id", "route", "key"),
    Index(None, "created_at"),
    Index(None, "first_position"),
)

imports = Table(
    "imports",
    METADATA,
    id_(),
    blob_("file_tag", comment="keyed digest of the file"),
    Column("dataset_id", Integer, ForeignKey("datasets.id"), nullable=False),
    text_("state", comment="running | done | refused"),
    int_("rows"),
    int_("first_position", null=True),
    int_("last_position", null=True),
    blob_("report_sealed", null=True),
    int_("created_by"),
    int_("created_at"),
    UniqueConstraint("dataset_id", "file_tag"),
)

import_rows = Table(
    "import_rows",
    METADATA,
    Column("import_id", Integer, ForeignKey("imports.id"), nullable=False),
    int_("row", comment="as the clerk sees it, header = 1"),
    int_("position", null=True),
    blob_("values_sealed", null=True),
    PrimaryKeyConstraint("import_id", "row"),
    Index(None, "position"),
)
