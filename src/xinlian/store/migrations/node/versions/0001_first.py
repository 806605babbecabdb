"""The first schema of the node database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - generated: one statement a table, frozen
    """Create every table."""
    op.create_table(
        "answers",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("disclosures_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("time", sa.Integer(), nullable=False, comment="law time"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_answers")),
        sa.UniqueConstraint("rid", "item", name=op.f("uq_answers_rid_item")),
    )
    op.create_table(
        "case_subjects",
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("disclosure_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False, comment="keyed, of this department only"),
        sa.Column("dispose_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("case_ref", "idx", name=op.f("pk_case_subjects")),
    )
    op.create_index(op.f("ix_case_subjects_pseudonym"), "case_subjects", ["pseudonym"], unique=False)
    op.create_table(
        "chain_batches",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("suite", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.Integer(), nullable=False),
        sa.Column("block_time", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("department", "stream", "sequence", name=op.f("pk_chain_batches")),
    )
    op.create_index(op.f("ix_chain_batches_block_number"), "chain_batches", ["block_number"], unique=False)
    op.create_table(
        "chain_blocks",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("time", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_chain_blocks")),
    )
    op.create_index(op.f("ix_chain_blocks_time"), "chain_blocks", ["time"], unique=False)
    op.create_table(
        "chain_events",
        sa.Column("block_number", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("block_time", sa.Integer(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False, comment="canonical JSON"),
        sa.Column("k1", sa.Text(), nullable=True),
        sa.Column("k2", sa.Text(), nullable=True),
        sa.Column("k3", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_chain_events")),
    )
    op.create_index(
        op.f("ix_chain_events_contract_name_k1_k2_k3"), "chain_events", ["contract", "name", "k1", "k2", "k3"], unique=False
    )
    op.create_table(
        "chain_marks",
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("word", sa.Integer(), nullable=False),
        sa.Column("mask", sa.Text(), nullable=False, comment="64 hex digits; bit 2*i set for leaf 128*word + i"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("department", "sequence", "word", "block_number", "log_index", name=op.f("pk_chain_marks")),
    )
    op.create_index(op.f("ix_chain_marks_block_number"), "chain_marks", ["block_number"], unique=False)
    op.create_table(
        "chain_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("block_number", sa.Integer(), nullable=False),
        sa.Column("block_hash", sa.Text(), nullable=False),
        sa.Column("block_time", sa.Integer(), nullable=False),
        sa.Column(
            "reached_at",
            sa.Integer(),
            nullable=False,
            comment="wall clock: the follower last reached the chain and held its head",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_progress")),
    )
    op.create_table(
        "datasets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="<USCC>/<6 digits>"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False, comment="short code, one dataset code per alias"),
        sa.Column("schema", sa.LargeBinary(), nullable=False, comment="canonical bytes of the schema file"),
        sa.Column("schema_hash", sa.LargeBinary(), nullable=False, comment="32 bytes"),
        sa.Column("state", sa.Text(), nullable=False, comment="draft | proposed | published | retired"),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_datasets_code_version")),
    )
    op.create_index(op.f("ix_datasets_alias"), "datasets", ["alias"], unique=False)
    op.create_table(
        "exchange_in",
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the ciphertext"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status of the first answer"),
        sa.Column("answer", sa.LargeBinary(), nullable=True, comment="HPKE sealed bytes; null once their time is over"),
        sa.Column("headers", sa.Text(), nullable=False, comment="JSON of the answer's signature headers"),
        sa.Column("answer_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rid", name=op.f("pk_exchange_in")),
    )
    op.create_index(op.f("ix_exchange_in_created_at"), "exchange_in", ["created_at"], unique=False)
    op.create_table(
        "exchange_out",
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("grant_ref", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, comment="attempted | received | refused | no-answer"),
        sa.Column("request_digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the ciphertext"),
        sa.Column("answer_digest", sa.LargeBinary(), nullable=True, comment="SHA-256 of the ciphertext"),
        sa.Column("detail", sa.Text(), nullable=True, comment="refusing check or problem code"),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.Integer(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rid", name=op.f("pk_exchange_out")),
    )
    op.create_index(op.f("ix_exchange_out_case_ref"), "exchange_out", ["case_ref"], unique=False)
    op.create_index(op.f("ix_exchange_out_state"), "exchange_out", ["state"], unique=False)
    op.create_table(
        "exchange_uses",
        sa.Column("grant_ref", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grant_ref", "case_ref", name=op.f("pk_exchange_uses")),
    )
    op.create_table(
        "idempotency",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_tag", sa.LargeBinary(), nullable=True, comment="keyed digest of the body; null after an erasure"),
        sa.Column("status", sa.Integer(), nullable=False, comment="HTTP status of the first answer"),
        sa.Column("response_sealed", sa.LargeBinary(), nullable=True, comment="ids only; null after an erasure"),
        sa.Column("first_position", sa.Integer(), nullable=True),
        sa.Column("last_position", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_index(op.f("ix_idempotency_first_position"), "idempotency", ["first_position"], unique=False)
    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "parked",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_parked_kind_ref")),
    )
    op.create_table(
        "read_entries",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("disclosures_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False, comment="provider | requester"),
        sa.Column("counterparty", sa.Text(), nullable=False, comment="USCC"),
        sa.Column("grant_ref", sa.Text(), nullable=True, comment="<provider USCC>/<number>"),
        sa.Column("case_ref", sa.Text(), nullable=True, comment="<lead USCC>/<case no.>"),
        sa.Column("time", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("record_tag", sa.LargeBinary(), nullable=True, comment="keyed"),
        sa.Column("subject_pseudonym", sa.LargeBinary(), nullable=True, comment="keyed, of this department only"),
        sa.Column("item", sa.Integer(), nullable=False, comment="0 ... 99 within the request"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_read_entries")),
        sa.UniqueConstraint("rid", "role", "item", "outcome", name=op.f("uq_read_entries_rid_role_item_outcome")),
    )
    op.create_index(op.f("ix_read_entries_case_ref"), "read_entries", ["case_ref"], unique=False)
    op.create_index(op.f("ix_read_entries_record_tag"), "read_entries", ["record_tag"], unique=False)
    op.create_index(op.f("ix_read_entries_subject_pseudonym"), "read_entries", ["subject_pseudonym"], unique=False)
    op.create_table(
        "received_values",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=True),
        sa.Column("rid", sa.Text(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False, comment="vct"),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False, comment="values with their evidence"),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Integer(), nullable=False),
        sa.Column("dispose_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_values")),
        sa.UniqueConstraint("rid", "item", name=op.f("uq_received_values_rid_item")),
    )
    op.create_index(op.f("ix_received_values_case_ref"), "received_values", ["case_ref"], unique=False)
    op.create_index(op.f("ix_received_values_dispose_at"), "received_values", ["dispose_at"], unique=False)
    op.create_table(
        "record_index",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the index key"),
        sa.Column("token", sa.LargeBinary(), nullable=False, comment="16 bytes, keyed"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token", "position", "field", "version", "dataset_id", name=op.f("pk_record_index")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_record_index_position"), "record_index", ["position"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="prepared | sent | mined | final | failed | replaced"),
        sa.Column("sent_at", sa.Integer(), nullable=True),
        sa.Column("block_number", sa.Integer(), nullable=True),
        sa.Column("replaced_by", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("hash", name=op.f("uq_transactions_hash")),
    )
    op.create_index(op.f("ix_transactions_signer_nonce"), "transactions", ["signer", "nonce"], unique=False)
    op.create_index(op.f("ix_transactions_state"), "transactions", ["state"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False, comment="staff number, not an ID number"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False, comment="space separated"),
        sa.Column("expires_at", sa.Integer(), nullable=False, comment="wall clock"),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("disabled_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("person_id", name=op.f("uq_users_person_id")),
    )
    op.create_table(
        "verify_attempts",
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_ref", "pseudonym", "field", name=op.f("pk_verify_attempts")),
    )
    op.create_table(
        "batches",
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("first_position", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="sealed | sent | mined | final"),
        sa.Column("tx_id", sa.Integer(), nullable=True),
        sa.Column("block_number", sa.Integer(), nullable=True),
        sa.Column("block_time", sa.Integer(), nullable=True),
        sa.Column("sealed_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tx_id"], ["transactions.id"], name=op.f("fk_batches_tx_id")),
        sa.PrimaryKeyConstraint("stream", "sequence", name=op.f("pk_batches")),
        sa.UniqueConstraint("stream", "first_position", name=op.f("uq_batches_stream_first_position")),
    )
    op.create_index(op.f("ix_batches_state"), "batches", ["state"], unique=False)
    op.create_table(
        "imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_tag", sa.LargeBinary(), nullable=False, comment="keyed digest of the file"),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="running | done | refused"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("first_position", sa.Integer(), nullable=True),
        sa.Column("last_position", sa.Integer(), nullable=True),
        sa.Column("report_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_imports_dataset_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("dataset_id", "file_tag", name=op.f("uq_imports_dataset_id_file_tag")),
    )
    op.create_table(
        "records",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("jti", sa.LargeBinary(), nullable=False, comment="16 bytes, UUIDv7"),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("iat", sa.Integer(), nullable=False, comment="law time"),
        sa.Column("prev", sa.LargeBinary(), nullable=True, comment="32 bytes, leaf of the revision replaced"),
        sa.Column("leaf", sa.LargeBinary(), nullable=False, comment="32 bytes"),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True, comment="null when erased"),
        sa.Column("encoder", sa.Text(), nullable=False, comment="rec/1"),
        sa.Column("state", sa.Integer(), nullable=False, comment="0 live, 1 erased"),
        sa.Column("published_by", sa.Integer(), nullable=False, comment="users.id"),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_records_dataset_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_records")),
        sa.UniqueConstraint("jti", "rev", name=op.f("uq_records_jti_rev")),
    )
    op.create_table(
        "tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the 256-bit token"),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("revoked_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_user_id"), "tokens", ["user_id"], unique=False)
    op.create_table(
        "erasures",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="intent | key-destroyed | purged | checkpointed | marked"),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["position"], ["records.position"], name=op.f("fk_erasures_position")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_state"), "erasures", ["state"], unique=False)
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False, comment="as the clerk sees it, header = 1"),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("values_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id")),
        sa.PrimaryKeyConstraint("import_id", "row", name=op.f("pk_import_rows")),
    )
    op.create_index(op.f("ix_import_rows_position"), "import_rows", ["position"], unique=False)
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False, comment="1 superseded, 2 revoked, 3 erased"),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="queued | sent | mined | final"),
        sa.Column("tx_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["position"], ["records.position"], name=op.f("fk_marks_position")),
        sa.ForeignKeyConstraint(["tx_id"], ["transactions.id"], name=op.f("fk_marks_tx_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint("position", "status", name=op.f("uq_marks_position_status")),
    )
    op.create_index(op.f("ix_marks_state"), "marks", ["state"], unique=False)
