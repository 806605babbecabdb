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

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256, shake_256
from struct import Struct
from typing import Final

import orjson

from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict, value_text
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import (
    MAX_EXACT_INT,
    VCT_ACT,
    VCT_ANSWER,
    VCT_READ,
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
PROTOCOL_TYPES: Final = frozenset({VCT_ACT, VCT_ANSWER, VCT_READ})

_SALT_LABEL: Final = b"xinlian rec/1 salts"
_SALT_CHARS: Final = 22
_DIGEST_CHARS: Final = 43
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""Base64url of 32 bytes; the spare bits of the last character are zero."""
_SALT: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
_SCALARS: Final = frozenset({str, int, bool, type(None)})
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_HEAD_NAMES: Final = ("iss", "vct", "jti", "iat", "rev")
_RESERVED: Final = frozenset({*_HEAD_NAMES, "prev", "_sd", "_sd_alg", "..."})


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
    return b64u(f'["{b64u(salt)}",{_name_text(name)},{text}]'.encode())


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
    _check_head(head)
    count = len(fields)
    if count == 0:
        statement = _statement_bytes(head, "")
        return SealedRecord(statement, (), leaf_hash(statement))
    names, texts = zip(*fields, strict=True)
    tokens, digests = disclose(names, texts, record_key)
    statement = _statement_bytes(head, digests)
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
    arguments[::2] = _splitter(f"{_SALT_CHARS}s2x", count).unpack(salts)
    arguments[1::2] = values
    joined = _tokens(_disclosures_template(names) % tuple(arguments))
    tokens = joined.split(b"\n")
    digests = _spaced_b64([sha256(token).digest() for token in tokens], b"\0")
    sd = sorted(_splitter(f"{_DIGEST_CHARS}sx", count).unpack(digests))
    return tuple(joined.decode("ascii").split("\n")), b'","'.join(sd).decode("ascii")


def encode_statement(head: StatementHead, digests: Sequence[str]) -> bytes:
    """Return the statement of ``head`` over disclosure digests in any order.

    Raises:
        InputError: ``statement-form`` when the head breaks a rule or a digest stands twice.
    """
    _check_head(head)
    if len(set(digests)) != len(digests):
        raise InputError("statement-form", "_sd: a digest stands twice", field="_sd")
    return _statement_bytes(head, '","'.join(sorted(digests)))


def parse_statement(data: bytes) -> Statement:
    """Read a statement; only the exact bytes that the encoder writes are accepted.

    Raises:
        InputError: ``statement-form`` otherwise (broken JSON keeps its own code, e.g. ``json-duplicate-key``).
    """
    plain = _plain_statement(data)
    if plain is not None:
        return plain
    claims = loads_strict(data, max_bytes=MAX_STATEMENT_BYTES, max_depth=8)
    if not isinstance(claims, dict):
        raise InputError("statement-form", "expected a JSON object")
    head = _parse_head(claims)
    sd = _parse_digests(claims.get("_sd"))
    if _statement_bytes(head, '","'.join(sd)) != data:
        raise InputError("statement-form", "the bytes are not those that the encoder rec/1 writes")
    return Statement(head.iss, head.vct, head.jti, head.iat, head.rev, head.prev, head.extra, sd, data)


def _plain_statement(data: bytes) -> Statement | None:
    """A statement without extra claims, read by the fast parser; None for any other bytes, which the strict parser judges.

    The fast parser is lenient (of two equal keys it keeps the last), but what it read is written again and compared byte by byte.
    """
    if len(data) > MAX_STATEMENT_BYTES:
        return None
    try:
        claims = orjson.loads(data)
        if not isinstance(claims, dict) or not _RESERVED.issuperset(claims):
            return None
        head, sd = _parse_head(claims), _parse_digests(claims.get("_sd"))
    except (orjson.JSONDecodeError, InputError):
        return None
    if _statement_bytes(head, '","'.join(sd)) != data:
        return None
    return Statement(head.iss, head.vct, head.jti, head.iat, head.rev, head.prev, (), sd, data)


def parse_disclosure(text: str) -> Disclosure:
    """Read a disclosure; only the exact text that the encoder writes is accepted.

    Raises:
        InputError: ``disclosure-form`` otherwise.
    """
    plain = _plain_disclosure(text)
    if plain is not None:
        return plain
    try:
        items = loads_strict(unb64u(text), max_bytes=MAX_DISCLOSURE_BYTES, max_depth=8)
    except InputError as error:
        raise InputError("disclosure-form", f"a disclosure is not base64url of JSON: {error.message}") from error
    if not (isinstance(items, list) and len(items) == 3 and isinstance(items[0], str) and isinstance(items[1], str)):
        raise InputError("disclosure-form", "expected [salt, name, value]")
    salt, name, value = items
    if _is_float_inside(value):
        raise InputError("disclosure-form", "a value is a decimal number; expected a string or a whole number", field=name[:64])
    _check_salt(salt)
    exact = value_text(value)
    if name in _RESERVED or disclosure(unb64u(salt), name, exact) != text:
        raise InputError("disclosure-form", "the bytes are not those that the encoder rec/1 writes")
    return Disclosure(salt, name, value, exact)


def _plain_disclosure(text: str) -> Disclosure | None:
    """A disclosure of a scalar, read by the fast parser; None for any other text, which the strict parser judges.

    As with statements, what was read is written again and compared byte by byte.
    """
    try:
        raw = unb64u(text)
        items = orjson.loads(raw)
        if not (isinstance(items, list) and len(items) == 3 and type(items[2]) in _SCALARS):
            return None
        salt, name, value = items
        if not (isinstance(salt, str) and isinstance(name, str)) or name in _RESERVED or _SALT.fullmatch(salt) is None:
            return None
        exact, named = value_text(value), _name_text(name)
    except (orjson.JSONDecodeError, InputError):
        return None
    if len(raw) > MAX_DISCLOSURE_BYTES or f'["{salt}",{named},{exact}]'.encode() != raw:
        return None
    return Disclosure(salt, name, value, exact)


def leaf_of(statement: bytes) -> Hash32:
    """Return the leaf of statement bytes, SHA-256(0x00 || statement)."""
    return leaf_hash(statement)


@lru_cache(maxsize=8192)
def _name_text(name: str) -> str:
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
    _check_names(names)
    return b"\0".join([b'["%%b",%b,%%b]' % _name_text(name).replace("%", "%%").encode() for name in names])


def _tokens(bodies: bytes) -> bytes:
    """Return base64url of each NUL-separated body, without padding, one a line."""
    lines = b"".join([b2a_base64(body) for body in bodies.split(b"\0")])
    return lines[:-1].translate(_URL_SAFE, b"=")


def _spaced_b64(parts: Sequence[bytes], gap: bytes) -> bytes:
    """Base64url of many equal parts in one call, each followed by zero bytes ``gap`` up to a multiple of three.

    The text of a part is then its own base64url text, followed by one ``A`` per zero byte.
    """
    return b2a_base64(gap.join(parts) + gap, newline=False).translate(_URL_SAFE)


def _statement_bytes(head: StatementHead, digests: str) -> bytes:
    """Write the statement; ``digests`` are joined by ``","`` already."""
    prev = "" if head.prev is None else f',"prev":"{head.prev.hex()}"'
    extra = "".join([f",{_name_text(name)}:{text}" for name, text in head.extra]) if head.extra else ""
    sd = f'"{digests}"' if digests else ""
    return (
        f'{{"iss":"{head.iss}","vct":"{head.vct}","jti":"{head.jti}","iat":{head.iat},"rev":{head.rev}'
        f'{prev}{extra},"_sd":[{sd}],"_sd_alg":"sha-256"}}'
    ).encode()


def _check_head(head: StatementHead) -> None:
    _check_names_of_type(head.iss, head.vct)
    check_jti(head.jti)
    if not 0 <= head.iat <= MAX_EXACT_INT:
        raise InputError("statement-form", "iat: expected epoch seconds", field="iat")
    if not 1 <= head.rev <= 0xFFFFFFFF:
        raise InputError("statement-form", "rev: expected a whole number from 1", field="rev")
    if (head.prev is None) != (head.rev == 1) or (head.prev is not None and len(head.prev) != 32):
        raise InputError("statement-form", "prev: expected a leaf of 32 bytes exactly when rev is larger than 1", field="prev")
    if head.extra:
        _check_names([name for name, _ in head.extra])


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


def _check_names(names: Sequence[str]) -> None:
    unique = set(names)
    if len(unique) != len(names):
        raise InputError("statement-form", "a field name stands twice")
    if not unique.isdisjoint(_RESERVED):
        raise InputError("statement-form", "a field has a reserved name", names=sorted(unique & _RESERVED))


def _parse_head(claims: dict[str, object]) -> StatementHead:
    iss, vct, jti, iat, rev = (claims.get(name) for name in _HEAD_NAMES)
    if not (isinstance(iss, str) and isinstance(vct, str) and isinstance(jti, str)):
        raise InputError("statement-form", "iss, vct and jti: expected texts")
    if type(iat) is not int or type(rev) is not int:
        raise InputError("statement-form", "iat and rev: expected whole numbers")
    extra = tuple((name, _extra_text(name, value)) for name, value in claims.items() if name not in _RESERVED)
    head = StatementHead(iss, vct, jti, iat, rev, _parse_prev(claims.get("prev")), extra)
    _check_head(head)
    return head


def _extra_text(name: str, value: object) -> str:
    if _is_float_inside(value):
        raise InputError("statement-form", "a claim is a decimal number", field=name[:64])
    return value_text(value)


def _parse_prev(prev: object) -> bytes | None:
    if prev is None:
        return None
    try:
        return bytes.fromhex(prev) if isinstance(prev, str) else b""
    except ValueError:
        return b""


def _parse_digests(digests: object) -> tuple[str, ...]:
    if not isinstance(digests, list) or not all(isinstance(item, str) for item in digests):
        raise InputError("statement-form", "_sd: expected a list of texts", field="_sd")
    if not all(map(_DIGEST.fullmatch, digests)):
        raise InputError("statement-form", "_sd: expected digests of 43 characters", field="_sd")
    if digests != sorted(set(digests)):
        raise InputError("statement-form", "_sd: expected rising order without repetition", field="_sd")
    return tuple(digests)


def _check_salt(salt: str) -> None:
    try:
        length = len(unb64u(salt))
    except InputError as error:
        raise InputError("disclosure-form", "a salt is not base64url") from error
    if length != SALT_BYTES:
        raise InputError("disclosure-form", "expected a salt of 128 bits")


def _is_float_inside(value: object) -> bool:
    if isinstance(value, list):
        return any(_is_float_inside(item) for item in value)
    if isinstance(value, dict):
        return any(_is_float_inside(item) for item in value.values())
    return isinstance(value, float)
