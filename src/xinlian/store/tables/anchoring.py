"""Transactions, batches and marks on their way to the chain."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

transactions = Table(
    "transactions",
    METADATA,
    id_(),
    text_("signer"),
    int_("nonce"),
    text_("hash"),
    blob_("raw"),
    text_("purpose"),
    text_("state", comment="prepared | sent | mined | final | failed | replaced"),
    int_("sent_at", null=True),
    int_("block_number", null=True),
    int_("replaced_by", null=True),
    UniqueConstraint("hash"),
    Index(None, "signer", "nonce"),
    Index(None, "state"),
)

batches = Table(
    "batches",
    METADATA,
    int_("stream"),
    int_("sequence"),
    int_("first_position"),
    int_("size"),
    blob_("root"),
    text_("state", comment="sealed | sent | mined | final"),
    Column("tx_id", Integer, ForeignKey("transactions.id"), nullable=True),
    int_("block_number", null=True),
    int_("block_time", null=True),
    int_("sealed_at"),
    PrimaryKeyConstraint("stream", "sequence"),
    UniqueConstraint("stream", "first_position"),
    Index(None, "state"),
)

marks = Table(
    "marks",
    METADATA,
    id_(),
    Column("position", Integer, ForeignKey("records.position"), nullable=False),
    int_("status", comment="1 superseded, 2 revoked, 3 erased"),
    int_("reason"),
    text_("state", comment="queued | sent | mined | final"),
    Column("tx_id", Integer, ForeignKey("transactions.id"), nullable=True),
    UniqueConstraint("position", "status"),
    Index(None, "state"),
)
