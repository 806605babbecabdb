"""This node's datasets and records, read entries and answers: the three streams."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from xinlian.store.tables.base import METADATA, blob_, id_, int_, text_

meta = Table("meta", METADATA, Column("key", Text, primary_key=True), text_("value"))

datasets = Table(
    "datasets",
    METADATA,
    id_(),
    text_("code", comment="<USCC>/<6 digits>"),
    int_("version"),
    text_("alias", comment="short code, one dataset code per alias"),
    blob_("schema", comment="canonical bytes of the schema file"),
    blob_("schema_hash", comment="32 bytes"),
    text_("state", comment="draft | proposed | published | retired"),
    int_("created_at"),
    UniqueConstraint("code", "version"),
    Index(None, "alias"),
)

records = Table(
    "records",
    METADATA,
    id_("position"),
    blob_("jti", comment="16 bytes, UUIDv7"),
    int_("rev"),
    Column("dataset_id", Integer, ForeignKey("datasets.id"), nullable=False),
    int_("iat", comment="law time"),
    blob_("prev", null=True, comment="32 bytes, leaf of the revision replaced"),
    blob_("leaf", comment="32 bytes"),
    blob_("ciphertext", null=True, comment="null when erased"),
    text_("encoder", comment="rec/1"),
    int_("state", comment="0 live, 1 erased"),
    int_("published_by", comment="users.id"),
    UniqueConstraint("jti", "rev"),
)

record_index = Table(
    "record_index",
    METADATA,
    int_("dataset_id"),
    text_("field"),
    int_("version", comment="of the index key"),
    blob_("token", comment="16 bytes, keyed"),
    int_("position"),
    PrimaryKeyConstraint("token", "position", "field", "version", "dataset_id"),
    Index(None, "position"),
    sqlite_with_rowid=False,
)

read_entries = Table(
    "read_entries",
    METADATA,
    id_("position"),
    blob_("leaf"),
    blob_("statement"),
    blob_("disclosures_sealed"),
    text_("rid"),
    text_("role", comment="provider | requester | actor"),
    text_("counterparty", comment="USCC"),
    text_("grant_ref", null=True, comment="<provider USCC>/<number>"),
    text_("case_ref", null=True, comment="<lead USCC>/<case no.>"),
    int_("time", comment="law time"),
    text_("outcome"),
    blob_("record_tag", null=True, comment="keyed"),
    blob_("subject_pseudonym", null=True, comment="keyed, of this department only"),
    int_("item", comment="0 ... 99 within the request"),
    text_("object_ref", null=True, comment="actor: what was acted on"),
    UniqueConstraint("rid", "role", "item", "outcome"),
    Index(None, "record_tag"),
    Index(None, "subject_pseudonym"),
    Index(None, "case_ref"),
    Index(None, "object_ref"),
)

read_subjects = Table(
    "read_subjects",
    METADATA,
    blob_("pseudonym", comment="keyed, of this department only"),
    int_("position", comment="of the entry"),
    PrimaryKeyConstraint("pseudonym", "position"),
)

read_records = Table(
    "read_records",
    METADATA,
    blob_("tag", comment="keyed, of one record; only for entries of several records, whose record_tag is of all of them"),
    int_("position"),
    PrimaryKeyConstraint("tag", "position"),
    sqlite_with_rowid=False,
)

answers = Table(
    "answers",
    METADATA,
    id_("position"),
    blob_("leaf"),
    blob_("statement"),
    blob_("disclosures_sealed", null=True, comment="null when a record it was made from is erased"),
    text_("rid"),
    int_("item"),
    int_("time", comment="law time"),
    UniqueConstraint("rid", "item"),
)
