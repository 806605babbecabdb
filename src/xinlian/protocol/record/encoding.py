"""Sealing: statements, disclosures and leaves of the encoder ``rec/1``."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256, shake_256
from struct import Struct
from typing import Final

from xinlian.protocol.b64 import b64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import value_text
from xinlian.protocol.record.statement import (
    RECORD_KEY_BYTES,
    SALT_BYTES,
    SealedRecord,
    StatementHead,
    check_head,
    check_names,
)
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import (
    Hash32,
)

_SALT_LABEL: Final = b"xinlian rec/1 salts"
SALT_CHARS: Final = 22
DIGEST_CHARS: Final = 43
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


def derive_salts(record_key: bytes, n: int) -> list[bytes]:
    """Return the ``n`` salts of a record, 16 bytes each, in field order.

    Args:
        record_key: 32 fresh random bytes, one key per record.
        n: number of fields.

    Source: FIPS 202 (SHAKE-256); design.md 4.1.
    """
    stream = _salt_stream(record_key, n)
    return [stream[i : i + SALT_BYTES] for i in range(0, len(stream), SALT_BYTES)]


def disclosure(salt: bytes, name: str, text: str) -> str:
    """Return the disclosure of one field.

    Args:
        salt: 16 bytes.
        name: field name.
        text: exact JSON text of the value (``jsontext.value_text``).

    Source: RFC 9901 §4.2.1.
    """
    return b64u(f'["{b64u(salt)}",{name_text(name)},{text}]'.encode())


def disclosure_digest(text: str) -> str:
    """Return base64url(SHA-256(ascii disclosure)), 43 characters. Source: RFC 9901 §4.2.3."""
    return b64u(sha256(text.encode("ascii")).digest())


def seal(head: StatementHead, fields: Sequence[tuple[str, str]], record_key: bytes) -> SealedRecord:
    """Seal one record; the same arguments always give the same bytes, so this is also how a record is rebuilt.

    Args:
        head: the clear claims.
        fields: (name, exact JSON text of the value) in schema order, null included; names differ.
        record_key: 32 fresh random bytes.

    Returns:
        Statement, disclosures and leaf.

    Raises:
        InputError: ``statement-form`` when the head breaks a rule, a name is reserved or stands twice, or the key is short.

    Source: RFC 9901 §4.2; design.md 4.1.
    """
    check_head(head)
    count = len(fields)
    if count == 0:
        statement = statement_bytes(head, "")
        return SealedRecord(statement, (), leaf_hash(statement))
    names, texts = zip(*fields, strict=True)
    tokens, digests = disclose(names, texts, record_key)
    statement = statement_bytes(head, digests)
    return SealedRecord(statement, tokens, leaf_hash(statement))


def disclose(names: tuple[str, ...], texts: Sequence[str], record_key: bytes) -> tuple[tuple[str, ...], str]:
    """Make the disclosures of one record.

    Args:
        names: field names, at least one; they differ.
        texts: exact JSON text of each value.
        record_key: 32 fresh random bytes.

    Returns:
        The disclosures in the order of the names, and the text that stands between the quotes of ``_sd``.

    Raises:
        InputError: ``statement-form`` as ``seal``.
    """
    count = len(names)
    salts = _spaced_b64(_splitter(f"{SALT_BYTES}s", count).unpack(_salt_stream(record_key, count)), b"\0\0")
    values = "\0".join(texts).encode().split(b"\0")
    if len(values) != count:
        raise InputError("statement-form", "a value is not a JSON text: it holds a raw NUL")
    arguments = [b""] * (2 * count)
    arguments[::2] = _splitter(f"{SALT_CHARS}s2x", count).unpack(salts)
    arguments[1::2] = values
    joined = _tokens(_disclosures_template(names) % tuple(arguments))
    tokens = joined.split(b"\n")
    digests = _spaced_b64([sha256(token).digest() for token in tokens], b"\0")
    sd = sorted(_splitter(f"{DIGEST_CHARS}sx", count).unpack(digests))
    return tuple(joined.decode("ascii").split("\n")), b'","'.join(sd).decode("ascii")


def encode_statement(head: StatementHead, digests: Sequence[str]) -> bytes:
    """Return the statement of ``head`` over disclosure digests in any order.

    Raises:
        InputError: ``statement-form`` when the head breaks a rule or a digest stands twice.
    """
    check_head(head)
    if len(set(digests)) != len(digests):
        raise InputError("statement-form", "_sd: a digest stands twice", field="_sd")
    return statement_bytes(head, '","'.join(sorted(digests)))


def leaf_of(statement: bytes) -> Hash32:
    """Return the leaf of statement bytes, SHA-256(0x00 || statement)."""
    return leaf_hash(statement)


@lru_cache(maxsize=8192)
def name_text(name: str) -> str:
    """Return the JSON text of a name."""
    return value_text(name)


def _salt_stream(record_key: bytes, n: int) -> bytes:
    if len(record_key) != RECORD_KEY_BYTES:
        raise InputError("statement-form", "expected a record key of 32 bytes", length=len(record_key))
    return shake_256(_SALT_LABEL + record_key).digest(SALT_BYTES * n)


@lru_cache(maxsize=1024)
def _splitter(part: str, count: int) -> Struct:
    return Struct(part * count)


@lru_cache(maxsize=1024)
def _disclosures_template(names: tuple[str, ...]) -> bytes:
    """Return ``["%b","name",%b]`` for each name, NUL between them (JSON text never holds a raw NUL)."""
    check_names(names)
    return b"\0".join([b'["%%b",%b,%%b]' % name_text(name).replace("%", "%%").encode() for name in names])


def _tokens(bodies: bytes) -> bytes:
    """Return base64url of each NUL-separated body, without padding, one a line."""
    lines = b"".join([b2a_base64(body) for body in bodies.split(b"\0")])
    return lines[:-1].translate(_URL_SAFE, b"=")


def _spaced_b64(parts: Sequence[bytes], gap: bytes) -> bytes:
    """Base64url of many equal parts in one call, each followed by zero bytes ``gap`` up to a multiple of three.

    The text of a part is then its own base64url text, followed by one ``A`` per zero byte.
    """
    return b2a_base64(gap.join(parts) + gap, newline=False).translate(_URL_SAFE)


def statement_bytes(head: StatementHead, digests: str) -> bytes:
    """Return the statement; ``digests`` are joined by ``","`` already."""
    prev = "" if head.prev is None else f',"prev":"{head.prev.hex()}"'
    extra = "".join([f",{name_text(name)}:{text}" for name, text in head.extra]) if head.extra else ""
    sd = f'"{digests}"' if digests else ""
    return (
        f'{{"iss":"{head.iss}","vct":"{head.vct}","jti":"{head.jti}","iat":{head.iat},"rev":{head.rev}'
        f'{prev}{extra},"_sd":[{sd}],"_sd_alg":"sha-256"}}'
    ).encode()
