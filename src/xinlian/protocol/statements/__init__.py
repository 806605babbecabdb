"""Read entries and answer statements: SD-JWT statements of two fixed types, for streams ``reads`` and ``answers``.

Rules
1. Both are made by the record encoder (``record``): a clear head, everything that tells about a person as salted disclosures.
2. A read entry is written by each side, one per item of a request. Clear: rid, item, role, counterparty, grant, case, time,
   outcome, keyed record tag, digests of the two ciphertexts. Disclosed on purpose only: mode, dataset, purpose, fields or
   view, pseudonyms of the subjects, record ids, person who asked.
3. An answer statement is signed by the provider and proves *what it stated*, not that it is true. Clear: request digest, item,
   view, as-of sequence, dataset, mode, derived view. Disclosed: subjects, question, outcome, value, source leaves.
4. No clear member can be found by guessing: digests cover ciphertext, tags and pseudonyms are keyed (HMAC-SHA256, 256 bit).
5. Pseudonyms and tags are made with a key of one department and never cross to another; the two sides meet by rid and digests.
6. Keys, record ids and times come from the caller.

Codes: ``statement-form``, ``statement-foreign-disclosure`` and those of ``record``.

Example::

    sealed = seal_read(StatementIds(issuer, jti, iat), clear, disclosed, record_key)
    clear = parse_read(sealed.statement).clear

Source: design 4.5; RFC 9901; docs/protocol-exchange.md.
"""

from xinlian.protocol.statements.answers import (
    MAX_SOURCES,
    AnswerClear,
    AnswerDisclosed,
    AnswerStatement,
    parse_answer_statement,
    seal_answer,
)
from xinlian.protocol.statements.form import StatementIds
from xinlian.protocol.statements.keyed import record_tag, subject_pseudonym
from xinlian.protocol.statements.reads import (
    ReadClear,
    ReadDisclosed,
    ReadEntry,
    ReadItem,
    ReadOutcome,
    ReadRole,
    ReadSheet,
    parse_read,
    seal_read,
)
from xinlian.protocol.statements.self_access import (
    SelfAccessClear,
    SelfAccessDisclosed,
    SelfAccessOutcome,
    parse_self_access,
    seal_self_access,
)

__all__ = [
    "MAX_SOURCES",
    "AnswerClear",
    "AnswerDisclosed",
    "AnswerStatement",
    "ReadClear",
    "ReadDisclosed",
    "ReadEntry",
    "ReadItem",
    "ReadOutcome",
    "ReadRole",
    "ReadSheet",
    "SelfAccessClear",
    "SelfAccessDisclosed",
    "SelfAccessOutcome",
    "StatementIds",
    "parse_answer_statement",
    "parse_read",
    "parse_self_access",
    "record_tag",
    "seal_answer",
    "seal_read",
    "seal_self_access",
    "subject_pseudonym",
]
