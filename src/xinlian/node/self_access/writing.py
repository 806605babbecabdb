"""Writing down that a person's ledger was asked for: one statement a side and outcome, in the stream ``reads``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from xinlian.node.reads import Reads
from xinlian.node.sealing import new_record_id
from xinlian.protocol.b64 import unb64u
from xinlian.protocol.messages import SelfAccessRequest
from xinlian.protocol.statements import (
    ReadRole,
    SelfAccessClear,
    SelfAccessDisclosed,
    SelfAccessOutcome,
    StatementIds,
    seal_self_access,
)
from xinlian.protocol.types import EpochS, Uscc
from xinlian.store import ledger
from xinlian.store.sealing import Sealer
from xinlian.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Noted:
    """What a statement says beyond its request.

    Args:
        role: which side writes.
        outcome: how it came out.
        request_digest, answer_digest: SHA-256 of the ciphertexts; the latter None without an answer.
        entries: how many were given, None before.
        operator: person id of the official at the asking node; None on the provider's side.
        is_proven: whether it is proven who asks.
    """

    role: ReadRole
    outcome: SelfAccessOutcome
    request_digest: bytes
    answer_digest: bytes | None
    entries: int | None
    operator: str | None
    is_proven: bool = True


@dataclass(frozen=True, slots=True)
class Writing:
    """The use case.

    Args:
        department: USCC of this node.
        sealer: encrypts disclosures.
        reads: this department's pseudonyms.
        law_s: law time, epoch seconds.
    """

    department: Uscc
    sealer: Sealer
    reads: Reads
    law_s: Callable[[], int]

    def write(self, tx: Transaction, request: SelfAccessRequest, noted: Noted) -> int:
        """State what happened to a request, inside the transaction in which it happens; gives the statement's position."""
        now = EpochS(self.law_s())
        ids = StatementIds(self.department, new_record_id(), now)
        other = request.from_uscc if noted.role is ReadRole.PROVIDER else request.to_uscc
        pseudonym = self.reads.pseudonyms([request.subject])[0] if noted.is_proven else None
        clear = SelfAccessClear(request.rid, noted.role, other, now, noted.outcome, noted.request_digest, noted.answer_digest)
        login = request.login
        disclosed = SelfAccessDisclosed(pseudonym, login.issuer, login.method, noted.entries, noted.operator)
        sealed = seal_self_access(ids, clear, disclosed, os.urandom(32))
        entry = ledger.SelfAccess(
            sealed.leaf,
            sealed.statement,
            "~".join(sealed.disclosures),
            request.rid,
            other,
            now,
            noted.outcome.value,
            None if pseudonym is None else unb64u(pseudonym),
        )
        return ledger.insert(tx, self.sealer, entry)
