"""Reading statements and disclosures: only the bytes that the encoder writes are accepted."""

from __future__ import annotations

import re
from typing import Final

import orjson

from xinlian.protocol.b64 import unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import loads_strict, value_text
from xinlian.protocol.record.encoding import disclosure, name_text, statement_bytes
from xinlian.protocol.record.statement import (
    HEAD_NAMES,
    MAX_DISCLOSURE_BYTES,
    MAX_STATEMENT_BYTES,
    RESERVED,
    SALT_BYTES,
    Disclosure,
    Statement,
    StatementHead,
    check_head,
)

_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
"""Base64url of 32 bytes; the spare bits of the last character are zero."""
_SALT: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)
_SCALARS: Final = frozenset({str, int, bool, type(None)})


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
    if statement_bytes(head, '","'.join(sd)) != data:
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
        if not isinstance(claims, dict) or not RESERVED.issuperset(claims):
            return None
        head, sd = _parse_head(claims), _parse_digests(claims.get("_sd"))
    except (orjson.JSONDecodeError, InputError):
        return None
    if statement_bytes(head, '","'.join(sd)) != data:
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
    if name in RESERVED or disclosure(unb64u(salt), name, exact) != text:
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
        if not (isinstance(salt, str) and isinstance(name, str)) or name in RESERVED or _SALT.fullmatch(salt) is None:
            return None
        exact, named = value_text(value), name_text(name)
    except (orjson.JSONDecodeError, InputError):
        return None
    if len(raw) > MAX_DISCLOSURE_BYTES or f'["{salt}",{named},{exact}]'.encode() != raw:
        return None
    return Disclosure(salt, name, value, exact)


def _parse_head(claims: dict[str, object]) -> StatementHead:
    iss, vct, jti, iat, rev = (claims.get(name) for name in HEAD_NAMES)
    if not (isinstance(iss, str) and isinstance(vct, str) and isinstance(jti, str)):
        raise InputError("statement-form", "iss, vct and jti: expected texts")
    if type(iat) is not int or type(rev) is not int:
        raise InputError("statement-form", "iat and rev: expected whole numbers")
    extra = tuple((name, _extra_text(name, value)) for name, value in claims.items() if name not in RESERVED)
    head = StatementHead(iss, vct, jti, iat, rev, _parse_prev(claims.get("prev")), extra)
    check_head(head)
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
