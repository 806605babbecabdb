"""rec/1: byte vectors, a naive second implementation, RFC 9901's examples, strict parsing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support import naive
from xinlian.protocol import record
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import value_text
from xinlian.protocol.record import StatementHead, parse_disclosure, parse_statement, seal

VECTORS: list[dict[str, Any]] = json.loads((naive.VECTORS / "rec-1.json").read_text())["vectors"]
HEAD = StatementHead(f"urn:uscc:{naive.USCC}", naive.VCT, naive.JTI, 1_772_000_000, 1)
KEY = bytes(range(32))
FIELDS = [("name", '"测试甲"'), ("balance_yuan", '"120000.00"')]


def head_of(claims: dict[str, Any]) -> StatementHead:
    known = {"iss", "vct", "jti", "iat", "rev", "prev"}
    prev = bytes.fromhex(claims["prev"]) if "prev" in claims else None
    extra = tuple((name, value_text(value)) for name, value in claims.items() if name not in known)
    return StatementHead(claims["iss"], claims["vct"], claims["jti"], claims["iat"], claims["rev"], prev, extra)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["title"])
def test_byte_vectors(vector: dict[str, Any]) -> None:
    head = head_of(vector["head"])
    sealed = seal(head, [(name, value_text(value)) for name, value in vector["fields"]], bytes.fromhex(vector["record_key"]))
    assert b64u(sealed.statement) == vector["statement"]
    assert list(sealed.disclosures) == vector["disclosures"]
    assert sealed.leaf.hex() == vector["leaf"]
    parsed = parse_statement(sealed.statement)
    assert (parsed.head, parsed.raw) == (head, sealed.statement)
    assert [(d.name, d.value) for d in map(parse_disclosure, sealed.disclosures)] == [tuple(field) for field in vector["fields"]]


def test_the_vectors_are_those_of_the_naive_implementation() -> None:
    assert naive.record_vectors() == VECTORS


@pytest.mark.parametrize("count", [0, 1, 2, 3, 19, 20, 100, 1000])
def test_any_number_of_fields(count: int) -> None:
    values = [(f"field_{n}", "长" * (n % 7) + "x" * (n % 5)) for n in range(count)]
    head = {"iss": HEAD.iss, "vct": HEAD.vct, "jti": HEAD.jti, "iat": HEAD.iat, "rev": 1}
    sealed = seal(HEAD, [(name, value_text(value)) for name, value in values], KEY)
    assert (sealed.statement, list(sealed.disclosures), sealed.leaf) == naive.record(head, values, KEY)


def test_disclosures_are_those_of_the_single_function() -> None:
    sealed = seal(HEAD, FIELDS, KEY)
    salts = record.derive_salts(KEY, 2)
    assert sealed.disclosures == tuple(record.disclosure(salt, *field) for salt, field in zip(salts, FIELDS, strict=True))
    assert {record.disclosure_digest(text) for text in sealed.disclosures} == set(parse_statement(sealed.statement).sd)


def test_names_that_look_like_a_format() -> None:
    sealed = seal(HEAD, [("100%", "1"), ("%s%b", "2"), ('"\\', "3"), ("中文", "4")], KEY)
    assert [parse_disclosure(text).name for text in sealed.disclosures] == ["100%", "%s%b", '"\\', "中文"]


def test_another_key_changes_every_salt_and_digest() -> None:
    one, other = seal(HEAD, FIELDS, KEY), seal(HEAD, FIELDS, bytes(32))
    assert set(one.disclosures).isdisjoint(other.disclosures)
    assert set(parse_statement(one.statement).sd).isdisjoint(parse_statement(other.statement).sd)


def test_examples_of_rfc_9901() -> None:
    """§4.2.3; section 4.2.1's other spellings of the same claim are not ours and are refused by the parser."""
    text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert unb64u(text).decode() == '["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]'
    assert record.disclosure_digest(text) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    with pytest.raises(InputError) as caught:
        parse_disclosure(text)
    assert caught.value.code == "disclosure-form"


def statement_text(**changes: Any) -> bytes:
    claims = json.loads(seal(HEAD, FIELDS, KEY).statement)
    claims.update(changes)
    return naive.compact({name: value for name, value in claims.items() if value is not ...}).encode()


DIGESTS = json.loads(seal(HEAD, FIELDS, KEY).statement)["_sd"]


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ...},
        {"iss": 1},
        {"iss": "urn:uscc:1"},
        {"vct": "a/b@1"},
        {"vct": None},
        {"jti": naive.JTI.upper()},
        {"iat": -1},
        {"iat": 1.5},
        {"iat": True},
        {"iat": "1"},
        {"rev": 0},
        {"rev": 2},
        {"rev": 2**32},
        {"rev": None},
        {"_sd": ...},
        {"_sd": "a"},
        {"_sd": [1]},
        {"_sd": DIGESTS[::-1]},
        {"_sd": DIGESTS[:1] * 2},
        {"_sd": [DIGESTS[0][:-1]]},
        {"_sd": ["A" * 42 + "B"]},
        {"_sd_alg": "sha-512"},
        {"_sd_alg": ...},
        {"prev": None},
        {"prev": "ab" * 32},
        {"extra": 1.5},
        {"...": "a"},
    ],
)
def test_a_statement_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        parse_statement(statement_text(**changes))
    assert caught.value.code in {"statement-form", "base64-form"}


