"""``keys.db``: record keys and keys of files, apart from the data that they open."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, UniqueConstraint

from xinlian.store.tables.base import KEYS_METADATA, blob_, id_, int_, text_

key_meta = Table("key_meta", KEYS_METADATA, Column("key", Text, primary_key=True), text_("value"))

record_keys = Table(
    "record_keys",
    KEYS_METADATA,
    id_(),
    blob_("jti"),
    int_("rev"),
    int_("kek", comment="number of the key-encryption key"),
    blob_("wrapped", comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed"),
    UniqueConstraint("jti", "rev"),
)

blob_keys = Table(
    "blob_keys",
    KEYS_METADATA,
    id_(),
    blob_("blob", comment="16 bytes"),
    int_("kek", comment="number of the key-encryption key"),
    blob_("wrapped", comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed"),
    UniqueConstraint("blob"),
)
