"""Notices that wait for a block, and erasures under way."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from xinlian.store.tables.base import METADATA, id_, int_, text_

parked = Table(
    "parked",
    METADATA,
    id_(),
    text_("kind"),
    text_("ref"),
    text_("reason"),
    int_("since"),
    int_("attempts"),
    UniqueConstraint("kind", "ref"),
)

erasures = Table(
    "erasures",
    METADATA,
    Column("position", Integer, ForeignKey("records.position"), primary_key=True, autoincrement=False),
    text_("state", comment="intent | key-destroyed | purged | checkpointed | marked"),
    int_("reason"),
    int_("requested_by", comment="users.id; 0: found erased on chain after a backup was restored"),
    int_("requested_at"),
    int_("marked_at", null=True),
    Index(None, "state"),
)
