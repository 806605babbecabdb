"""What the follower keeps of the chain: a cache, rebuilt from events at will."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint, Table

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

chain_progress = Table(
    "chain_progress",
    METADATA,
    id_(),
    int_("block_number"),
    text_("block_hash"),
    int_("block_time"),
    int_("reached_at", comment="wall clock: the follower last reached the chain and held its head"),
)

chain_blocks = Table(
    "chain_blocks",
    METADATA,
    id_("number"),
    text_("hash"),
    int_("time"),
    Index(None, "time"),
)

chain_events = Table(
    "chain_events",
    METADATA,
    int_("block_number"),
    int_("log_index"),
    text_("tx_hash"),
    text_("block_hash"),
    int_("block_time"),
    text_("contract"),
    text_("name"),
    text_("args", comment="canonical JSON"),
    text_("k1", null=True),
    text_("k2", null=True),
    text_("k3", null=True),
    PrimaryKeyConstraint("block_number", "log_index"),
    Index(None, "contract", "name", "k1", "k2", "k3"),
)

chain_batches = Table(
    "chain_batches",
    METADATA,
    text_("department"),
    int_("stream"),
    int_("sequence"),
    blob_("root"),
    int_("size"),
    int_("suite"),
    int_("block_number"),
    int_("block_time"),
    text_("tx_hash"),
    PrimaryKeyConstraint("department", "stream", "sequence"),
    Index(None, "block_number"),
)

chain_marks = Table(
    "chain_marks",
    METADATA,
    text_("department"),
    int_("sequence"),
    int_("word"),
    text_("mask", comment="64 hex digits; bit 2*i set for leaf 128*word + i"),
    int_("status"),
    int_("reason"),
    int_("block_number"),
    int_("log_index"),
    PrimaryKeyConstraint("department", "sequence", "word", "block_number", "log_index"),
    Index(None, "block_number"),
)
