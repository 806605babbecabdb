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

from xinlian.store.tables.anchoring import batches, marks, transactions
from xinlian.store.tables.approvals import approval_steps, approvals, documents, webhook_deliveries, webhooks
from xinlian.store.tables.attachments import attachment_uses, attachments
from xinlian.store.tables.authorisations import (
    authorisation_subjects,
    authorisation_uses,
    authorisation_withdrawals,
    authorisations,
)
from xinlian.store.tables.base import KEYS_METADATA, METADATA
from xinlian.store.tables.chain import chain_batches, chain_blocks, chain_events, chain_marks, chain_progress
from xinlian.store.tables.corrections import corrected_records, corrected_values, corrections_told
from xinlian.store.tables.exchange import (
    case_subjects,
    exchange_in,
    exchange_out,
    exchange_uses,
    received_values,
    verify_attempts,
)
from xinlian.store.tables.keys import blob_keys, key_meta, record_keys
from xinlian.store.tables.liability import disposals, findings, refused_calls, use_records
from xinlian.store.tables.notices import ended_values, file_fetches, file_transfers, notices_in, notices_out, retention_duties
from xinlian.store.tables.people import idempotency, import_rows, imports, tokens, users
from xinlian.store.tables.records import answers, datasets, meta, read_entries, read_records, read_subjects, record_index, records
from xinlian.store.tables.upkeep import erasures, parked

__all__ = [
    "KEYS_METADATA",
    "METADATA",
    "answers",
    "approval_steps",
    "approvals",
    "attachment_uses",
    "attachments",
    "authorisation_subjects",
    "authorisation_uses",
    "authorisation_withdrawals",
    "authorisations",
    "batches",
    "blob_keys",
    "case_subjects",
    "chain_batches",
    "chain_blocks",
    "chain_events",
    "chain_marks",
    "chain_progress",
    "corrected_records",
    "corrected_values",
    "corrections_told",
    "datasets",
    "disposals",
    "documents",
    "ended_values",
    "erasures",
    "exchange_in",
    "exchange_out",
    "exchange_uses",
    "file_fetches",
    "file_transfers",
    "findings",
    "idempotency",
    "import_rows",
    "imports",
    "key_meta",
    "marks",
    "meta",
    "notices_in",
    "notices_out",
    "parked",
    "read_entries",
    "read_records",
    "read_subjects",
    "received_values",
    "record_index",
    "record_keys",
    "records",
    "refused_calls",
    "retention_duties",
    "tokens",
    "transactions",
    "use_records",
    "users",
    "verify_attempts",
    "webhook_deliveries",
    "webhooks",
]
