"""What a statement and a disclosure are, and the rules of a statement's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict
from xinlian.protocol.types import (
    MAX_EXACT_INT,
    VCT_ACT,
    VCT_ANSWER,
    VCT_READ,
    VCT_SELF_ACCESS,
    Hash32,
    is_uuid7_text,
    split_dataset_vct,
    uscc_of_issuer,
)

ENCODER: Final = "rec/1"
SALT_BYTES: Final = 16
RECORD_KEY_BYTES: Final = 32
MAX_STATEMENT_BYTES: Final = 1024 * 1024
MAX_DISCLOSURE_BYTES: Final = 1024 * 1024
PROTOCOL_TYPES: Final = frozenset({VCT_ACT, VCT_ANSWER, VCT_READ, VCT_SELF_ACCESS})
HEAD_NAMES: Final = ("iss", "vct", "jti", "iat", "rev")
RESERVED: Final = frozenset({*HEAD_NAMES, "prev", "_sd", "_sd_alg", "..."})


@dataclass(frozen=True, slots=True)
class StatementHead:
    """The clear claims of a statement.

    Args:
        iss: issuer, ``urn:uscc:<USCC>``.
        vct: catalogue code and version, or a fixed type of the protocol.
        jti: record id, UUIDv7 text.
        iat: law time of issue, epoch seconds.
        rev: revision, from 1.
        prev: leaf (32 bytes) of the replaced revision; None exactly when ``rev`` is 1.
        extra: further clear claims as (name, exact JSON text), in the order they are written.
    """

    iss: str
    vct: str
    jti: str
    iat: int
    rev: int
    prev: bytes | None = None
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """What sealing yields: statement bytes (UTF-8), disclosures in field order, leaf (32 bytes)."""

    statement: bytes
    disclosures: tuple[str, ...]
    leaf: Hash32


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement; ``raw`` holds its exact bytes and ``sd`` the digests in rising order."""

    iss: str
    vct: str
    jti: str
    iat: int
    rev: int
    prev: bytes | None
    extra: tuple[tuple[str, str], ...]
    sd: tuple[str, ...]
    raw: bytes

    @property
    def head(self) -> StatementHead:
        """The clear claims, as the encoder takes them."""
        return StatementHead(self.iss, self.vct, self.jti, self.iat, self.rev, self.prev, self.extra)

    def claim(self, name: str) -> object:
        """Return the value of the extra clear claim ``name``; KeyError when there is none."""
        return loads_strict(dict(self.extra)[name].encode())


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A parsed disclosure: salt (base64url text), field name, value, and the value's exact JSON text."""

    salt: str
    name: str
    value: object
    value_text: str


def check_head(head: StatementHead) -> None:
    """Check the clear claims.

    Raises:
        InputError: ``statement-form`` when one breaks a rule.
    """
    _check_names_of_type(head.iss, head.vct)
    check_jti(head.jti)
    if not 0 <= head.iat <= MAX_EXACT_INT:
        raise InputError("statement-form", "iat: expected epoch seconds", field="iat")
    if not 1 <= head.rev <= 0xFFFFFFFF:
        raise InputError("statement-form", "rev: expected a whole number from 1", field="rev")
    if (head.prev is None) != (head.rev == 1) or (head.prev is not None and len(head.prev) != 32):
        raise InputError("statement-form", "prev: expected a leaf of 32 bytes exactly when rev is larger than 1", field="prev")
    if head.extra:
        check_names([name for name, _ in head.extra])


def check_jti(jti: str) -> None:
    """Check a record id.

    Raises:
        InputError: ``statement-form`` when it is no UUIDv7 in lower case.
    """
    if not is_uuid7_text(jti):
        raise InputError("statement-form", "jti: expected a UUIDv7 in lower case", field="jti")


@lru_cache(maxsize=1024)
def _check_names_of_type(iss: str, vct: str) -> None:
    uscc_of_issuer(iss)
    if vct not in PROTOCOL_TYPES and split_dataset_vct(vct) is None:
        raise InputError("statement-form", "vct: expected <USCC>/<6 digits>@<version> or a type of the protocol", field="vct")


def check_names(names: Sequence[str]) -> None:
    """Check the names of fields or claims.

    Raises:
        InputError: ``statement-form`` when one stands twice or is reserved.
    """
    unique = set(names)
    if len(unique) != len(names):
        raise InputError("statement-form", "a field name stands twice")
    if not unique.isdisjoint(RESERVED):
        raise InputError("statement-form", "a field has a reserved name", names=sorted(unique & RESERVED))
