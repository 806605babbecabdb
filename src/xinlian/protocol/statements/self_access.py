"""Self-access statements: what each side notes when a person asks for the own ledger; a fixed type of the stream ``reads``.

Rules
1. One statement a side and outcome. There is no grant and no case, so it is no read entry; it stands in the same stream.
2. Clear: request id, role, the other department, law time, outcome, digests of the ciphertexts.
3. Disclosed on purpose only: the person's pseudonym of the writer, who verified the person and how, how many entries were given,
   and the official at the authority's counter.

Codes: ``statement-form``, ``statement-foreign-disclosure`` and those of ``record``.

Source: issue "2 of 5" (the person's ledger); PIPL art. 44, 45; docs/protocol-exchange.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xinlian.protocol.envelope import RID_FORM, USCC_FORM, Rid
from xinlian.protocol.members import Members, Where
from xinlian.protocol.messages.words import HEX32
from xinlian.protocol.record import SealedRecord
from xinlian.protocol.statements.form import Parsed, StatementForm, StatementIds, texts_of
from xinlian.protocol.statements.keyed import KEYED_FORM
from xinlian.protocol.statements.reads import ReadRole
from xinlian.protocol.types import VCT_SELF_ACCESS, EpochS, Uscc

MAX_GIVEN: Final = 10_000

FORM: Final = StatementForm(
    VCT_SELF_ACCESS,
    Where("statement-form", "self-access statement"),
    ("rid", "role", "counterparty", "time", "outcome", "request_digest", "answer_digest"),
    ("subject", "login_issuer", "login_method", "entries", "operator"),
)
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class SelfAccessOutcome(StrEnum):
    """How a request for the own ledger came out, as the writer saw it; a provider knows the first two."""

    GIVEN = "given"
    REFUSED = "refused"
    ATTEMPTED = "attempted"
    NO_ANSWER = "no-answer"
    NOT_PROVEN = "not-proven"


_PROVIDERS: Final = frozenset({SelfAccessOutcome.GIVEN, SelfAccessOutcome.REFUSED})


@dataclass(frozen=True, slots=True)
class SelfAccessClear:
    """The clear part.

    Args:
        rid: the request's id.
        role: which side writes.
        counterparty: the other department.
        time: law time, epoch seconds.
        outcome: how it came out.
        request_digest: SHA-256 of the request's ciphertext, 32 bytes.
        answer_digest: SHA-256 of the answer's ciphertext, 32 bytes; None without one.
    """

    rid: Rid
    role: ReadRole
    counterparty: Uscc
    time: EpochS
    outcome: SelfAccessOutcome
    request_digest: bytes
    answer_digest: bytes | None


@dataclass(frozen=True, slots=True)
class SelfAccessDisclosed:
    """The part that is disclosed on purpose only.

    Args:
        subject: the writer's pseudonym of the person; None when it was not proven who asks.
        login_issuer: who verified the person.
        login_method: how.
        entries: how many entries were given, None before.
        operator: person id of the official at the asking node; None on the provider's side.
    """

    subject: str | None
    login_issuer: str
    login_method: str
    entries: int | None
    operator: str | None


SelfAccessStatement = Parsed[SelfAccessClear, SelfAccessDisclosed]
"""A parsed statement; its leaf is in stream ``reads``."""


def seal_self_access(
    ids: StatementIds, clear: SelfAccessClear, disclosed: SelfAccessDisclosed, record_key: bytes
) -> SealedRecord:
    """Make a statement.

    Args:
        ids: issuer, record id, time.
        clear: the clear part.
        disclosed: what becomes disclosures, in a fixed order.
        record_key: 32 fresh random bytes for the salts.

    Raises:
        InputError: ``statement-form`` when a member is not of its form.
    """
    answer = None if clear.answer_digest is None else clear.answer_digest.hex()
    shown = FORM.clear_members(
        (
            clear.rid,
            clear.role.value,
            clear.counterparty,
            clear.time,
            clear.outcome.value,
            clear.request_digest.hex(),
            answer,
        )
    )
    d = disclosed
    hidden = FORM.disclosed_members((d.subject, d.login_issuer, d.login_method, d.entries, d.operator))
    _clear(shown)
    _disclosed(hidden)
    return FORM.seal(ids, texts_of(shown), texts_of(hidden), record_key)


def parse_self_access(statement: bytes, disclosures: Sequence[str] = ()) -> SelfAccessStatement:
    """Read a statement; the disclosed part only when all its disclosures are given.

    Raises:
        InputError: ``statement-form`` and the codes of ``record``.
        EvidenceError: ``statement-foreign-disclosure``.
    """
    return FORM.parse(statement, disclosures, _clear, _disclosed)


def _clear(values: Mapping[str, object]) -> SelfAccessClear:
    members = Members.of(values, FORM.clear, FORM.where)
    answer = members.optional_text("answer_digest", HEX32)
    found = SelfAccessClear(
        Rid(members.text("rid", RID_FORM)),
        members.choice("role", ReadRole),
        Uscc(members.text("counterparty", USCC_FORM)),
        EpochS(members.integer("time", 0)),
        members.choice("outcome", SelfAccessOutcome),
        bytes.fromhex(members.text("request_digest", HEX32)),
        None if answer is None else bytes.fromhex(answer),
    )
    if found.role is ReadRole.PROVIDER and found.outcome not in _PROVIDERS:
        raise FORM.where.at("outcome").error("an outcome that a provider can see")
    return found


def _disclosed(values: Mapping[str, object]) -> SelfAccessDisclosed:
    members = Members.of(values, FORM.disclosed, FORM.where)
    return SelfAccessDisclosed(
        members.optional_text("subject", KEYED_FORM),
        members.text("login_issuer", _LINE),
        members.text("login_method", _LINE),
        members.optional_integer("entries", 0, MAX_GIVEN),
        members.optional_text("operator", _LINE),
    )
