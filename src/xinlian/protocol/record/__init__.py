"""Encoder ``rec/1``: a record as an RFC 9901 payload, written by plain concatenation.

Rules
1. A disclosure is ``base64url(["<salt>","<name>",<value text>])``: no spaces, salt of 128 bits in base64url.
2. Salts are SHAKE-256 of one record key, in the order of the fields; destroying the key destroys the salts.
3. A statement is ``{"iss":…,"vct":…,"jti":…,"iat":N,"rev":N[,"prev":"hex"][,extra…],"_sd":[…],"_sd_alg":"sha-256"}``:
   no spaces; ``_sd`` holds base64url(SHA-256(ascii disclosure)), sorted, strictly rising. Extra clear claims belong to
   the protocol's own statement types only; a published record has none.
4. ``prev`` (leaf of the replaced revision) is there exactly when ``rev`` is larger than 1.
5. A leaf is SHA-256(0x00 || statement). Parsers accept only the bytes that the encoder writes.
6. The encoder is frozen: another form is another encoder (``rec/2``), never a change here. Byte vectors: tests/vectors.

Example::

    head = StatementHead("urn:uscc:12411599MBDEM00233", "12411599MBDEM00233/000001@1", jti, 1_800_000_000, 1)
    sealed = seal(head, [("balance_yuan", '"120000.00"')], record_key)

Source: RFC 9901 §4.2; design.md 4.1.
"""

from xinlian.protocol.record.encoding import (
    derive_salts,
    disclose,
    disclosure,
    disclosure_digest,
    encode_statement,
    leaf_of,
    seal,
)
from xinlian.protocol.record.parsing import parse_disclosure, parse_statement
from xinlian.protocol.record.statement import (
    ENCODER,
    MAX_DISCLOSURE_BYTES,
    MAX_STATEMENT_BYTES,
    PROTOCOL_TYPES,
    RECORD_KEY_BYTES,
    SALT_BYTES,
    Disclosure,
    SealedRecord,
    Statement,
    StatementHead,
    check_jti,
)

__all__ = [
    "ENCODER",
    "MAX_DISCLOSURE_BYTES",
    "MAX_STATEMENT_BYTES",
    "PROTOCOL_TYPES",
    "RECORD_KEY_BYTES",
    "SALT_BYTES",
    "Disclosure",
    "SealedRecord",
    "Statement",
    "StatementHead",
    "check_jti",
    "derive_salts",
    "disclose",
    "disclosure",
    "disclosure_digest",
    "encode_statement",
    "leaf_of",
    "parse_disclosure",
    "parse_statement",
    "seal",
]