@pytest.mark.parametrize("prev", ["AB" * 32, "ab" * 31, "zz" * 32, 1, " " + "ab" * 32])
def test_prev_has_one_form(prev: object) -> None:
    claims = {
        "iss": HEAD.iss,
        "vct": HEAD.vct,
        "jti": HEAD.jti,
        "iat": 1,
        "rev": 2,
        "prev": prev,
        "_sd": [],
        "_sd_alg": "sha-256",
    }
    with pytest.raises(InputError) as caught:
        parse_statement(naive.compact(claims).encode())
    assert caught.value.code == "statement-form"


def test_only_the_exact_bytes_are_a_statement() -> None:
    statement = seal(HEAD, FIELDS, KEY).statement
    claims = json.loads(statement)
    reordered = naive.compact(dict(reversed(claims.items()))).encode()
    spaced = json.dumps(claims, ensure_ascii=False).encode()
    escaped = statement.replace(b"urn:uscc", b"urn\\u003auscc")
    for other in (reordered, spaced, escaped, statement + b" ", statement + b"\n", b" " + statement):
        with pytest.raises(InputError) as caught:
            parse_statement(other)
        assert caught.value.code == "statement-form"


@pytest.mark.parametrize("data", [b"[]", b"1", b"null"])
def test_a_statement_is_an_object(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        parse_statement(data)
    assert caught.value.code == "statement-form"


SALT = b64u(bytes(16))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        f'["{SALT}","a"]',
        f'["{SALT}","a",1,2]',
        f'["{SALT}",1,1]',
        '[1,"a",1]',
        f'["{SALT}","a", 1]',
        f'["{SALT}","a",1.5]',
        f'["{SALT}","a",[0.5]]',
        f'["{SALT}","a",{{"b":0.5}}]',
        f'["{SALT}","\\u0061",1]',
        f'["{SALT[:-1]}","a",1]',
        f'["{SALT[:-1]}B","a",1]',
        f'["{b64u(bytes(15))}","a",1]',
        f'["{b64u(bytes(17))}","a",1]',
        f'["{SALT}","_sd",1]',
        f'["{SALT}","...",1]',
        f'["{SALT}","iss","x"]',
        f'["{SALT}","a",{{"b":1,"b":1}}]',
        f'["{SALT}","a","\\/"]',
        f'["{SALT}","a",1',
    ],
)
def test_a_disclosure_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_disclosure(b64u(text.encode()))
    assert caught.value.code == "disclosure-form"


def test_a_disclosure_is_canonical_base64url() -> None:
    for text in (seal(HEAD, FIELDS, KEY).disclosures[0] + "=", "ab cd", ""):
        with pytest.raises(InputError) as caught:
            parse_disclosure(text)
        assert caught.value.code == "disclosure-form"


@pytest.mark.parametrize(
    "head",
    [
        replace(HEAD, iss="urn:uscc:"),
        replace(HEAD, vct="x"),
        replace(HEAD, jti="x"),
        replace(HEAD, iat=-1),
        replace(HEAD, rev=0),
        replace(HEAD, rev=2),
        replace(HEAD, prev=bytes(32)),
        replace(HEAD, rev=2, prev=bytes(31)),
        replace(HEAD, extra=(("iss", "1"),)),
        replace(HEAD, extra=(("a", "1"), ("a", "1"))),
    ],
)
def test_a_head_that_breaks_a_rule_is_not_sealed(head: StatementHead) -> None:
    with pytest.raises(InputError) as caught:
        seal(head, FIELDS, KEY)
    assert caught.value.code == "statement-form"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ([("a", "1"), ("a", "2")], KEY),
        ([("_sd", "1")], KEY),
        ([("iss", "1")], KEY),
        ([("a", '"\x00"')], KEY),
        ([("a", "1")], bytes(31)),
    ],
)
def test_fields_that_break_a_rule_are_not_sealed(fields: list[tuple[str, str]], key: bytes) -> None:
    with pytest.raises(InputError) as caught:
        seal(HEAD, fields, key)
    assert caught.value.code == "statement-form"


def test_statements_of_the_protocol_carry_clear_claims() -> None:
    head = replace(HEAD, vct="xinlian/read@1", extra=(("rid", '"abc"'), ("items", "[1,2]")))
    parsed = parse_statement(seal(head, FIELDS, KEY).statement)
    assert (parsed.claim("rid"), parsed.claim("items")) == ("abc", [1, 2])
    with pytest.raises(KeyError):
        parsed.claim("name")


def test_digests_of_a_statement_may_come_in_any_order() -> None:
    digests = [record.disclosure_digest(text) for text in seal(HEAD, FIELDS, KEY).disclosures]
    expected = seal(HEAD, FIELDS, KEY).statement
    assert record.encode_statement(HEAD, digests) == record.encode_statement(HEAD, digests[::-1]) == expected
    with pytest.raises(InputError) as caught:
        record.encode_statement(HEAD, digests[:1] * 2)
    assert caught.value.code == "statement-form"


def test_leaf_of_a_statement() -> None:
    sealed = seal(HEAD, FIELDS, KEY)
    assert record.leaf_of(sealed.statement) == sealed.leaf == naive.sha(b"\x00" + sealed.statement)
