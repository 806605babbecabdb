"""All tables of ``node.db`` (``METADATA``) and ``keys.db`` (``KEYS_METADATA``).

Rules
1. ``position`` is contiguous from 1 per stream table and assigned inside the write transaction; rows of the three streams are
   never deleted, so a batch is a range of positions and leaf index = position - first_position.
2. Personal data stands only in columns whose name ends in ``sealed`` or is ``ciphertext`` (encrypted, see ``sealing``);
   digests of it are keyed (``*_tag``), never plain.
3. Times are epoch seconds (law time or wall clock as the column's comment says), ids of records 16 bytes (UUIDv7),
   leaves and roots 32 bytes; chain hashes and addresses are text as in events.
4. ``chain_*`` tables are a cache: dropped and rebuilt from events at will.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
METADATA = MetaData(naming_convention=_NAMES)
KEYS_METADATA = MetaData(naming_convention=_NAMES)


def _int(name: str, *, null: bool = False, comment: str | None = None) -> Column[int]:
    return Column(name, Integer, nullable=null, comment=comment)


def _text(name: str, *, null: bool = False, comment: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, comment=comment)


def _blob(name: str, *, null: bool = False, comment: str | None = None) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null, comment=comment)


def _id(name: str = "id") -> Column[int]:
    return Column(name, Integer, primary_key=True)


# -- this node ---------------------------------------------------------------------------------------
meta = Table("meta", METADATA, Column("key", Text, primary_key=True), _text("value"))

datasets = Table(
    "datasets",
    METADATA,
    _id(),
    _text("code", comment="<USCC>/<6 digits>"),
    _int("version"),
    _text("alias", comment="short code, one dataset code per alias"),
    _blob("schema", comment="canonical bytes of the schema file"),
    _blob("schema_hash", comment="32 bytes"),
    _text("state", comment="draft | proposed | published | retired"),
    _int("created_at"),
    UniqueConstraint("code", "version"),
    Index(None, "alias"),
)

records = Table(
    "records",
    METADATA,
    _id("position"),
    _blob("jti", comment="16 bytes, UUIDv7"),
    _int("rev"),
    Column("dataset_id", Integer, ForeignKey("datasets.id"), nullable=False),
    _int("iat", comment="law time"),
    _blob("prev", null=True, comment="32 bytes, leaf of the revision replaced"),
    _blob("leaf", comment="32 bytes"),
    _blob("ciphertext", null=True, comment="null when erased"),
    _text("encoder", comment="rec/1"),
    _int("state", comment="0 live, 1 erased"),
    _int("published_by", comment="users.id"),
    UniqueConstraint("jti", "rev"),
)

record_index = Table(
    "record_index",
    METADATA,
    _int("dataset_id"),
    _text("field"),
    _int("version", comment="of the index key"),
    _blob("token", comment="16 bytes, keyed"),
    _int("position"),
    PrimaryKeyConstraint("token", "position", "field", "version", "dataset_id"),
    Index(None, "position"),
    sqlite_with_rowid=False,
)

# -- streams 2 and 3 ---------------------------------------------------------------------------------
read_entries = Table(
    "read_entries",
    METADATA,
    _id("position"),
    _blob("leaf"),
    _blob("statement"),
    _blob("disclosures_sealed"),
    _text("rid"),
    _text("role", comment="provider | requester | actor"),
    _text("counterparty", comment="USCC"),
    _text("grant_ref", null=True, comment="<provider USCC>/<number>"),
    _text("case_ref", null=True, comment="<lead USCC>/<case no.>"),
    _int("time", comment="law time"),
    _text("outcome"),
    _blob("record_tag", null=True, comment="keyed"),
    _blob("subject_pseudonym", null=True, comment="keyed, of this department only"),
    _int("item", comment="0 ... 99 within the request"),
    _text("object_ref", null=True, comment="actor: what was acted on"),
    UniqueConstraint("rid", "role", "item", "outcome"),
    Index(None, "record_tag"),
    Index(None, "subject_pseudonym"),
    Index(None, "case_ref"),
    Index(None, "object_ref"),
)

read_records = Table(
    "read_records",
    METADATA,
    _blob("tag", comment="keyed, of one record; only for entries of several records, whose record_tag is of all of them"),
    _int("position"),
    PrimaryKeyConstraint("tag", "position"),
    sqlite_with_rowid=False,
)

answers = Table(
    "answers",
    METADATA,
    _id("position"),
    _blob("leaf"),
    _blob("statement"),
    _blob("disclosures_sealed", null=True, comment="null when a record it was made from is erased"),
    _text("rid"),
    _int("item"),
    _int("time", comment="law time"),
    UniqueConstraint("rid", "item"),
)

# -- anchoring ---------------------------------------------------------------------------------------
transactions = Table(
    "transactions",
    METADATA,
    _id(),
    _text("signer"),
    _int("nonce"),
    _text("hash"),
    _blob("raw"),
    _text("purpose"),
    _text("state", comment="prepared | sent | mined | final | failed | replaced"),
    _int("sent_at", null=True),
    _int("block_number", null=True),
    _int("replaced_by", null=True),
    UniqueConstraint("hash"),
    Index(None, "signer", "nonce"),
    Index(None, "state"),
)

batches = Table(
    "batches",
    METADATA,
    _int("stream"),
    _int("sequence"),
    _int("first_position"),
    _int("size"),
    _blob("root"),
    _text("state", comment="sealed | sent | mined | final"),
    Column("tx_id", Integer, ForeignKey("transactions.id"), nullable=True),
    _int("block_number", null=True),
    _int("block_time", null=True),
    _int("sealed_at"),
    PrimaryKeyConstraint("stream", "sequence"),
    UniqueConstraint("stream", "first_position"),
    Index(None, "state"),
)

marks = Table(
    "marks",
    METADATA,
    _id(),
    Column("position", Integer, ForeignKey("records.position"), nullable=False),
    _int("status", comment="1 superseded, 2 revoked, 3 erased"),
    _int("reason"),
    _text("state", comment="queued | sent | mined | final"),
    Column("tx_id", Integer, ForeignKey("transactions.id"), nullable=True),
    UniqueConstraint("position", "status"),
    Index(None, "state"),
)

# -- chain cache -------------------------------------------------------------------------------------
chain_progress = Table(
    "chain_progress",
    METADATA,
    _id(),
    _int("block_number"),
    _text("block_hash"),
    _int("block_time"),
    _int("reached_at", comment="wall clock: the follower last reached the chain and held its head"),
)

chain_blocks = Table(
    "chain_blocks",
    METADATA,
    _id("number"),
    _text("hash"),
    _int("time"),
    Index(None, "time"),
)

chain_events = Table(
    "chain_events",
    METADATA,
    _int("block_number"),
    _int("log_index"),
    _text("tx_hash"),
    _text("block_hash"),
    _int("block_time"),
    _text("contract"),
    _text("name"),
    _text("args", comment="canonical JSON"),
    _text("k1", null=True),
    _text("k2", null=True),
    _text("k3", null=True),
    PrimaryKeyConstraint("block_number", "log_index"),
    Index(None, "contract", "name", "k1", "k2", "k3"),
)

chain_batches = Table(
    "chain_batches",
    METADATA,
    _text("department"),
    _int("stream"),
    _int("sequence"),
    _blob("root"),
    _int("size"),
    _int("suite"),
    _int("block_number"),
    _int("block_time"),
    _text("tx_hash"),
    PrimaryKeyConstraint("department", "stream", "sequence"),
    Index(None, "block_number"),
)

chain_marks = Table(
    "chain_marks",
    METADATA,
    _text("department"),
    _int("sequence"),
    _int("word"),
    _text("mask", comment="64 hex digits; bit 2*i set for leaf 128*word + i"),
    _int("status"),
    _int("reason"),
    _int("block_number"),
    _int("log_index"),
    PrimaryKeyConstraint("department", "sequence", "word", "block_number", "log_index"),
    Index(None, "block_number"),
)

# -- people ------------------------------------------------------------------------------------------
users = Table(
    "users",
    METADATA,
    _id(),
    _text("person_id", comment="staff number, not an ID number"),
    _text("name"),
    _text("post"),
    _text("roles", comment="space separated"),
    _int("expires_at", comment="wall clock"),
    _int("created_at"),
    _int("disabled_at", null=True),
    UniqueConstraint("person_id"),
)

tokens = Table(
    "tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the 256-bit token"),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    _text("label"),
    _int("created_at"),
    _int("expires_at"),
    _int("revoked_at", null=True),
    Index(None, "user_id"),
)

idempotency = Table(
    "idempotency",
    METADATA,
    _int("user_id"),
    _text("route"),
    _text("key"),
    _blob("body_tag", null=True, comment="keyed digest of the body; null after an erasure"),
    _int("status", comment="HTTP status of the first answer"),
    _blob("response_sealed", null=True, comment="ids only; null after an erasure"),
    _int("first_position", null=True),
    _int("last_position", null=True),
    _int("created_at"),
    PrimaryKeyConstraint("user_id", "route", "key"),
    Index(None, "created_at"),
    Index(None, "first_position"),
)

imports = Table(
    "imports",
    METADATA,
    _id(),
    _blob("file_tag", comment="keyed digest of the file"),
    Column("dataset_id", Integer, ForeignKey("datasets.id"), nullable=False),
    _text("state", comment="running | done | refused"),
    _int("rows"),
    _int("first_position", null=True),
    _int("last_position", null=True),
    _blob("report_sealed", null=True),
    _int("created_by"),
    _int("created_at"),
    UniqueConstraint("dataset_id", "file_tag"),
)

import_rows = Table(
    "import_rows",
    METADATA,
    Column("import_id", Integer, ForeignKey("imports.id"), nullable=False),
    _int("row", comment="as the clerk sees it, header = 1"),
    _int("position", null=True),
    _blob("values_sealed", null=True),
    PrimaryKeyConstraint("import_id", "row"),
    Index(None, "position"),
)

# -- exchange ----------------------------------------------------------------------------------------
exchange_out = Table(
    "exchange_out",
    METADATA,
    Column("rid", Text, primary_key=True),
    _text("provider", comment="USCC"),
    _text("mode"),
    _text("grant_ref"),
    _text("case_ref", null=True),
    _text("state", comment="attempted | received | refused | no-answer"),
    _blob("request_digest", comment="SHA-256 of the ciphertext"),
    _blob("answer_digest", null=True, comment="SHA-256 of the ciphertext"),
    _text("detail", null=True, comment="refusing check or problem code"),
    _int("created_at"),
    _int("finished_at", null=True),
    _int("created_by"),
    Index(None, "state"),
    Index(None, "case_ref"),
)

exchange_in = Table(
    "exchange_in",
    METADATA,
    Column("rid", Text, primary_key=True),
    _text("requester", comment="USCC"),
    _blob("request_digest", comment="SHA-256 of the ciphertext"),
    _int("status", comment="HTTP status of the first answer"),
    _blob("answer", null=True, comment="HPKE sealed bytes; null once their time is over"),
    _text("headers", comment="JSON of the answer's signature headers"),
    _blob("answer_digest"),
    _int("created_at"),
    Index(None, "created_at"),
)

exchange_uses = Table(
    "exchange_uses",
    METADATA,
    _text("grant_ref"),
    _text("case_ref"),
    _int("count"),
    PrimaryKeyConstraint("grant_ref", "case_ref"),
)

verify_attempts = Table(
    "verify_attempts",
    METADATA,
    _text("case_ref"),
    _blob("pseudonym"),
    _text("field"),
    _int("count"),
    PrimaryKeyConstraint("case_ref", "pseudonym", "field"),
)

# -- cases and what was received for them ------------------------------------------------------------
case_subjects = Table(
    "case_subjects",
    METADATA,
    _text("case_ref"),
    _int("idx"),
    _blob("disclosure_sealed"),
    _blob("pseudonym", comment="keyed, of this department only"),
    _int("dispose_at", null=True),
    PrimaryKeyConstraint("case_ref", "idx"),
    Index(None, "pseudonym"),
)

received_values = Table(
    "received_values",
    METADATA,
    _id(),
    _text("case_ref", null=True),
    _text("rid"),
    _int("item"),
    _text("provider"),
    _text("dataset", comment="vct"),
    _blob("content_sealed", comment="values with their evidence"),
    _text("verdict"),
    _int("received_at"),
    _int("dispose_at", comment="wall clock"),
    UniqueConstraint("rid", "item"),
    Index(None, "case_ref"),
    Index(None, "dispose_at"),
)

# -- attachments -------------------------------------------------------------------------------------
attachments = Table(
    "attachments",
    METADATA,
    _id("number"),
    _blob("id", comment="16 random bytes; name of its file in blobs/ and of its key"),
    _text("origin", comment="own | received"),
    _text("state", comment="uploading | complete | refused | destroying"),
    _text("media_type"),
    _blob("name_sealed"),
    _int("length", null=True, comment="bytes announced"),
    _int("taken", comment="bytes taken in for good"),
    _blob("tail_sealed", null=True, comment="what does not fill a chunk yet, under the attachment's own key"),
    _blob("expected_sealed", null=True, comment="SHA-256 announced"),
    _blob("digest_sealed", null=True, comment="SHA-256 once complete"),
    _blob("digest_tag", null=True, comment="keyed"),
    _text("scan", null=True, comment="clean | not-scanned"),
    _text("reason", null=True, comment="code, once refused"),
    _int("created_by", comment="users.id"),
    _int("created_at", comment="wall clock"),
    _int("touched_at", comment="wall clock"),
    UniqueConstraint("id"),
    Index(None, "digest_tag"),
    Index(None, "state", "touched_at"),
)

attachment_uses = Table(
    "attachment_uses",
    METADATA,
    _blob("attachment", comment="attachments.id"),
    _text("kind", comment="record: what uses it"),
    _text("ref", comment="record: its position"),
    _text("field", comment="record: name of the field"),
    PrimaryKeyConstraint("attachment", "kind", "ref", "field"),
    Index(None, "kind", "ref"),
)

# -- notices between nodes ---------------------------------------------------------------------------
notices_out = Table(
    "notices_out",
    METADATA,
    _id(),
    _text("notice_id", comment="32 hex"),
    _text("recipient", comment="USCC"),
    _text("kind"),
    _blob("jti", null=True, comment="16 bytes, the record it speaks of"),
    _blob("body", comment="the notice's exact bytes; no personal data"),
    _text("state", comment="to-tell | told | acknowledged | refused"),
    _int("attempts"),
    _int("next_try", comment="wall clock"),
    _text("last_code", null=True, comment="why the last attempt came to nothing"),
    _int("created_at", comment="wall clock"),
    _int("told_at", null=True, comment="wall clock, when bytes first reached the recipient's node"),
    _int("acknowledged_at", null=True, comment="wall clock"),
    _text("outcome", null=True),
    _text("facts", null=True, comment="JSON of what the acknowledgement says"),
    _int("ask_again_at", null=True, comment="wall clock, when what a duty keeps should be gone"),
    UniqueConstraint("notice_id"),
    Index(None, "state", "next_try"),
    Index(None, "jti"),
    Index(None, "ask_again_at"),
)

notices_in = Table(
    "notices_in",
    METADATA,
    _id(),
    _text("sender", comment="USCC"),
    _text("notice_id", comment="32 hex"),
    _blob("digest", comment="SHA-256 of the notice's bytes"),
    _text("kind"),
    _text("facts", comment="JSON of what the acknowledgement says"),
    _int("received_at", comment="wall clock"),
    _int("wiped", comment="0 until what was deleted left the write-ahead log, too"),
    UniqueConstraint("sender", "notice_id"),
    Index(None, "wiped"),
)

ended_values = Table(
    "ended_values",
    METADATA,
    _id(),
    Column("notice", Integer, ForeignKey("notices_in.id"), nullable=False),
    _text("rid"),
    _int("item"),
    _blob("jti", comment="16 bytes, the record"),
    _text("case_ref", null=True),
    _text("state", comment="erased | restricted"),
    _blob("content_sealed", null=True, comment="what a duty keeps; null when erased"),
    Column("duty", Integer, ForeignKey("retention_duties.id"), nullable=True),
    _int("ended_at", comment="wall clock"),
    Index(None, "rid"),
    Index(None, "case_ref"),
)

retention_duties = Table(
    "retention_duties",
    METADATA,
    _id(),
    _text("case_ref"),
    _text("basis", comment="the law, one line; no personal data"),
    _int("until", comment="wall clock"),
    _int("recorded_by", comment="users.id"),
    _int("recorded_at", comment="wall clock"),
    _int("ended_by", null=True),
    _int("ended_at", null=True, comment="wall clock"),
    Index(None, "case_ref"),
)

file_transfers = Table(
    "file_transfers",
    METADATA,
    Column("rid", Text, primary_key=True, comment="of the piece that opened it"),
    _text("requester", comment="USCC"),
    _text("grant_ref"),
    _text("case_ref", null=True),
    _int("position", comment="of the record"),
    _text("field"),
    _int("pieces"),
    _int("bytes"),
    _int("opened_at", comment="wall clock"),
    _int("last_at", comment="wall clock"),
    _text("refused", null=True, comment="check that last refused a piece"),
    Index(None, "position"),
)

file_fetches = Table(
    "file_fetches",
    METADATA,
    Column("attachment", LargeBinary, primary_key=True, comment="attachments.id"),
    _text("rid", comment="of the query that brought the record"),
    _int("item"),
    _text("record_id"),
    _text("field"),
    _text("transfer", null=True, comment="rid of the piece that opened it"),
    UniqueConstraint("rid", "item", "record_id", "field"),
)

# -- upkeep ------------------------------------------------------------------------------------------
parked = Table(
    "parked",
    METADATA,
    _id(),
    _text("kind"),
    _text("ref"),
    _text("reason"),
    _int("since"),
    _int("attempts"),
    UniqueConstraint("kind", "ref"),
)

erasures = Table(
    "erasures",
    METADATA,
    Column("position", Integer, ForeignKey("records.position"), primary_key=True, autoincrement=False),
    _text("state", comment="intent | key-destroyed | purged | checkpointed | marked"),
    _int("reason"),
    _int("requested_by", comment="users.id; 0: found erased on chain after a backup was restored"),
    _int("requested_at"),
    _int("marked_at", null=True),
    Index(None, "state"),
)

# -- two persons, texts, webhooks ----------------------------------------------------------------------
documents = Table(
    "documents",
    METADATA,
    Column("digest", LargeBinary, primary_key=True, comment="salted, 32 bytes"),
    _text("kind"),
    _text("object_ref"),
    _blob("content_sealed", comment="salt and text"),
    _text("sender", null=True, comment="USCC; null for own texts"),
    _int("created_at", comment="law time"),
    _int("confirmed_at", null=True, comment="law time: the chain showed the digest"),
    Index(None, "object_ref"),
)

approvals = Table(
    "approvals",
    METADATA,
    _id(),
    _text("kind"),
    _text("object_ref"),
    _text("open_key", null=True, comment="kind and object while it is open"),
    _text("state", comment="pending | returned | withdrawn | consented | executing | done | failed"),
    _int("round"),
    _blob("proposal", comment="documents.digest"),
    _blob("document", null=True, comment="documents.digest of what was consented to"),
    _text("code", null=True, comment="error code"),
    _text("result", null=True, comment="JSON without personal data"),
    _int("created_at", comment="law time"),
    _int("changed_at", comment="law time"),
    UniqueConstraint("open_key"),
    Index(None, "state"),
    Index(None, "object_ref"),
)

approval_steps = Table(
    "approval_steps",
    METADATA,
    Column("approval_id", Integer, ForeignKey("approvals.id"), nullable=False),
    _int("seq"),
    _text("act", comment="proposed | consented | sent-back | withdrawn"),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    _int("at", comment="law time"),
    _blob("document", null=True, comment="documents.digest"),
    PrimaryKeyConstraint("approval_id", "seq"),
)

webhooks = Table(
    "webhooks",
    METADATA,
    _id(),
    _blob("url_sealed"),
    _blob("secret_sealed"),
    _text("events", comment="space separated"),
    _int("created_by"),
    _int("created_at", comment="wall clock"),
    _int("removed_at", null=True, comment="wall clock"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    METADATA,
    _id(),
    Column("hook_id", Integer, ForeignKey("webhooks.id"), nullable=False),
    _text("message_id"),
    _text("event"),
    _blob("body", comment="JSON without personal data"),
    _text("state", comment="queued | delivered | parked"),
    _int("attempts"),
    _int("next_at", comment="wall clock"),
    _text("code", null=True, comment="error code of the last attempt"),
    _int("created_at", comment="wall clock"),
    UniqueConstraint("hook_id", "message_id"),
    Index(None, "state", "next_at"),
)

# -- keys.db -----------------------------------------------------------------------------------------
key_meta = Table("key_meta", KEYS_METADATA, Column("key", Text, primary_key=True), _text("value"))

record_keys = Table(
    "record_keys",
    KEYS_METADATA,
    _id(),
    _blob("jti"),
    _int("rev"),
    _int("kek", comment="number of the key-encryption key"),
    _blob("wrapped", comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed"),
    UniqueConstraint("jti", "rev"),
)

blob_keys = Table(
    "blob_keys",
    KEYS_METADATA,
    _id(),
    _blob("blob", comment="16 bytes"),
    _int("kek", comment="number of the key-encryption key"),
    _blob("wrapped", comment="60 bytes: nonce 12, ciphertext 32, tag 16; all zero once destroyed"),
    UniqueConstraint("blob"),
)
