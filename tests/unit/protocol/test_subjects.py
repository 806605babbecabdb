"""Subjects of a case: openings prove exactly one subject in exactly one tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from xinlian.protocol import merkle, subjects
from xinlian.protocol.b64 import b64u, unb64u
from xinlian.protocol.dataset.model import SubjectKind
from xinlian.protocol.errors import InputError, RefusedError, XinlianError
from xinlian.protocol.subjects import Opening, Subject

JIA = Subject(SubjectKind.PERSON, "411599199001010014")
YI = Subject(SubjectKind.PERSON, "411599199102020027")
FLAT = Subject(SubjectKind.UNIT, "411599001001GB00001F00010001")
CONTRACT = Subject(SubjectKind.CONTRACT, "(测)房合同第2026001号")
EVERYTHING = [JIA, YI, FLAT, CONTRACT, Subject(SubjectKind.ORGANISATION, "91411599MADEM0011L")]


def salts(count: int) -> list[bytes]:
    return [bytes([n]) * 16 for n in range(1, count + 1)]


def code_of(call: Callable[[], object], kind: type[XinlianError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert JIA.value not in caught.value.message + repr(caught.value.fields)
    return caught.value.code


def raw_disclosure(*parts: object) -> str:
    return b64u(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode())


def test_disclosure_has_the_form_of_rfc_9901() -> None:
    text = subjects.subject_disclosure(JIA, bytes(16))
    assert unb64u(text) == b'["AAAAAAAAAAAAAAAAAAAAAA","person","411599199001010014"]'
    assert subjects.subject_leaf(text) == merkle.root([subjects.subject_leaf(text)])


def test_single_subject_is_its_own_root() -> None:
    tree = subjects.build([JIA], salts(1))
    assert tree.openings == (Opening(subjects.subject_disclosure(JIA, salts(1)[0]), 0, 1, ()),)
    assert tree.root == subjects.subject_leaf(tree.openings[0].disclosure)
    assert subjects.verify_opening(tree.openings[0], tree.root, 1) == JIA


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_opening_leads_to_the_root(count: int) -> None:
    tree = subjects.build(EVERYTHING[:count], salts(count))
    assert [subjects.verify_opening(o, tree.root, count) for o in tree.openings] == EVERYTHING[:count]


def test_adding_keeps_order_and_is_consistent() -> None:
    old = subjects.build([JIA, YI], salts(2))
    new = subjects.add_subject(old, FLAT, bytes(16))
    assert [subjects.read_subject(o) for o in new.openings] == [JIA, YI, FLAT]
    assert merkle.verify_consistency(2, 3, old.root, new.root, subjects.consistency_proof(new, 2))
    replaced = subjects.build([JIA, FLAT, YI], salts(3))
    assert not merkle.verify_consistency(2, 3, old.root, replaced.root, subjects.consistency_proof(replaced, 2))
    assert code_of(lambda: subjects.verify_opening(old.openings[0], new.root, 3), RefusedError) == "subject-not-proven"


def test_altered_openings_are_not_proven() -> None:
    tree = subjects.build(EVERYTHING, salts(5))
    opening = tree.openings[1]
    flipped = tuple(bytes([node[0] ^ 1]) + node[1:] if n == 0 else node for n, node in enumerate(opening.path))
    for altered in (
        replace(opening, index=2),
        replace(opening, size=4),
        replace(opening, path=opening.path[:-1]),
        replace(opening, path=(*opening.path, bytes(32))),
        replace(opening, path=flipped),
        replace(opening, path=(b"short", *opening.path[1:])),
        replace(opening, disclosure=tree.openings[2].disclosure),
        replace(opening, disclosure=subjects.subject_disclosure(YI, bytes(16))),
    ):
        assert code_of(partial(subjects.verify_opening, altered, tree.root, 5), RefusedError) == "subject-not-proven"
    assert code_of(lambda: subjects.verify_opening(opening, bytes(32), 5), RefusedError) == "subject-not-proven"


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (SubjectKind.PERSON, "411599199001010015", "code-check-digit"),
        (SubjectKind.ORGANISATION, "x", "code-form"),
        (SubjectKind.UNIT, "x", "code-form"),
        (SubjectKind.PROJECT, "x", "code-form"),
        (SubjectKind.CONTRACT, "", "subject-form"),
        (SubjectKind.CONTRACT, "a\nb", "subject-form"),
        (SubjectKind.PERMIT, 'a"b', "subject-form"),
        (SubjectKind.PERMIT, "x" * 65, "subject-form"),
    ],
)
def test_subjects_have_their_codes_checked(kind: SubjectKind, value: str, code: str) -> None:
    assert code_of(lambda: Subject(kind, value)) == code


SALT = "AAAAAAAAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("disclosure", "code"),
    [
        (raw_disclosure(SALT, "ghost", "x"), "subject-form"),
        (raw_disclosure(SALT, "person", "411599199001010015"), "code-check-digit"),
        (raw_disclosure("AAAA", "person", JIA.value), "subject-opening-form"),
        (raw_disclosure(SALT, "person"), "subject-opening-form"),
        (raw_disclosure(SALT, "person", JIA.value, 1), "subject-opening-form"),
        (raw_disclosure(SALT, "person", 411599199001010014), "json-not-exact"),
        (raw_disclosure(SALT, "person", 4115), "subject-opening-form"),
        (b64u(b'["%s", "person","411599199001010014"]' % SALT.encode()), "subject-opening-form"),
        (b64u(b"{}"), "subject-opening-form"),
        (b64u(b"["), "json-broken"),
        ("=", "subject-opening-form"),
        ("A" * 600, "subject-opening-form"),
        ("A", "base64-form"),
    ],
)
def test_other_disclosures_are_refused(disclosure: str, code: str) -> None:
    assert code_of(lambda: subjects.verify_opening(Opening(disclosure, 0, 1, ()), bytes(32), 1)) == code


def test_salts_are_fresh() -> None:
    tree = subjects.build([JIA], salts(1))
    assert code_of(lambda: subjects.build([JIA, YI], [bytes(16), bytes(16)])) == "subjects-salt"
    assert code_of(lambda: subjects.build([JIA, YI], salts(1))) == "subjects-salt"
    assert code_of(lambda: subjects.build([JIA], [bytes(15)])) == "subjects-salt"
    assert code_of(lambda: subjects.add_subject(tree, YI, salts(1)[0])) == "subjects-salt"
    assert code_of(lambda: subjects.build([], [])) == "subject-form"


def test_case_has_a_largest_number_of_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "MAX_SUBJECTS", 2)
    tree = subjects.build([JIA, YI], salts(2))
    assert code_of(lambda: subjects.add_subject(tree, FLAT, bytes(16))) == "subject-form"
    assert code_of(lambda: subjects.build(EVERYTHING[:3], salts(3))) == "subject-form"


def test_openings_travel_as_json() -> None:
    tree = subjects.build(EVERYTHING, salts(5))
    for opening in tree.openings:
        assert subjects.opening_from_json(json.loads(json.dumps(subjects.opening_to_json(opening)))) == opening


@pytest.mark.parametrize(
    "change",
    [
        {"index": 5},
        {"index": -1},
        {"index": True},
        {"index": "1"},
        {"size": 0},
        {"size": 5.0},
        {"path": ["00"]},
        {"path": ["AA" * 32]},
        {"path": ["00" * 32] * 13},
        {"path": None},
        {"disclosure": 1},
        {"disclosure": "a b"},
        {"extra": 1},
    ],
    ids=str,
)
def test_other_json_is_refused(change: dict[str, Any]) -> None:
    value = subjects.opening_to_json(subjects.build(EVERYTHING, salts(5)).openings[1]) | change
    assert code_of(lambda: subjects.opening_from_json(value)) == "subject-opening-form"
    assert code_of(lambda: subjects.opening_from_json([])) == "subject-opening-form"
