"""A second implementation of the evidence formats, written after docs/protocol.md only: slow, plain, without our modules.

It is the oracle of the unit tests and wrote the files in tests/vectors/evidence. ``python -m tests.support.naive`` prints nothing
and writes them again; a change of a vector file is a change of the protocol.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from Crypto.Hash import keccak
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_abi.abi import encode

VECTORS = Path(__file__).parent.parent / "vectors" / "evidence"
USCC = "12411599MBDEM00233"
VCT = f"{USCC}/000001@1"
JTI = "01a3185c-5000-7000-8000-000000000000"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def keccak_hash(data: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=data).digest()


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def record(head: dict[str, Any], fields: list[tuple[str, Any]], key: bytes) -> tuple[bytes, list[str], bytes]:
    """Return statement, disclosures and leaf; ``head`` holds the clear claims in the order of the format."""
    salts = hashlib.shake_256(b"xinlian rec/1 salts" + key).digest(16 * len(fields))
    disclosures = [
        b64(compact([b64(salts[16 * i : 16 * i + 16]), name, value]).encode()) for i, (name, value) in enumerate(fields)
    ]
    digests = sorted(b64(sha(text.encode())) for text in disclosures)
    statement = compact({**head, "_sd": digests, "_sd_alg": "sha-256"}).encode()
    return statement, disclosures, sha(b"\x00" + statement)


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, over leaf hashes."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def largest_power_below(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def fold(acc: bytes, topic0: bytes, body: bytes, timestamp: int, number: int) -> bytes:
    return keccak_hash(encode(["bytes32", "bytes32", "bytes", "uint256", "uint256"], [acc, topic0, body, timestamp, number]))


def jws(payload: bytes, seed: bytes, typ: str) -> str:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    x = b64(key.public_key().public_bytes_raw())
    kid = b64(sha(compact({"crv": "Ed25519", "kty": "OKP", "x": x}).encode()))
    signed = b64(compact({"alg": "EdDSA", "kid": kid, "typ": typ}).encode()) + "." + b64(payload)
    return signed + "." + b64(key.sign(signed.encode()))


def record_vectors() -> list[dict[str, Any]]:
    first = {"iss": f"urn:uscc:{USCC}", "vct": VCT, "jti": JTI, "iat": 1_772_000_000, "rev": 1}
    every = [
        ("empty", ""), ("nothing", None), ("yes", True), ("no", False), ("count", 0), ("most", 2**53 - 1), ("least", 1 - 2**53),
        ("money_yuan", "120000.00"), ("name", "测试甲"), ("astral", "𠮷野家"), ("quotes", 'a"b\\c/d'),
        ("controls", "\x00\x01\b\t\n\f\r\x1f\x7f"),
        ("separators", "\u2028\u2029"), ("composed", "é"), ("decomposed", "e\u0301"), ("list", [1, "a", None, []]),
        ("object", {"b": 1, "a": {}}),
        ("中文", "name in Chinese"), ("long", "长" * 200),
    ]  # fmt: skip
    cases: list[tuple[str, dict[str, Any], list[tuple[str, Any]], bytes]] = [
        ("one field", first, [("balance_yuan", "120000.00")], bytes(32)),
        ("every kind of value", first, list(every), bytes(range(32))),
        ("no field", first, [], bytes([255]) * 32),
        ("second revision", {**first, "rev": 2, "prev": "ab" * 32}, [("balance_yuan", "1.00")], bytes([1]) * 32),
        (
            "extra clear claims",
            {**first, "vct": "xinlian/read@1", "rid": "AAAAAAAAAAAAAAAAAAAAAA", "items": [1, {"a": "测"}]},
            [("mode", "query")],
            bytes([2]) * 32,
        ),
    ]
    vectors = []
    for title, head, fields, key in cases:
        statement, disclosures, leaf = record(head, fields, key)
        vectors.append(
            {
                "title": title,
                "head": head,
                "fields": [[name, value] for name, value in fields],
                "record_key": key.hex(),
                "statement": b64(statement),
                "disclosures": disclosures,
                "leaf": leaf.hex(),
            }
        )
    return vectors


def act_vectors() -> list[dict[str, Any]]:
    """Act statements: a consent with its text, and a withdrawal without one."""
    head = {"iss": f"urn:uscc:{USCC}", "vct": "xinlian/act@1", "jti": JTI, "iat": 1_772_000_000, "rev": 1}
    consented = {"act": "consented", "object": f"dataset {VCT}", "time": 1_772_000_000, "document": "cd" * 32}
    withdrawn = {"act": "withdrawn", "object": f"request {USCC}/20260924000001", "time": 1_772_000_001, "document": None}
    cases = [
        ("a head consents", consented, ("P0002", "共享工作机构负责人", "head", 7)),
        ("a handler withdraws, outside of an approval", withdrawn, ("工号-3", "经办岗", "handler", None)),
    ]
    vectors = []
    for number, (title, clear, disclosed) in enumerate(cases, 8):
        fields = list(zip(("person_id", "post", "role", "approval"), disclosed, strict=True))
        statement, disclosures, leaf = record({**head, **clear}, fields, bytes([number]) * 32)
        vectors.append(
            {
                "title": title,
                "clear": clear,
                "disclosed": dict(fields),
                "record_key": (bytes([number]) * 32).hex(),
                "statement": b64(statement),
                "disclosures": disclosures,
                "leaf": leaf.hex(),
            }
        )
    return vectors


def document_vectors() -> list[dict[str, Any]]:
    """Salted digests of texts; the second is spaced as its writer liked."""
    salts = [bytes(range(32)), bytes([9]) * 32]
    texts = [
        compact({"document": "consent", "object": f"dataset {VCT}", "reason": "同意"}),
        f'{{ "document": "refusal",\n "object": "request {USCC}/20260924000001" }}',
    ]
    return [
        {"salt": salt.hex(), "text": text, "digest": sha(b"\x02" + salt + text.encode()).hex()}
        for salt, text in zip(salts, texts, strict=True)
    ]


def tree_vectors() -> list[dict[str, Any]]:
    """The eight inputs that the CT reference implementations test with, and larger trees of leaf hashes of counters."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    known = [sha(b"\x00" + bytes.fromhex(text)) for text in inputs]
    vectors: list[dict[str, Any]] = []
    for leaves, title in [(known[:n], "certificate transparency inputs") for n in range(1, 9)] + [
        ([sha(b"\x00" + i.to_bytes(4)) for i in range(n)], "uint32 counters") for n in (9, 31, 33, 100)
    ]:
        picked = sorted({0, 1, len(leaves) // 2, len(leaves) - 1} & set(range(len(leaves))))
        paths = [{"index": i, "path": [step.hex() for step in path(i, leaves)]} for i in picked]
        vectors.append({"title": title, "leaves": [leaf.hex() for leaf in leaves], "root": mth(leaves).hex(), "paths": paths})
    return vectors


def accumulator_vectors() -> list[dict[str, Any]]:
    acc = bytes(32)
    topic = keccak_hash(b"BatchAnchored(bytes18,uint8,uint64,bytes32,uint32,uint8,bytes32)")
    types = ["bytes18", "uint8", "uint64", "bytes32", "uint32", "uint8", "bytes32"]
    bodies = [encode(types, [USCC.encode(), 1, n, sha(bytes([n])), n, 1, bytes(32)]) for n in (1, 2)]
    bodies += [b"", b"\x01", bytes(31), bytes(33)]
    vectors = []
    for number, body in enumerate(bodies, 1):
        result = fold(acc, topic, body, 1_772_000_000 + number, number)
        vectors.append(
            {
                "acc": "0x" + acc.hex(),
                "topic0": "0x" + topic.hex(),
                "body": "0x" + body.hex(),
                "timestamp": 1_772_000_000 + number,
                "number": number,
                "result": "0x" + result.hex(),
            }
        )
        acc = result
    return vectors


def bundle_vectors() -> list[dict[str, Any]]:
    """A current, a superseded and a pending bundle of one department, and the parts of a batch of three."""
    head = {"iss": f"urn:uscc:{USCC}", "vct": VCT, "jti": JTI, "iat": 1_772_000_000, "rev": 1}
    old, old_open, old_leaf = record(head, [("balance_yuan", "120000.00"), ("name", "测试甲")], bytes([3]) * 32)
    new, new_open, new_leaf = record({**head, "rev": 2, "prev": old_leaf.hex()}, [("balance_yuan", "1.00")], bytes([4]) * 32)
    first, second = [old_leaf, sha(b"\x00a"), sha(b"\x00b")], [new_leaf]
    receipts = [_receipt(1, first), _receipt(2, second)]
    plain = {"format": "xinlian-evidence/1", "statement": b64(old), "disclosures": old_open[:1]}
    later = {"statement": b64(new), "receipt": receipts[1]}
    return [
        {"title": "anchored", "bundle": {**plain, "receipt": receipts[0], "successor": None, "issued_at": 1_772_000_100}},
        {"title": "superseded", "bundle": {**plain, "receipt": receipts[0], "successor": later, "issued_at": 1_772_000_100}},
        {
            "title": "pending, signed",
            "bundle": {
                "format": "xinlian-evidence/1",
                "statement": b64(new),
                "disclosures": new_open,
                "signed": jws(new, bytes([7]) * 32, "dc+sd-jwt"),
                "receipt": None,
                "successor": None,
                "issued_at": 1_772_000_100,
            },
        },
    ]


def _receipt(sequence: int, leaves: list[bytes]) -> dict[str, Any]:
    return {
        "chain_id": 31337,
        "genesis_hash": "0x" + "11" * 32,
        "ledger": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "department": USCC,
        "stream": "records",
        "sequence": sequence,
        "index": 0,
        "size": len(leaves),
        "root": mth(leaves).hex(),
        "suite": 1,
        "path": [step.hex() for step in path(0, leaves)],
        "block_number": 10 + sequence,
        "block_time": 1_772_000_010 + sequence,
        "tx_hash": "0x" + "22" * 32,
    }


def write() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name, vectors in (
        ("rec-1", record_vectors()),
        ("trees", tree_vectors()),
        ("bundles", bundle_vectors()),
        ("acts", act_vectors()),
        ("documents", document_vectors()),
    ):
        _write(VECTORS / f"{name}.json", vectors)
    _write(VECTORS.parent / "accumulator.json", accumulator_vectors())


def _write(file: Path, vectors: list[dict[str, Any]]) -> None:
    about = "Written by tests/support/naive.py; a change is a change of the protocol"
    file.write_text(json.dumps({"about": about, "vectors": vectors}, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
