"""What this department received of a record that it doubts, and the files it can show as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from xinlian.node.attachments import Keeping
from xinlian.node.reads import Reads
from xinlian.protocol.errors import ConflictError, InputError
from xinlian.store import attachments, case_files, read_records
from xinlian.store.attachments import Use
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction, Writer

EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Received:
    """The use case.

    Args:
        writer: node.db.
        sealer: opens the case file.
        reads: this node's own log.
        keeping: the attachments.
    """

    writer: Writer
    sealer: Sealer
    reads: Reads
    keeping: Keeping

    def check(self, provider: str, record_id: str) -> None:
        """Refuse to doubt what never came.

        Raises:
            ConflictError: ``correction-not-received``.
        """
        with self.writer.read() as reader:
            uses = read_records.uses(reader, self.reads.tag_of(record_id), "requester")
        if all(use.counterparty != provider for use in uses):
            text = "this department's read log names no such record of the provider"
            raise ConflictError("correction-not-received", text, record=record_id)

    def newest_revision(self, provider: str, record_id: str) -> int | None:
        """The newest revision among the copies still here, None when there is none."""
        with self.writer.read() as reader:
            uses = read_records.uses(reader, self.reads.tag_of(record_id), "requester")
            rids = dict.fromkeys(use.rid for use in uses if use.counterparty == provider)
            kept = [one for rid in rids for one in case_files.received_of_rid(reader, self.sealer, rid)]
        records = [record for one in kept for record in orjson.loads(one.content)["records"]]
        return max((int(record["rev"]) for record in records if record["record_id"] == record_id), default=None)

    def evidence(self, entries: object) -> object:
        """The list of a form with every ``{"attachment": "<id>"}`` replaced by what is known of that own, complete file.

        Raises:
            NotFoundError: ``attachment-unknown``.
            ConflictError: ``attachment-state``.
        """
        return [self._entry(one) for one in entries] if isinstance(entries, list) else entries

    def _entry(self, entry: object) -> object:
        if not isinstance(entry, Mapping) or set(entry) != {"attachment"}:
            return entry
        return self.keeping.evidence(str(entry["attachment"]))

    async def keep(self, payload: Mapping[str, Any], object_ref: str) -> None:
        """Keep the files that a correction shows as evidence for as long as this node keeps anything.

        Raises:
            ConflictError: ``attachment-state`` when one went meanwhile.
        """
        form = payload.get("form")
        entries = form.get(EVIDENCE) if isinstance(form, Mapping) else None
        ids = [str(one["attachment"]) for one in entries or () if isinstance(one, Mapping) and "attachment" in one]
        if not ids:
            return

        def job(tx: Transaction) -> None:
            for one in ids:
                attachments.use(tx, bytes.fromhex(one), Use("correction", object_ref, EVIDENCE))

        await self.writer.write(job)


def addressed(payload: Mapping[str, Any]) -> tuple[str, int]:
    """Provider and grant number of a proposal to open.

    Raises:
        InputError: ``approval-payload``.
    """
    provider, grant = payload.get("provider"), payload.get("grant")
    if not isinstance(provider, str) or not isinstance(grant, int) or isinstance(grant, bool):
        raise InputError("approval-payload", "a correction names provider and grant", field="provider")
    return provider, grant
