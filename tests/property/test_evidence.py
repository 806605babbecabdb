"""Properties of trees, records, exact JSON and bundles, over inputs that nobody thought of."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support import naive
from tests.support.evidence import World
from xinlian.protocol import merkle
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.bundle import dumps
from xinlian.protocol.errors import InputError
from xinlian.protocol.jsontext import dumps_canonical, loads_strict, value_text
from xinlian.protocol.record import StatementHead, encode_statement, parse_disclosure, parse_statement, seal
from xinlian.protocol.suite import leaf_hash
from xinlian.protocol.types import MAX_EXACT_INT
from xinlian.protocol.verification import verify_bytes

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
INTEGERS = st.integers(-MAX_EXACT_INT, MAX_EXACT_INT)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
RESERVED = {"iss", "vct", "jti", "iat", "rev", "prev", "_sd", "_sd_alg", "..."}
FIELDS = st.dictionaries(TEXTS.filter(lambda name: name not in RESERVED), VALUES, max_size=25)
HEAD = StatementHead(f"urn:uscc:{naive.USCC}", naive.VCT, naive.JTI, 1_772_000_000, 1)


@given(st.integers(301, 5000), st.data())
def test_larger_trees(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(number.to_bytes(4)) for number in range(size)]
    tree = merkle.Tree(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.path(index)
    assert merkle.verify_path(leaves[index], index, size, path, tree.root)
    bit = data.draw(st.integers(0, 255))
    place = data.draw(st.integers(0, len(path) - 1))
    bent = (int.from_bytes(path[place]) ^ 1 << bit).to_bytes(32)
    assert not merkle.verify_path(leaves[index], index, size, (*path[:place], bent, *path[place + 1 :]), tree.root)
    other = data.draw(st.integers(0, size - 1))
    assume(other != index)
    assert not merkle.verify_path(leaves[index], other, size, path, tree.root)


@given(st.integers(1, 600), st.integers(1, 600))
def test_consistency_of_any_two_sizes(one: int, other: int) -> None:
    old, new = sorted((one, other))
    leaves = [leaf_hash(number.to_bytes(4)) for number in range(new)]
    path = merkle.Tree(leaves).consistency(old)
    assert merkle.verify_consistency(old, new, merkle.root(leaves[:old]), merkle.root(leaves), path)
    if old > 1:
        assert not merkle.verify_consistency(old - 1, new, merkle.root(leaves[:old]), merkle.root(leaves), path) or old == new


@given(VALUES)
def test_exact_json_is_the_standard_librarys_compact_form(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert dumps_canonical(value) == text.encode()
    assert loads_strict(text.encode()) == value


@given(st.binary(max_size=60))
def test_base64url_is_a_bijection(data: bytes) -> None:
    assert unb64u(b64u(data)) == data


@given(st.text(max_size=12))
def test_a_text_that_decodes_is_the_one_that_is_written(text: str) -> None:
    try:
        data = unb64u(text)
    except InputError as error:
        assert error.code == "base64-form"  # noqa: PT017 - any other code is the defect looked for
    else:
        assert b64u(data) == text


@given(FIELDS, st.binary(min_size=32, max_size=32))
def test_sealing_equals_the_naive_implementation(fields: dict[str, Any], key: bytes) -> None:
    sealed = seal(HEAD, [(name, value_text(value)) for name, value in fields.items()], key)
    head = {"iss": HEAD.iss, "vct": HEAD.vct, "jti": HEAD.jti, "iat": HEAD.iat, "rev": 1}
    assert (sealed.statement, list(sealed.disclosures), sealed.leaf) == naive.record(head, list(fields.items()), key)
    assert parse_statement(sealed.statement).head == HEAD
    assert {item.name: item.value for item in map(parse_disclosure, sealed.disclosures)} == fields


STATEMENT = seal(HEAD, [("name", '"a"'), ("months", "3")], bytes(32)).statement


@given(st.integers(0, len(STATEMENT) - 1), st.integers(1, 127))
def test_whatever_parses_as_a_statement_is_written_again_byte_for_byte(place: int, mask: int) -> None:
    bent = STATEMENT[:place] + bytes([STATEMENT[place] ^ mask]) + STATEMENT[place + 1 :]
    try:
        parsed = parse_statement(bent)
    except InputError:
        return
    assert encode_statement(parsed.head, parsed.sd) == bent
    assert parsed != parse_statement(STATEMENT)


WORLD = World()
GOOD = dumps(WORLD.bundle(signed_by=1))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_altered_byte_passes_as_authentic_and_current(place: int, mask: int) -> None:
    """Exit 3 (a wrong hint) is the mildest thing that an altered bundle may get; only ``issued_at`` proves nothing."""
    bent = GOOD[:place] + bytes([GOOD[place] ^ mask]) + GOOD[place + 1 :]
    report = verify_bytes(bent, WORLD.deployment, WORLD.view)
    if report.exit_code == 0:
        good, read = json.loads(GOOD), json.loads(bent)
        good["issued_at"] = read["issued_at"] = None
        for members in (good, read):
            members["receipt"]["ledger"] = members["receipt"]["ledger"].lower()
        assert read == good
    else:
        assert report.exit_code in {1, 3}
